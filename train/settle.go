package train

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"

	"qtool/model"
)

// settlingImages is how many training samples the moments of finished batch norms
// are held against, and settlingBatch how many of them a shard takes at once.
const (
	settlingImages = 8192
	settlingBatch  = 128
)

// Running moments have settled when no channel's mean is further from the mean over
// the training samples than this many standard deviations, and no variance by more
// than this share of it. Both are about four standard deviations of the chance that
// remains in the moments of a training in batches of 20: the moments forget a step at a rate of
// momentum, which leaves (2-momentum)/momentum = 39 batches, 780 images, in them.
const (
	settledMean     = 0.15
	settledVariance = 0.25
)

// settle sees to it that the batch norms' running moments belong to the final
// parameters: the moments that training left may be of too few steps, of batches that are too
// small, or of earlier parameters. It finds the moments of the training samples,
// moved as in training, with the final parameters, each norm behind the others as
// training has them, in batches of 2 settlingBatch. Where the running ones have
// settled they stay, so that a training that was long enough is not changed by how
// it is checked; otherwise all become those found, and settle reports true. q is
// what the network is quantized by, nil for float.
//
// Reference: Wu and Johnson, "Rethinking Batch in BatchNorm", arXiv 2105.07576,
// section 3 (PreciseBN).
func (f *fitter) settle(ctx context.Context, q Quantizer) (bool, error) {
	norms := f.shards[0].norms
	if len(norms) == 0 {
		return false, nil
	}
	found, err := f.population(ctx, q)
	if err != nil {
		return false, err
	}
	settled := true
	for k, n := range norms {
		settled = settled && found[k].agrees(f.params.Get(n.layer+".mean"), f.params.Get(n.layer+".variance"))
	}
	if settled {
		return false, nil
	}
	for k, n := range norms {
		found[k].write(f.params.Get(n.layer+".mean"), f.params.Get(n.layer+".variance"))
	}
	if q != nil {
		return true, q.Refresh(f.params)
	}
	return true, nil
}

// rescore puts the validation accuracy with settled moments into the history of an
// epoch, counted from 1.
func (f *fitter) rescore(ctx context.Context, epoch int) (err error) {
	if v := f.task.Validation; v != nil && v.Len() > 0 {
		f.History[epoch-1].Validation, err = f.accuracy.Accuracy(ctx, v)
	}
	return err
}

// population are the moments of the training samples, a batch norm each.
func (f *fitter) population(ctx context.Context, q Quantizer) ([]moments, error) {
	n := f.task.Train.Len()
	// The stream's second word is one that no epoch has.
	order := rand.New(rand.NewPCG(f.task.Seed, 2<<32)).Perm(n)
	order = order[:min(n, settlingImages)]
	size := min(settlingBatch, (len(order)+shardCount-1)/shardCount)
	if len(order) < 2*shardCount {
		size = len(order) // one shard takes them all
	}
	var shards []*graph
	defer func() {
		for _, g := range shards {
			g.close()
		}
	}()
	for range min(shardCount, len(order)/size) {
		g, err := newGraph(f.task.Network, f.params, q, size, f.settling())
		if err != nil {
			return nil, err
		}
		shards = append(shards, g)
	}
	sums := make([]moments, len(shards[0].norms))
	for len(order) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err // the state on disk is the last step's
		}
		batch := order[:min(len(order), size*len(shards))]
		order = order[len(batch):]
		errs := make([]error, len(shards))
		var wg sync.WaitGroup
		for s, g := range shards {
			from := min(s*size, len(batch))
			part := batch[from:min(from+size, len(batch))]
			if g.used = 0; len(part) == 0 {
				continue
			}
			wg.Go(func() {
				f.fill(g, part, len(batch))
				errs[s] = g.run()
			})
		}
		wg.Wait()
		for s, g := range shards {
			if errs[s] != nil {
				return nil, errs[s]
			}
			// A rest of some images is nothing to normalise by, where there are more.
			if g.used == 0 || g.used < min(size, 16) && sums[0].count > 0 {
				continue
			}
			for k := range sums {
				sums[k].add(g.norms[k])
			}
		}
	}
	return sums, nil
}

// settling is the objective of graphs that moments are found with: without a teacher.
func (f *fitter) settling() *objective {
	o := f.objective()
	o.teacher = nil
	return o
}

// moments are sums over elements, a channel each.
type moments struct {
	count       float64
	sum, square []float64
}

// add adds a run's elements: of mean m and variance v, count of them,
//
//	sum += count m,   square += count (v + m^2)
func (m *moments) add(n norm) {
	of := n.moments
	if m.sum == nil {
		m.sum, m.square = make([]float64, len(of.Mean)), make([]float64, len(of.Mean))
	}
	count := float64(of.Count)
	m.count += count
	for c, mean := range of.Mean {
		m.sum[c] += float64(count * float64(mean))
		m.square[c] += float64(count * (float64(of.Variance[c]) + float64(float64(mean)*float64(mean))))
	}
}

// channel is the mean and the unbiased variance of a channel.
func (m *moments) channel(c int) (mean, variance float64) {
	mean = m.sum[c] / m.count
	variance = max(m.square[c]/m.count-float64(mean*mean), 0)
	return mean, variance * m.count / max(m.count-1, 1)
}

// agrees reports whether running moments have settled at the moments m.
func (m *moments) agrees(mean, variance []float32) bool {
	for c := range mean {
		wantMean, wantVariance := m.channel(c)
		scale := wantVariance + model.BatchNormEpsilon
		if !(math.Abs(float64(mean[c])-wantMean) <= settledMean*math.Sqrt(scale)) ||
			!(math.Abs(float64(variance[c])-wantVariance) <= settledVariance*scale) {
			return false
		}
	}
	return true
}

func (m *moments) write(mean, variance []float32) {
	for c := range mean {
		a, b := m.channel(c)
		mean[c], variance[c] = float32(a), float32(b)
	}
}
