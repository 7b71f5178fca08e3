package model

import (
	"math"
	"slices"
)

// BatchNormEpsilon is added to a variance before its root is taken.
const BatchNormEpsilon = 1e-5

// Normalisation is what the batch norm of the given name does to channel c once
// trained, y = slope[c] x + offset[c]:
//
//	slope  = weight / sqrt(variance + epsilon)
//	offset = bias - mean * slope
//
// Reference: Ioffe and Szegedy, arXiv 1502.03167.
func (p Parameters) Normalisation(name string) (slope, offset []float64) {
	weight, bias := p.Of(name)
	mean, variance := p.Get(name+".mean"), p.Get(name+".variance")
	slope, offset = make([]float64, len(weight)), make([]float64, len(weight))
	for c := range weight {
		slope[c] = float64(weight[c]) / math.Sqrt(float64(variance[c])+BatchNormEpsilon)
		offset[c] = float64(bias[c]) - float64(float64(mean[c])*slope[c])
	}
	return slope, offset
}

// FoldBatchNorms returns the same function without its batch norms: each is
// multiplied into the weights and the bias of the layer that it reads, which its
// readers then read. Those at which keep reports true stay.
func FoldBatchNorms(n *Network, p Parameters, keep func(i int) bool) (*Network, Parameters) {
	sources, err := n.Sources()
	if err != nil {
		panic(err) // n has shapes
	}
	folded := &Network{Input: n.Input}
	q := p.Clone()
	stands := map[string]string{} // which tensor stands for the output of a folded batch norm
	for i, l := range n.Layers {
		from := sources[i]
		if l.Type != BatchNorm || keep(i) {
			folded.Layers = append(folded.Layers, l.reads(n, from, stands, folded))
			continue
		}
		before := n.Layers[from[0]].Name
		stands[l.Name] = before
		slope, offset := p.Normalisation(l.Name)
		w, b := q.Of(before)
		row := len(w) / len(b)
		for c := range b {
			for k := c * row; k < (c+1)*row; k++ {
				w[k] = float32(float64(w[k]) * slope[c])
			}
			b[c] = float32(float64(float64(b[c])*slope[c]) + offset[c])
		}
		q = slices.DeleteFunc(q, func(t Tensor) bool { return t.layer() == l.Name })
	}
	return folded, q
}

// reads is the layer, about to be appended to folded, with a From that names the
// tensors it read in n, or what stands for them. Where that is just the layer
// before, and From did not name it, it still does not.
func (l Layer) reads(n *Network, from []int, stands map[string]string, folded *Network) Layer {
	names := make(Names, len(from))
	for k, i := range from {
		names[k] = InputName
		if i != Input {
			names[k] = n.Layers[i].Name
		}
		if s, ok := stands[names[k]]; ok {
			names[k] = s
		}
	}
	before := InputName
	if last := len(folded.Layers) - 1; last >= 0 {
		before = folded.Layers[last].Name
	}
	if len(l.From) > 0 || names[0] != before {
		l.From = names
	}
	return l
}

// TableAfter is the index of the lookup-table activation that layer i's outputs reach
// through nothing but batch norms, pools and flattening, without another reader on
// the way, or -1. A weighted layer before a table leaves its bias to it.
func (n *Network) TableAfter(i int) int {
	path := n.PathToTable(i)
	if len(path) == 0 {
		return -1
	}
	return path[len(path)-1]
}

// PathToTable are the layers from the reader of layer i to the table after it; see
// TableAfter. It is empty where there is none.
//
// A bias passes an average over real values alone, and a maximum; the factor of a
// batch norm, which may be negative, does not pass a maximum.
func (n *Network) PathToTable(i int) []int {
	sources, err := n.Sources()
	if err != nil {
		return nil
	}
	readers := Readers(sources)
	normed := n.Layers[i].Type == BatchNorm
	var path []int
	for {
		if i = only(readers, i); i < 0 {
			return nil
		}
		path = append(path, i)
		switch l := n.Layers[i]; {
		case l.LookupTable():
			return path
		case l.Type == BatchNorm:
			normed = true
		case l.Averages():
			if !l.Padding.IsZero() {
				return nil
			}
		case l.Maximum():
			if normed {
				return nil
			}
		case l.Type != Flatten:
			return nil
		}
	}
}
