package ptq

import (
	"context"
	"math"

	"qtool/model"
)

// learnRounding replaces the weights of layer i by learnt ones: see
// rounding.learn. The new master weights stand on the grid, scale*integer (with
// the fold divided out), so that rounding them again gives the same integers.
// With centred, outputs may be off by a constant each, which correctBias then
// takes out. The tensors held must be the float pre-activations and, still, the
// layer's integer inputs.
func (w *walk) learnRounding(ctx context.Context, i int, centred bool, step func()) error {
	for group := range max(w.q.Network.Layers[i].Groups, 1) {
		if err := w.learnGroup(ctx, i, group, centred, step); err != nil {
			return err
		}
		step = func() {} // a layer is one to those who wait
	}
	return nil
}

// learnGroup is learnRounding of one of the layer's groups.
func (w *walk) learnGroup(ctx context.Context, i, group int, centred bool, step func()) error {
	l, s := w.q.Network.Layers[i], &w.scaling[i]
	all, bias := w.q.Params.Of(l.Name)
	z := quantizerOf(w.q, l.Name)
	row, outputs := len(all)/len(bias), len(bias)/max(l.Groups, 1)
	from := group * outputs // the group's first output
	weight := all[from*row : (from+outputs)*row]
	// Integers n of scale s_i times Out/scale are the reals that folded weights
	// of this scale multiply.
	m, err := w.moments(ctx, i, group, s.Out[0]/float64(z.Params(0).Scale))
	if err != nil {
		return err
	}
	if centred {
		m.centre()
	}
	folded := s.FoldedWeights(all, len(bias))[from*row : (from+outputs)*row]
	codes := make([]float32, len(all))
	s.WeightCodes(codes, all, len(bias))
	codes = codes[from*row : (from+outputs)*row]
	r := newRounding(m)
	var factors []float32
	if s.Fold != nil {
		factors = s.FoldOf(from, len(bias))
	}
	onGrid := func(k int, code float64) float32 {
		fold := float32(1)
		if factors != nil {
			fold = factors[k%row*len(factors)/row]
		}
		return float32(code * r.scales[k/row] / float64(fold))
	}
	for k, v := range folded {
		p := z.Params(from + k/row)
		r.scales[k/row] = float64(p.Scale)
		r.lower[k] = float64(codes[k])
		lower, upper := float64(p.QMin()), float64(p.QMax())
		if !p.Binary() {
			lower = min(max(math.Floor(float64(v)/float64(p.Scale)), lower), upper-1)
			upper = lower + 1
		}
		// A fold next to 0 would need a master weight that float32 cannot hold.
		if !finite(onGrid(k, lower)) || !finite(onGrid(k, upper)) {
			continue
		}
		r.lower[k], r.step[k] = lower, upper-lower
		r.nearest[k] = (float64(codes[k]) - lower) / r.step[k]
		r.fraction[k] = min(max((float64(v)/float64(p.Scale)-lower)/r.step[k], 0), 1)
	}
	up, err := r.learn(ctx, step)
	if err != nil {
		return err
	}
	for k := range weight {
		if r.step[k] > 0 {
			weight[k] = onGrid(k, r.lower[k]+float64(r.step[k]*up[k]))
		}
	}
	return nil
}

func finite(v float32) bool { return v-v == 0 }

// quantizerOf is the weight quantizer of a layer.
func quantizerOf(q *model.Quantized, layer string) model.WeightQuantizer {
	for _, z := range q.Weights {
		if z.Layer == layer {
			return z
		}
	}
	panic("ptq: layer without a weight quantizer") // Scaling has refused it
}
