package train

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"qtool/model"
	"qtool/train/op"
)

// dropout is a layer of that kind in a training graph, with its mask [elements,
// batch] for the next run: 0, or 1/(1-rate) for what is kept.
type dropout struct {
	layer int
	rate  float64
	batch int
	mask  []float32
}

// dropout adds layer i, which does nothing but in training.
func (b *builder) dropout(i int, l model.Layer, x *G.Node) (*G.Node, error) {
	if !b.drops || l.Rate == 0 {
		return x, nil
	}
	d := &dropout{layer: i, rate: l.Rate, batch: b.batch, mask: make([]float32, x.Shape().TotalSize())}
	b.dropouts = append(b.dropouts, d)
	return op.Masked(x, func() []float32 { return d.mask })
}

// draw makes the masks of a batch's samples, given by their place in the training
// set. A mask depends on the seed, the epoch, the sample and the layer alone, so that
// neither the cores nor an interruption change it.
func (t *graph) draw(seed uint64, epoch int, samples []int) {
	for _, d := range t.dropouts {
		for column, sample := range samples {
			// The top bit tells these streams from all others of the seed.
			d.fill(column, rand.New(rand.NewPCG(seed, 1<<63|uint64(epoch)<<40|uint64(sample)<<8|uint64(d.layer))))
		}
	}
}

// fill makes the mask of one column.
func (d *dropout) fill(column int, r *rand.Rand) {
	keep := float32(1 / (1 - d.rate))
	for i := column; i < len(d.mask); i += d.batch {
		d.mask[i] = 0
		if r.Float64() >= d.rate {
			d.mask[i] = keep
		}
	}
}

// wordStream is the stream of a sample of words: it draws, in this order, what the
// embedding leaves out and the masks of all dropouts.
func wordStream(seed uint64, epoch, sample int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 1<<40+uint64(epoch)<<32+uint64(sample)))
}
