package export

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/internal/elementary"
	"qtool/model"
)

// nodeLayer says which of a network's tensors a node's integers belong to: they are
// the layer's times a whole number. Index model.Input is the network's input.
type nodeLayer struct {
	layer    int
	multiple float64
}

// nodeLayers finds them for every node of q's program p, by name.
//
// A batch norm is in the table after it: the node before it is compared with the
// normalised values, whose scale and offset are the layer's.
func nodeLayers(q *model.Quantized, p *bundle.Program, scaling []model.LayerScaling) ([]nodeLayer, error) {
	n := q.Network
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	named := map[string]nodeLayer{}
	for i, l := range n.Layers {
		named[l.Name], named[l.Name+flattened] = nodeLayer{i, 1}, nodeLayer{i, 1}
		if l.Type == model.BatchNorm {
			named[n.Layers[sources[i][0]].Name] = nodeLayer{i, 1}
		}
		for k, weight := range scaling[i].Weights {
			named[fmt.Sprint(l.Name, multiplied, k+1)] = nodeLayer{sources[i][k], weight}
		}
	}
	all := make([]nodeLayer, len(p.Nodes))
	for k := range p.Nodes {
		var ok bool
		if all[k], ok = named[p.Nodes[k].Name]; !ok {
			return nil, fmt.Errorf("export: layer %q of the program belongs to no layer of the network", p.Nodes[k].Name)
		}
	}
	return all, nil
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
	scaling, err := q.Scaling()
	if err != nil {
		return nil, err
	}
	layers, err := nodeLayers(q, p, scaling)
	if err != nil {
		return nil, err
	}
	signal, noise := make([]float64, len(p.Nodes)), make([]float64, len(p.Nodes))
	real := make([]float32, len(images.Image(0)))
	inputs, input := make([]float64, len(real)), model.LayerScaling{Out: []float64{float64(q.Input.Scale)}}
	for i := range images.Len() {
		images.Reals(real, i)
		for j, v := range real {
			inputs[j] = float64(v)
		}
		outs, err := q.Network.Forward(float, real)
		if err != nil {
			return nil, err
		}
		_, err = r.Run(p.Input.Sample(real).Vec(), func(k int, v bundle.Vec) {
			n := &p.Nodes[k]
			if seen := bundle.RangeOf(v); i == 0 {
				n.Seen = seen
			} else {
				n.Seen = n.Seen.Union(seen)
			}
			out, s := inputs, &input
			if at := layers[k].layer; at != model.Input {
				out, s = outs[at], &scaling[at]
			}
			for j, x := range out {
				d := x - float64(s.Out[j*len(s.Out)/len(out)]/layers[k].multiple*v.Float(j))
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
