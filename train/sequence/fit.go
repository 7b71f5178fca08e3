package sequence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/model/sequence"
	"qtool/train"
)

// Task is one training run.
type Task struct {
	Network    *sequence.Network
	Params     model.Parameters // where to start; not changed
	Quantizer  Quantizer        // nil: float training
	Train, Dev []Sample
	Config     train.Config
	// Dropout is the chance that a number of a step's input, or of the last state,
	// is 0 in training; WordDropout that a word is left out.
	Dropout, WordDropout float64
	Seed                 uint64
	// Average, if not 0, keeps a moving average of the parameters, which is what
	// epochs are scored with and what Fit returns:
	//
	//	average <- d average + (1-d) parameters,   d = min(Average, (1+t)/(10+t)) at step t
	Average float64
	// WordRate, if not 0, multiplies the learning rate of the words' vectors.
	WordRate float64
	// KeepWords leaves the vectors of the words as they are.
	KeepWords bool
	// Teacher, if not nil, has a probability for each training sample, which is
	// learned from in the place of the label; see Soften.
	Teacher []float32
	// Progress, if not nil, is called after every step.
	Progress func(train.Progress)
}

// shardCount is how many graphs share each batch; see package train.
const shardCount = 2

// Fit trains and scores every epoch on the dev samples. With Config.Patience the
// best epoch's parameters are kept, otherwise the last's. The same task gives the
// same parameters, bit for bit.
func Fit(ctx context.Context, task Task) (*train.Result, error) {
	start := time.Now()
	f, err := newFitter(task)
	if err != nil {
		return nil, err
	}
	defer f.close()
	r := &train.Result{}
	best, score := f.params.Clone(), -1.0
	for epoch := 0; epoch < task.Config.Epochs; epoch++ {
		if p := task.Config.Patience; p > 0 && epoch-r.Best >= p {
			break
		}
		if err := f.epoch(ctx, epoch, r); err != nil {
			return nil, err
		}
		now := r.History[epoch].Validation
		if now > score || task.Config.Patience == 0 {
			r.Best, score = epoch+1, now
			for i := range best {
				copy(best[i].Data, f.average[i].Data)
			}
		}
	}
	if task.Quantizer != nil {
		if err := task.Quantizer.Refresh(best); err != nil {
			return nil, err
		}
	}
	r.Params, r.Seconds = best, time.Since(start).Seconds()
	return r, nil
}

// fitter is a run in progress.
type fitter struct {
	task     Task
	params   model.Parameters
	average  model.Parameters // params itself without Task.Average
	steps    int
	embed    *embedder
	shards   []*graph
	adam     *train.Adam
	rowAdam  rowAdam
	gradient *sparse
	dev      *Evaluator
}

func newFitter(task Task) (*fitter, error) {
	if err := task.Config.Validate(); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if len(task.Train) == 0 || len(task.Dev) == 0 {
		return nil, fmt.Errorf("train: %d training and %d dev sentences, want some of both", len(task.Train), len(task.Dev))
	}
	if err := task.Network.Check(task.Params); err != nil {
		return nil, err
	}
	f := &fitter{task: task, params: task.Params.Clone(), adam: train.NewAdam(task.Config.LearningRate, task.Config.Clip)}
	f.average = f.params
	if task.Average > 0 {
		f.average = f.params.Clone()
	}
	table := f.params[0]
	f.embed = &embedder{
		size: task.Network.Embedding, table: table.Data, mean: task.Network.Cell == sequence.Mean,
		dropout: task.Dropout, wordDropout: task.WordDropout,
	}
	f.gradient = newSparse(table.Shape[0], table.Shape[1])
	if task.Quantizer != nil {
		if err := task.Quantizer.Refresh(f.params); err != nil {
			return nil, err
		}
	}
	n := min(shardCount, task.Config.Batch)
	for range n {
		g, err := newGraph(task.Network, f.params, f.embed, task.Quantizer, (task.Config.Batch+n-1)/n, &objective{task.Dropout})
		if err != nil {
			return nil, err
		}
		f.shards = append(f.shards, g)
	}
	var err error
	f.dev, err = NewEvaluator(task.Network, f.average, task.Quantizer)
	return f, err
}

func (f *fitter) close() {
	for _, g := range f.shards {
		g.vm.Close()
	}
	f.dev.Close()
}

func (f *fitter) epoch(ctx context.Context, epoch int, r *train.Result) error {
	c := f.task.Config
	if f.task.Quantizer != nil && c.FreezeScales > 0 && epoch >= c.FreezeScales {
		f.task.Quantizer.Freeze()
	}
	all := order(f.task.Train, c.Batch, f.task.Network.Mask, f.task.Seed, uint64(epoch))
	steps := (len(all) + c.Batch - 1) / c.Batch
	loss, right := 0.0, 0
	for s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := all[s*c.Batch : min((s+1)*c.Batch, len(all))]
		f.adam.Rate = c.Rate(epoch*steps+s, steps, c.Epochs*steps)
		l, k, err := f.step(batch, epoch)
		if err != nil {
			return fmt.Errorf("train: epoch %d, step %d: %w", epoch+1, s+1, err)
		}
		loss, right = loss+float64(l*float64(len(batch))), right+k
		if f.task.Progress != nil {
			seen := float64(s*c.Batch + len(batch))
			p := train.Progress{Epoch: epoch + 1, Epochs: c.Epochs, Step: s + 1, Steps: steps, Loss: loss / seen, Accuracy: float64(right) / seen}
			if epoch > 0 {
				p.Validation = r.History[epoch-1].Validation
			}
			f.task.Progress(p)
		}
	}
	score, err := f.score(ctx)
	n := float64(len(all))
	r.History = append(r.History, train.Epoch{Epoch: epoch + 1, Loss: loss / n, Accuracy: float64(right) / n, Validation: score})
	return err
}

// label is what training sample i is to answer.
func (f *fitter) label(i int) float32 {
	if f.task.Teacher != nil {
		return f.task.Teacher[i]
	}
	return float32(f.task.Train[i].Label)
}

// step trains on one batch: every shard takes its part, then the gradients are
// summed in the shards' order.
func (f *fitter) step(batch []int, epoch int) (loss float64, right int, err error) {
	errs := make([]error, len(f.shards))
	var wg sync.WaitGroup
	for s, g := range f.shards {
		wg.Go(func() {
			from := min(s*g.batch, len(batch))
			part := batch[from:min(from+g.batch, len(batch))]
			labels := g.labels.Float32s()
			for r := range labels {
				labels[r] = -1
				if r < len(part) {
					labels[r] = f.label(part[r])
				}
			}
			g.count = len(batch)
			g.fill(f.task.Train, part, func(i int) *rand.Rand {
				return rand.New(rand.NewPCG(f.task.Seed, 1<<40+uint64(epoch)<<32+uint64(i)))
			})
			errs[s] = g.run()
		})
	}
	wg.Wait()
	f.gradient.reset()
	for s, g := range f.shards {
		if errs[s] != nil {
			return 0, 0, errs[s]
		}
		loss += float64(g.loss.Value().Data().(float32))
		if g.gates != nil {
			loss += g.gates.LastPenalty
		}
		for r, z := range g.output() {
			if l := g.labels.Float32s()[r]; l >= 0 && (z > 0) == (l > 0.5) {
				right++
			}
		}
		if err := g.gather(f.gradient); err != nil {
			return 0, 0, err
		}
	}
	for i := range f.shards[0].params {
		sum, err := gradient(f.shards[0].params[i])
		if err != nil {
			return 0, 0, err
		}
		for _, g := range f.shards[1:] {
			d, err := gradient(g.params[i])
			if err != nil {
				return 0, 0, err
			}
			f32.Add(sum, d)
		}
	}
	if f.task.KeepWords {
		f.gradient.reset()
	}
	f.adam.Elsewhere = f.gradient.sumSquares()
	if err := f.adam.Step(G.NodesToValueGrads(f.shards[0].params)); err != nil {
		return 0, 0, err
	}
	rate := f.adam.Rate
	if f.task.WordRate > 0 {
		rate *= f.task.WordRate
	}
	f.rowAdam.step(f.embed.table, f.gradient, rate, f.adam.Scale)
	f.follow()
	if f.task.Quantizer != nil {
		err = f.task.Quantizer.Refresh(f.params)
	}
	return loss, right, err
}

// follow moves the average towards the parameters.
func (f *fitter) follow() {
	f.steps++
	if f.task.Average == 0 {
		return
	}
	t := float64(f.steps)
	rest := float32(1 - min(f.task.Average, (1+t)/(10+t)))
	for i := range f.average {
		average, now := f.average[i].Data, f.params[i].Data
		for k, x := range now {
			average[k] += float32(rest * (x - average[k]))
		}
	}
}

// score is the accuracy of the averaged parameters on the dev samples.
func (f *fitter) score(ctx context.Context) (float64, error) {
	q := f.task.Quantizer
	if q == nil || f.task.Average == 0 {
		return f.dev.Accuracy(ctx, f.task.Dev)
	}
	if err := q.Refresh(f.average); err != nil {
		return 0, err
	}
	score, err := f.dev.Accuracy(ctx, f.task.Dev)
	if err != nil {
		return 0, err
	}
	return score, q.Refresh(f.params)
}

func gradient(n *G.Node) ([]float32, error) {
	v, err := n.Grad()
	if err != nil {
		return nil, fmt.Errorf("gradient of %s: %w", n.Name(), err)
	}
	return v.(*tensor.Dense).Float32s(), nil
}
