package qat

import (
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/quant/bulk"
	"qtool/train/op"
)

// refreshFold spreads the layer's factors over the inputs of an output, of each
// group in turn.
func (z *Quantizer) refreshFold(i int) {
	l, fold := z.q.Network.Layers[i], z.scaling[i].Fold
	if fold == nil {
		z.folds[i] = nil
		return
	}
	w, b := z.q.Params.Of(l.Name)
	n := len(w) / len(b) * max(l.Groups, 1)
	z.folds[i] = slices.Grow(z.folds[i][:0], n)[:n]
	for k := range z.folds[i] {
		z.folds[i][k] = fold[k*len(fold)/n]
	}
}

// foldOf are the factors that go with output o's weights, or nil.
func (z *Quantizer) foldOf(i, o, outputs int) []float32 {
	fold := z.folds[i]
	if fold == nil {
		return nil
	}
	groups := max(z.q.Network.Layers[i].Groups, 1)
	row := len(fold) / groups
	group := o * groups / outputs
	return fold[group*row : (group+1)*row]
}

// weights is the quantizer of layer i: the codes of model.LayerScaling's
// WeightCodes, the gradient of its WeightSlopes and its ScaleGradient, by vector
// kernels. Each graph has one of its own. scale is the node of the learned scales,
// or nil.
func (z *Quantizer) weights(i, outputs int, scale *G.Node) op.Quantizer {
	factor := float32(math.Ldexp(1, z.offsetIn(i)-z.exponents[i+1])) // of the codes in the graph
	at := slices.IndexFunc(z.q.Weights, func(w model.WeightQuantizer) bool { return w.Layer == z.q.Network.Layers[i].Name })
	// eachGroup calls f with the elements that share a grid and factors.
	eachGroup := func(size int, f func(g f32.Grid, fold []float32, from, to int)) {
		w := &z.q.Weights[at]
		groups := outputs
		if len(w.Scales) == 1 && z.folds[i] == nil {
			groups = 1
		}
		for o := range groups {
			f(bulk.Grid(w.Params(o)), z.foldOf(i, o, outputs), o*size/groups, (o+1)*size/groups)
		}
	}
	var folded, slopes []float32
	scaleGradient := func(ds, w, dy []float32) {
		if z.folds[i] != nil {
			folded = slices.Grow(folded[:0], len(w))[:len(w)]
			row := len(w) / outputs
			for o := range outputs {
				from, to := o*row, (o+1)*row
				f32.Mul(folded[from:to], w[from:to], z.foldOf(i, o, outputs))
			}
			w = folded
		}
		size := len(w) / len(ds)
		for g := range ds {
			from, to := g*size, (g+1)*size
			ds[g] = float32(bulk.ScaleGradient(z.q.Weights[at].Params(g), w[from:to], dy[from:to]))
		}
		multiply(ds, factor)
	}
	if z.q.Weights[at].Params(0).Binary() {
		return op.Quantizer{
			Codes: func(dst, w []float32) {
				z.scaling[i].WeightCodes(dst, w, outputs)
				multiply(dst, factor)
			},
			Grad: func(dx, w, dy []float32) {
				z.scaling[i].WeightSlopes(dx, w, outputs)
				f32.Mul(dx, dx, dy)
				multiply(dx, factor)
			},
			Scale: scale, ScaleGradient: scaleGradient,
		}
	}
	return op.Quantizer{
		Scale: scale, ScaleGradient: scaleGradient,
		Codes: func(dst, w []float32) {
			eachGroup(len(w), func(g f32.Grid, fold []float32, from, to int) {
				dst, w := dst[from:to], w[from:to]
				if fold != nil {
					f32.Mul(dst, w, fold)
					w = dst
				}
				g.Quantize(dst, w)
			})
			multiply(dst, factor)
		},
		Grad: func(dx, w, dy []float32) {
			eachGroup(len(w), func(g f32.Grid, fold []float32, from, to int) {
				dx, w, dy := dx[from:to], w[from:to], dy[from:to]
				if fold == nil {
					g.QuantizeGrad(dx, w, dy, 1/g.Scale)
					return
				}
				folded, slopes = slices.Grow(folded[:0], len(w))[:len(w)], slices.Grow(slopes[:0], len(w))[:len(w)]
				for k, f := range fold {
					slopes[k] = f / g.Scale
				}
				f32.Mul(folded, w, fold)
				g.QuantizeGrad(dx, folded, slopes, 1)
				f32.Mul(dx, dx, dy)
			})
			multiply(dx, factor)
		},
	}
}
