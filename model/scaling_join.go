package model

import (
	"fmt"
	"math"
	"slices"
)

// add gives layer i, a sum, the scale at which the scales of its inputs meet.
func (w *walker) add(i int, l Layer, s *LayerScaling, t *tensor) error {
	ins := w.inputs(i)
	scales := make([][]float64, len(ins))
	for k, in := range ins {
		scales[k] = in.scale
	}
	var a, b int
	var ok bool
	if s.Weights, s.Out, a, b, ok = meet(scales); !ok {
		return fmt.Errorf("%q has %s and %q %s, and no whole numbers k and m make k*n + m*n' their sum: %w; a conv or dense layer of its own in one of the branches (kernel 1 does) would take the scale of the other",
			l.From[a], describeScale(scales[a]), l.From[b], describeScale(scales[b]), ErrScales)
	}
	n := 1
	for _, in := range ins {
		n = max(n, len(in.lo))
	}
	t.lo, t.hi = make([]float64, n), make([]float64, n)
	for k, in := range ins {
		for c := range n {
			lo, hi := s.Weights[k]*in.lo[c*len(in.lo)/n], s.Weights[k]*in.hi[c*len(in.hi)/n]
			t.lo[c] += min(lo, hi)
			t.hi[c] += max(lo, hi)
		}
	}
	return nil
}

// mul gives layer i, which multiplies two tensors, the product of their scales.
func (w *walker) mul(i int, s *LayerScaling, t *tensor) error {
	ins := w.inputs(i)
	x, y := ins[0], ins[1]
	s.Out = make([]float64, max(len(x.scale), len(y.scale)))
	for c := range s.Out {
		s.Out[c] = x.scale[c*len(x.scale)/len(s.Out)] * y.scale[c*len(y.scale)/len(s.Out)]
	}
	n := max(len(x.lo), len(y.lo))
	t.lo, t.hi = make([]float64, n), make([]float64, n)
	for c := range n {
		xl, xh := x.lo[c*len(x.lo)/n], x.hi[c*len(x.hi)/n]
		yl, yh := y.lo[c*len(y.lo)/n], y.hi[c*len(y.hi)/n]
		p := []float64{xl * yl, xl * yh, xh * yl, xh * yh}
		t.lo[c], t.hi[c] = slices.Min(p), slices.Max(p)
		if x == y { // a square
			t.lo[c], t.hi[c] = polynomialInterval([]float64{0, 0, 1}, xl, xh)
		}
	}
	return nil
}

// concat gives layer i, which joins channels, the scales of all: one where they
// share it, else one a channel.
func (w *walker) concat(i int, s *LayerScaling, t *tensor) {
	ins := w.inputs(i)
	join := func(of func(in *tensor) []float64) []float64 {
		var all []float64
		for _, in := range ins {
			all = append(all, spreadAll(of(in), in.shape[0])...)
		}
		if slices.Max(all) == slices.Min(all) {
			return all[:1]
		}
		return all
	}
	s.Out = join(func(in *tensor) []float64 { return in.scale })
	t.lo = join(func(in *tensor) []float64 { return in.lo })
	t.hi = join(func(in *tensor) []float64 { return in.hi })
	if n := max(len(t.lo), len(t.hi)); len(t.lo) != len(t.hi) {
		t.lo, t.hi = spreadAll(t.lo, n), spreadAll(t.hi, n)
	}
}

// spreadAll is spread that repeats a single one too.
func spreadAll(v []float64, n int) []float64 {
	if len(v) == 1 {
		return slices.Repeat(v, n)
	}
	return spread(v, n)
}

// inputs are the tensors that layer i reads.
func (w *walker) inputs(i int) []*tensor {
	all := make([]*tensor, len(w.sources[i]))
	for k, from := range w.sources[i] {
		all[k] = w.tensor(from)
	}
	return all
}

// describeScale names one scale, or the first of many.
func describeScale(s []float64) string {
	if len(s) == 1 {
		return fmt.Sprintf("the scale %.6g", s[0])
	}
	return fmt.Sprintf("%d scales, the first %.6g", len(s), s[0])
}

// How exactly scales that meet do so, and the largest denominator of a ratio that
// is looked for. Scales that are tied differ from exact ones by the rounding of a
// few float64 operations.
const (
	meetTolerance  = 0x1p-51
	maxDenominator = 1 << 12
)

// meet finds whole numbers k_i and a scale S, one or one a channel, with
//
//	scales[i] = k_i S
//
// in every channel. Where there are none it says between which two inputs.
func meet(scales [][]float64) (weights, out []float64, a, b int, ok bool) {
	finest := 0
	for i, s := range scales {
		if math.Abs(s[0]) < math.Abs(scales[finest][0]) {
			finest = i
		}
	}
	// Ratios to the finest scale as p_i/q_i, and the least common multiple of all q_i.
	p, q, multiple := make([]float64, len(scales)), make([]float64, len(scales)), 1.0
	for i, s := range scales {
		if p[i], q[i], ok = fraction(s[0] / scales[finest][0]); !ok {
			return nil, nil, finest, i, false
		}
		multiple *= q[i] / gcd(multiple, q[i])
		if multiple > maxDenominator {
			return nil, nil, finest, i, false
		}
	}
	weights = make([]float64, len(scales))
	n := 1
	for i, s := range scales {
		weights[i] = p[i] * (multiple / q[i])
		n = max(n, len(s))
	}
	out = make([]float64, n)
	for c := range n {
		unit := scales[finest]
		out[c] = unit[c*len(unit)/n] / weights[finest]
		for i, s := range scales {
			if v := s[c*len(s)/n]; math.Abs(v-float64(weights[i]*out[c])) > meetTolerance*math.Abs(v) {
				return nil, nil, finest, i, false
			}
		}
	}
	return weights, out, 0, 0, true
}

// fraction is x as p/q with whole numbers, q at most maxDenominator, within
// meetTolerance, by its continued fraction. p is below 2^53.
func fraction(x float64) (p, q float64, ok bool) {
	p0, q0, p1, q1 := 0.0, 1.0, 1.0, 0.0
	for rest := x; ; {
		a := math.Round(rest)
		p0, q0, p1, q1 = p1, q1, float64(a*p1)+p0, float64(a*q1)+q0
		if math.Abs(q1) > maxDenominator || math.Abs(p1) >= 1<<53 {
			return 0, 0, false
		}
		if math.Abs(p1/q1-x) <= meetTolerance*math.Abs(x) {
			break
		}
		if rest = 1 / (rest - a); rest-rest != 0 {
			return 0, 0, false
		}
	}
	if q1 < 0 {
		p1, q1 = -p1, -q1
	}
	return p1, q1, true
}

func gcd(a, b float64) float64 {
	for b != 0 {
		a, b = b, math.Mod(a, b)
	}
	return a
}
