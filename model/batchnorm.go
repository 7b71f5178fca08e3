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
// multiplied into the weights and the bias of the layer before it. Those at
// which keep reports true stay.
func FoldBatchNorms(n *Network, p Parameters, keep func(i int) bool) (*Network, Parameters) {
	folded := &Network{Input: n.Input}
	q := p.Clone()
	for i, l := range n.Layers {
		if l.Type != BatchNorm || keep(i) {
			folded.Layers = append(folded.Layers, l)
			continue
		}
		slope, offset := p.Normalisation(l.Name)
		w, b := q.Of(n.Layers[i-1].Name)
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

// TableAfter is the index of the tabled activation that layer i's outputs reach
// through nothing but batch norms, pools and flattening, or -1. A weighted layer
// before a table leaves its bias to it.
func (n *Network) TableAfter(i int) int {
	for i++; i < len(n.Layers); i++ {
		switch l := n.Layers[i]; {
		case l.Tabled():
			return i
		case l.Type != BatchNorm && l.Type != AvgPool && l.Type != Flatten:
			return -1
		}
	}
	return -1
}
