package train

import (
	"fmt"
	"math/rand/v2"
	"sync"

	G "gorgonia.org/gorgonia"

	"qtool/kernel/f32"
)

// step trains on one batch: every shard takes its part, then the gradients are
// summed in the shards' order.
func (f *fitter) step(batch []int) error {
	errs := make([]error, len(f.shards))
	var wg sync.WaitGroup
	for s, g := range f.shards {
		wg.Go(func() {
			from, to := f.part(s, g.batch, len(batch))
			f.fill(g, batch[from:to], len(batch))
			errs[s] = g.run()
		})
	}
	wg.Wait()
	for s, g := range f.shards {
		if errs[s] != nil {
			return errs[s]
		}
		f.tally(g, len(batch))
	}
	sum, err := f.shards[0].gradients()
	if err != nil {
		return err
	}
	for _, g := range f.shards[1:] {
		grads, err := g.gradients()
		if err != nil {
			return err
		}
		for i, d := range grads {
			f32.Add(sum[i], d)
		}
	}
	if f.words != nil {
		if err := f.words.gather(f.shards); err != nil {
			return err
		}
		f.adam.Elsewhere = f.words.gradient.sumSquares()
	}
	if err := f.adam.Step(G.NodesToValueGrads(f.shards[0].params)); err != nil {
		return fmt.Errorf("train: epoch %d, step %d: %w", f.Epoch+1, f.Step+1, err)
	}
	if f.words != nil {
		f.words.step(f.adam)
	}
	f.Steps = f.adam.Steps
	f.observeMoments()
	f.follow()
	if q := f.quantizer(); q != nil {
		return q.Refresh(f.params)
	}
	return nil
}

// follow moves the average towards the parameters, at step t (see Config.Average):
//
//	average <- d average + (1-d) parameters,   d = min(Average, (1+t)/(10+t))
func (f *fitter) follow() {
	if f.task.Config.Average == 0 {
		return
	}
	t := float64(f.Steps)
	rest := float32(1 - min(f.task.Config.Average, (1+t)/(10+t)))
	for i := range f.average {
		average, now := f.average[i].Data, f.params[i].Data
		for k, x := range now {
			average[k] += float32(rest * (x - average[k]))
		}
	}
}

// label is what training sample i is to answer: its class or, of one logit, the
// probability of the second class.
func (f *fitter) label(i int) float32 {
	if f.soft != nil {
		return f.soft[i]
	}
	return float32(f.task.Train.Labels[i])
}

// fill writes a shard's samples, images augmented, and labels; the rest is padding.
func (f *fitter) fill(g *graph, indices []int, count int) {
	labels := g.labels.Float32s()
	g.used, g.count = len(indices), count
	for r := range g.batch {
		if r >= len(indices) {
			g.pad(r)
			labels[r] = -1
			continue
		}
		i := indices[r]
		labels[r] = f.label(i)
		if g.embed == nil {
			g.put(r, func(dst []float32) {
				f.task.Train.Augmented(dst, i, f.task.Config.Augment, f.task.Seed, uint64(f.Epoch))
			})
			continue
		}
		var source *rand.Rand // of what is left out
		if f.soft == nil {
			source = wordStream(f.task.Seed, f.Epoch, i)
		}
		g.words(r, f.task.Train.Words[i], source)
		for _, d := range g.dropouts {
			d.fill(r, source)
		}
	}
	if g.embed == nil {
		g.draw(f.task.Seed, f.Epoch, indices)
	}
}

// momentum is how much of its running moments a batch norm replaces at a step.
const momentum = 0.05

// observeMoments moves the batch norms' running moments towards the moments of the
// step's shards, each counted by its elements. The variance is the unbiased one.
func (f *fitter) observeMoments() {
	for k, n := range f.shards[0].norms {
		mean, variance := f.params.Get(n.layer+".mean"), f.params.Get(n.layer+".variance")
		total := 0
		for _, g := range f.shards {
			total += g.norms[k].moments.Count
		}
		for c := range mean {
			var m, v float64
			for _, g := range f.shards {
				of := g.norms[k].moments
				share := float64(of.Count) / float64(total)
				m += float64(share * float64(of.Mean[c]))
				v += share * float64(of.Variance[c]) * float64(of.Count) / float64(max(of.Count-1, 1))
			}
			mean[c] += float32(momentum * (float32(m) - mean[c]))
			variance[c] += float32(momentum * (float32(v) - variance[c]))
		}
	}
}

// tally adds a shard's loss and correct answers to the epoch's.
func (f *fitter) tally(g *graph, count int) {
	f.LossSum += float64(float64(g.loss.Value().Data().(float32)) * float64(count))
	for _, c := range g.cells {
		f.LossSum += float64(c.LastPenalty * float64(count))
	}
	g.predict(g.predicted)
	for r, l := range g.labels.Float32s() {
		if l >= 0 && g.predicted[r] == int(l+0.5) { // a probability is rounded
			f.Correct++
		}
	}
}
