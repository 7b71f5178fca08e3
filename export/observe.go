package export

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/internal/elementary"
	"qtool/model"
	"qtool/ptq"
)

// nodeLayer says which layer of the network a node of the program belongs to. The
// node's integers are
//
//	multiple * (the layer's integers) + offset
//
// The layer model.Input stands for the network's input, or for what the entry of a
// network that reads words gives.
type nodeLayer struct {
	layer    int
	multiple float64
	offset   float64
	mirrored bool // the node has -z and z of the layer's z
}

// element is the index of the layer's element that element j of the node belongs to, and
// the factor that the layer's element is multiplied by there.
func (n nodeLayer) element(j int) (at int, factor float64) {
	switch {
	case n.mirrored && j == 0:
		return 0, -n.multiple
	case n.mirrored:
		return 0, n.multiple
	}
	return j, n.multiple
}

// nodeLayers finds the layer of every node of the program p of network q, which reads no words
// (see model.Quantized.Server), by name. zero is the input of the program that stands for
// an input of 0 to the network.
//
// A batch norm is in the table after it: the node before it is compared with the
// normalised values, whose scale and offset are the layer's.
func nodeLayers(q *model.Quantized, p *bundle.Program, scaling []model.LayerScaling, zero int64) ([]nodeLayer, error) {
	n := q.Network
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	named := map[string]nodeLayer{}
	offsets := map[int]float64{model.Input: float64(zero)}
	for i, l := range n.Layers {
		if l.Type == model.Flatten || l.Type == model.Dropout {
			offsets[i] = offsets[sources[i][0]]
		}
		one := nodeLayer{layer: i, multiple: 1, offset: offsets[i], mirrored: i == len(n.Layers)-1 && l.Units == 1 && len(p.Labels) == 2}
		named[l.Name], named[l.Name+flattened] = one, one
		if l.Type == model.BatchNorm {
			named[n.Layers[sources[i][0]].Name] = one
		}
		for k, weight := range scaling[i].Weights {
			named[fmt.Sprint(l.Name, multiplied, k+1)] = nodeLayer{layer: sources[i][k], multiple: weight}
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

// zeroOf is the program's input where the network's is 0.
func zeroOf(q *model.Quantized) int64 {
	if q.Network.ReadsWords() {
		return Zero(q)
	}
	return 0
}

// Observe runs the program on inputs, sets every node's Seen to the range its tensor
// took, inside a loop too, and returns each node's signal-to-quantization-noise ratio in
// decibels against the unquantized network with parameters float on the samples that the
// inputs are of:
//
//	SQNR = 10 log10( sum x^2 / sum (x - scale*q)^2 )
//
// over all elements and samples. Of images, samples and inputs are the same.
func Observe(q *model.Quantized, float model.Parameters, p *bundle.Program, samples, inputs *datasets.Split) ([]float64, error) {
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	if inputs.Len() == 0 || inputs.Len() != samples.Len() {
		return nil, fmt.Errorf("export: %d inputs of %d samples to observe", inputs.Len(), samples.Len())
	}
	server, err := q.Server()
	if err != nil {
		return nil, err
	}
	scaling, err := server.Scaling()
	if err != nil {
		return nil, err
	}
	layers, err := nodeLayers(server, p, scaling, zeroOf(q))
	if err != nil {
		return nil, err
	}
	first := q.Network.Entry() + 1 // of the server's layers
	signal, noise := make([]float64, len(p.Nodes)), make([]float64, len(p.Nodes))
	input := model.LayerScaling{Out: []float64{float64(q.Input.Scale)}}
	seen := map[*bundle.Node]bool{}
	see := func(n *bundle.Node, v bundle.Vec) {
		now := bundle.RangeOf(v)
		if seen[n] {
			now = now.Union(n.Seen)
		}
		n.Seen, seen[n] = now, true
	}
	for i := range inputs.Len() {
		entered, outs, err := forward(q, float, samples, i)
		if err != nil {
			return nil, err
		}
		outer := func(k int, v bundle.Vec) {
			see(&p.Nodes[k], v)
			out, s := entered, &input
			if at := layers[k].layer; at != model.Input {
				out, s = outs[first+at], &scaling[at]
			}
			for j := range v.Len() {
				at, factor := layers[k].element(j)
				x := out[at]
				d := x - float64(s.Out[at*len(s.Out)/len(out)]/factor*(v.Float(j)-layers[k].offset))
				if s.Offset != nil && s.Table == nil { // a bias that a table takes
					d -= s.Offset[at*len(s.Offset)/len(out)]
				}
				signal[k] += float64(x * x)
				noise[k] += float64(d * d)
			}
		}
		inner := func(k, _, body int, v bundle.Vec) { see(&p.Nodes[k].Op.(*bundle.Recurrent).Body[body], v) }
		if _, err := r.RunRecurrent(p.Input.Sample(inputs.Tensor(i)).Vec(), outer, inner); err != nil {
			return nil, fmt.Errorf("export: sample %d: %w", i, err)
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

// forward is the float network on sample k: what enters the quantized part, and the
// outputs of all layers.
func forward(q *model.Quantized, float model.Parameters, samples *datasets.Split, k int) (entered []float64, outs [][]float64, err error) {
	if outs, err = ptq.Forward(q.Network, float, samples, k); err != nil {
		return nil, nil, err
	}
	if e := q.Network.Entry(); e != model.Input {
		return outs[e], outs, nil
	}
	for _, v := range samples.Tensor(k) {
		entered = append(entered, float64(v))
	}
	return entered, outs, nil
}

// CopySeen sets what p has Seen to what from has, for programs of the same shape.
func CopySeen(p, from *bundle.Program) {
	for i := range min(len(p.Nodes), len(from.Nodes)) {
		p.Nodes[i].Seen = from.Nodes[i].Seen
		a, ok := p.Nodes[i].Op.(*bundle.Recurrent)
		b, also := from.Nodes[i].Op.(*bundle.Recurrent)
		for k := 0; ok && also && k < min(len(a.Body), len(b.Body)); k++ {
			a.Body[k].Seen = b.Body[k].Seen
		}
	}
}
