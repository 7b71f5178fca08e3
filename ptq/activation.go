package ptq

import (
	"context"
	"fmt"
	"math"
	"slices"

	"qtool/approx"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
)

// maxMeasured bounds the values that measure one layer's interval, and bins is
// the resolution of their histogram.
const (
	maxMeasured = 1 << 24
	bins        = 256
)

// Approximate puts polynomials in the place of functions whose interval was left
// to be measured (model.Layer.Percentile), in order: each interval is measured
// with the polynomials before it in place, on the first count images, or fewer
// where the layer has more than 2^24/count elements. With percentile P it is
//
//	[ z at rank floor((1 - P/100)(n-1)), z at rank ceil(P/100 (n-1)) ]
//
// of the layer's n inputs z in ascending order. It returns the network and its
// parameters, which share p's data; both are the given ones where there is
// nothing to measure. The error names the layer.
func Approximate(ctx context.Context, n *model.Network, p model.Parameters, images *datasets.Split, count int) (*model.Network, model.Parameters, error) {
	shapes, err := n.Shapes()
	if err != nil {
		return nil, nil, err
	}
	out := &model.Network{Input: n.Input, Layers: slices.Clone(n.Layers)}
	sources, err := n.Sources()
	if err != nil {
		return nil, nil, err
	}
	measured := false
	for i, l := range n.Layers {
		if l.Percentile == 0 || l.Coefficients != nil {
			continue
		}
		measured = true
		elements := 1
		for _, d := range shapes[i] {
			elements *= d
		}
		z, err := inputs(ctx, out, p, sources[i][0], images.First(min(count, images.Len(), max(maxMeasured/elements, 1))))
		if err == nil {
			out.Layers[i], err = calibrate.Approximate(l, histogram(z, l.Percentile))
		}
		if err != nil {
			return nil, nil, fmt.Errorf("ptq: layer %q: %w", l.Name, err)
		}
		// The next layers are measured with this polynomial's starting values.
		if p, err = out.Continue(p); err != nil {
			return nil, nil, err
		}
	}
	if !measured {
		return n, p, nil
	}
	return out, p, nil
}

// inputs are the values of tensor i, a layer's or model.Input, ascending.
func inputs(ctx context.Context, n *model.Network, p model.Parameters, i int, images *datasets.Split) ([]float64, error) {
	if images.Len() == 0 {
		return nil, fmt.Errorf("no sample to measure its inputs")
	}
	var z []float64
	real := make([]float32, len(images.Image(0)))
	for k := range images.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		images.Reals(real, k)
		outs, err := n.Forward(p, real)
		if err != nil {
			return nil, err
		}
		if i != model.Input {
			z = append(z, outs[i]...)
			continue
		}
		for _, v := range real {
			z = append(z, float64(v))
		}
	}
	for _, v := range z {
		if v-v != 0 {
			return nil, fmt.Errorf("input %v is not finite", v)
		}
	}
	slices.Sort(z)
	return z, nil
}

// histogram counts ascending values between their percentiles.
func histogram(z []float64, percentile float64) approx.Histogram {
	last := float64(len(z) - 1)
	lo := z[int(math.Floor((1-percentile/100)*last))]
	hi := z[int(math.Ceil(percentile/100*last))]
	h := approx.Histogram{Interval: approx.Interval{Lo: lo, Hi: hi}, Counts: make([]float64, bins)}
	for _, v := range z {
		if v >= lo && v <= hi && lo < hi {
			h.Counts[min(int((v-lo)/(hi-lo)*bins), bins-1)]++
		}
	}
	return h
}
