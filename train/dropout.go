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
	if !b.training || l.Rate == 0 {
		return x, nil
	}
	d := &dropout{layer: i, rate: l.Rate, batch: b.batch, mask: make([]float32, x.Shape().TotalSize())}
	b.dropouts = append(b.dropouts, d)
	return op.Masked(x, func() []float32 { return d.mask })
}

// draw makes the masks of a batch's images, given by their place in the training
// set. A mask depends on the seed, the epoch, the image and the layer alone, so that
// neither the cores nor an interruption change it.
func (t *graph) draw(seed uint64, epoch int, images []int) {
	for _, d := range t.dropouts {
		keep := float32(1 / (1 - d.rate))
		for column, image := range images {
			// The top bit tells these streams from all others of the seed.
			stream := 1<<63 | uint64(epoch)<<40 | uint64(image)<<8 | uint64(d.layer)
			r := rand.New(rand.NewPCG(seed, stream))
			for i := column; i < len(d.mask); i += d.batch {
				d.mask[i] = 0
				if r.Float64() >= d.rate {
					d.mask[i] = keep
				}
			}
		}
	}
}
