package calibrate

import (
	"fmt"
	"slices"

	"qtool/approx"
	"qtool/model"
)

// Polynomials fits every polynomial of n that approximates a function on an
// interval of its own, and leaves those whose interval is to be measured. n is
// not changed. The error names the layer, the value and the limit.
func Polynomials(n *model.Network) (*model.Network, error) {
	if len(n.Layers) > model.MaxLayers {
		return nil, fmt.Errorf("calibrate: %d layers pass the limit of %d", len(n.Layers), model.MaxLayers)
	}
	out := &model.Network{Input: n.Input, Layers: slices.Clone(n.Layers)}
	for i, l := range out.Layers {
		if l.Type != model.Polynomial || l.Approximates == "" {
			continue
		}
		err := fmt.Errorf("want either interval or percentile")
		switch {
		case l.Coefficients != nil:
			err = fmt.Errorf("coefficients follow from approximates %s: leave one of the two out", l.Approximates)
		case l.Percentile != 0 && l.Interval == nil:
			// What can be known already: function, method and degree.
			_, err = Approximate(l, approx.Histogram{Interval: approx.Interval{Lo: -1, Hi: 2}, Counts: []float64{1}})
		case l.Percentile == 0 && len(l.Interval) == 2:
			if l.Method == string(approx.MethodHistogram) {
				err = fmt.Errorf("method %s needs percentile: there is no histogram of a given interval", l.Method)
				break
			}
			iv := approx.Interval{Lo: l.Interval[0], Hi: l.Interval[1]}
			out.Layers[i], err = Approximate(l, approx.Histogram{Interval: iv})
		}
		if err != nil {
			return nil, fmt.Errorf("calibrate: layer %q: %w", l.Name, err)
		}
	}
	return out, nil
}

// Approximate gives a polynomial the interval of h and the coefficients that fit
// the function it approximates there; of the methods only "histogram" looks at
// the counts.
//
// It returns an error where the fit does, and for a degree that the fit does not
// reach: the fit of an odd or even function on [-r, r] has no such term.
func Approximate(l model.Layer, h approx.Histogram) (model.Layer, error) {
	var p *approx.Polynomial
	var err error
	if m := approx.Method(l.Method); m == approx.MethodHistogram {
		p, err = approx.FitHistogram(string(l.Approximates), l.Degree, h)
	} else {
		p, err = approx.Fit(string(l.Approximates), m, l.Degree, h.Interval)
	}
	if err != nil {
		return l, err
	}
	d := l.Degree
	for d > 0 && p.Coefficients[d] == 0 {
		d--
	}
	if d < l.Degree {
		return l, fmt.Errorf("degree %d: the %s fit of %s on [%v, %v] has no term above degree %d: take that degree", l.Degree, l.Method, l.Approximates, h.Lo, h.Hi, d)
	}
	l.Interval, l.Coefficients = []float64{h.Lo, h.Hi}, p.Coefficients
	return l, nil
}
