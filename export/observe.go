package export

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/internal/elementary"
	"qtool/model"
)

// nodeLayers is the layer that each node of q's program comes from, and the
// layers' scaling.
func nodeLayers(q *model.Quantized) ([]int, []model.LayerScaling, error) {
	var layers []int
	for i, l := range q.Network.Layers {
		// A batch norm is in the table after it: the node before it is compared
		// with the normalised values, whose scale and offset are the layer's.
		if l.Type == model.BatchNorm {
			layers[len(layers)-1] = i
			continue
		}
		layers = append(layers, i)
	}
	scaling, err := q.Scaling()
	return layers, scaling, err
}

// Observe runs the program on images, sets every node's Seen to the range its
// tensor took, and returns each node's signal-to-quantization-noise ratio in
// decibels against the unquantized network with parameters float:
//
//	SQNR = 10 log10( sum x^2 / sum (x - scale*q)^2 )
//
// over all elements and images.
func Observe(q *model.Quantized, float model.Parameters, p *bundle.Program, images *datasets.Split) ([]float64, error) {
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	if images.Len() == 0 {
		return nil, fmt.Errorf("export: no image to observe")
	}
	layers, scaling, err := nodeLayers(q)
	if err != nil {
		return nil, err
	}
	signal, noise := make([]float64, len(p.Nodes)), make([]float64, len(p.Nodes))
	real := make([]float32, len(images.Image(0)))
	for i := range images.Len() {
		datasets.Augment{}.Apply(real, images.Image(i), images.Shape, 0, 0, 0)
		outs, err := q.Network.Forward(float, real)
		if err != nil {
			return nil, err
		}
		_, err = r.Run(p.Input.Quantize(images.Image(i)), func(k int, v bundle.Vec) {
			n := &p.Nodes[k]
			if seen := bundle.RangeOf(v); i == 0 {
				n.Seen = seen
			} else {
				n.Seen = n.Seen.Union(seen)
			}
			out, s := outs[layers[k]], &scaling[layers[k]]
			for j, x := range out {
				d := x - float64(s.Out[j*len(s.Out)/len(out)]*v.Float(j))
				if s.Offset != nil && s.Table == nil { // a bias that a table takes
					d -= s.Offset[j*len(s.Offset)/len(out)]
				}
				signal[k] += float64(x * x)
				noise[k] += float64(d * d)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	sqnr := make([]float64, len(p.Nodes))
	for k := range sqnr {
		// Noise of nothing would be infinite, which JSON cannot say; 300 dB is
		// beyond what float64 can tell apart.
		sqnr[k] = math.Min(10*elementary.Log10(signal[k]/noise[k]), 300)
		if math.IsNaN(sqnr[k]) || math.IsInf(sqnr[k], 0) {
			sqnr[k] = 0
		}
	}
	return sqnr, nil
}
