package packed

import (
	"math"
	"math/big"

	"qtool/bundle"
	"qtool/he/packed/lower"
)

// spans says how large the values of an evaluation are, as they stand in the
// slots.
type spans struct {
	// before is the largest magnitude of every output of a stage's map, in front
	// of the activation; read the largest square of what a stage reads, by source.
	before, read [][]float64
}

// interval holds a lower and an upper end of every element.
type interval struct{ lo, hi []float64 }

// follow takes the input's intervals through all stages: what no input within them
// passes, or for lo = hi the values of that one.
func follow(all []values[float64], input interval) spans {
	var s spans
	made := make([]interval, len(all)) // as it is read
	for i := range all {
		var in interval
		var read []float64
		for _, r := range all[i].stage.Reads {
			x := input
			if r.Stage != lower.Input {
				x = made[r.Stage]
			}
			read = append(read, sq(x.largest()))
			in.lo, in.hi = joined(in.lo, x.lo), joined(in.hi, x.hi)
		}
		s.read = append(s.read, read)
		x := in.mapped(&all[i])
		s.before = append(s.before, x.magnitudes())
		made[i] = x.activated(all[i].stage)
	}
	return s
}

// magnitudes are the greatest of every element.
func (x interval) magnitudes() []float64 {
	all := make([]float64, len(x.lo))
	for o := range all {
		all[o] = math.Max(math.Abs(x.lo[o]), math.Abs(x.hi[o]))
	}
	return all
}

// largest is the greatest magnitude of all elements.
func (x interval) largest() float64 {
	most := 0.0
	for k := range x.lo {
		most = math.Max(most, math.Max(math.Abs(x.lo[k]), math.Abs(x.hi[k])))
	}
	return most
}

// mapped is x behind a stage's map.
func (x interval) mapped(v *values[float64]) interval {
	m := v.stage.Map.Matrix
	n := m.Outputs()
	y := interval{make([]float64, n), make([]float64, n)}
	eachRow(n, func(o int) {
		lo, hi := v.bias[o], v.bias[o]
		for k := m.Start[o]; k < m.Start[o+1]; k++ {
			a, b := x.lo[m.In[k]], x.hi[m.In[k]]
			if w := realWeight(v, o, int(k)); w >= 0 {
				lo, hi = lo+float64(w*a), hi+float64(w*b)
			} else {
				lo, hi = lo+float64(w*b), hi+float64(w*a)
			}
		}
		y.lo[o], y.hi[o] = lo, hi
	})
	return y
}

// activated is x behind a stage's activation and fold.
func (x interval) activated(st *lower.Stage) interval {
	switch {
	case st.Product:
		n := len(x.lo) / 2
		y := interval{make([]float64, n), make([]float64, n)}
		for o := range n {
			a, b, c, d := x.lo[o], x.hi[o], x.lo[n+o], x.hi[n+o]
			y.lo[o] = math.Min(math.Min(a*c, a*d), math.Min(b*c, b*d))
			y.hi[o] = math.Max(math.Max(a*c, a*d), math.Max(b*c, b*d))
		}
		x = y
	case st.Multiplies():
		before := x.magnitudes()
		for o := range before {
			l, h := &x.lo[o], &x.hi[o]
			if *l <= 0 && *h >= 0 {
				*l, *h = 0, sq(before[o])
			} else {
				*l, *h = sq(math.Min(math.Abs(*l), math.Abs(*h))), sq(before[o])
			}
		}
	}
	if st.Layout.Fold != nil {
		n := len(st.Layout.Fold.Ct)
		x = interval{fold(st.Pool.Class, x.lo, n), fold(st.Pool.Class, x.hi, n)}
	}
	return x
}

// fold adds up classes.
func fold(class []int32, x []float64, n int) []float64 {
	sums := make([]float64, n)
	for e, c := range class {
		if c >= 0 {
			sums[c] += x[e]
		}
	}
	return sums
}

// provedSpans are the spans that no input passes, by the static bounds.
func (p *Plan) provedSpans() spans {
	f := func(v *big.Int) float64 { x, _ := new(big.Float).SetInt(v).Float64(); return x * p.units[0] }
	b := p.program.Input.Bounds().Range()
	x := interval{make([]float64, p.lowered.Inputs), make([]float64, p.lowered.Inputs)}
	for i := range x.lo {
		x.lo[i], x.hi[i] = f(b.Lo), f(b.Hi)
	}
	return follow(p.values, x)
}

// usual are the spans for inputs whose values stay in the calibration ranges: the
// spans for any input, but not above 1, which units make of the calibration range.
func (s spans) usual(all []values[float64]) spans {
	var u spans
	for i := range all {
		b := make([]float64, len(s.before[i]))
		for o, x := range s.before[i] {
			b[o] = math.Min(x, 1)
		}
		u.before = append(u.before, b)
		read := append([]float64{}, s.read[i]...)
		for k, r := range all[i].stage.Reads {
			switch {
			case r.Stage == lower.Input:
			case r.Folded:
				read[k] = math.Min(read[k], sq(float64(all[r.Stage].stage.Pool.Size)))
			default:
				read[k] = math.Min(read[k], 1)
			}
		}
		u.read = append(u.read, read)
	}
	return u
}

// sampleSpans are a sample's own.
func (p *Plan) sampleSpans(s bundle.Sample) spans {
	x := make([]float64, len(s))
	for i, q := range s {
		x[i] = float64(q) * p.units[0]
	}
	return follow(p.values, interval{x, x})
}

// beyond is by how much segment i's static bound passes its calibration range; for a
// product, by how much the static bounds of both factors do.
func (p *Plan) beyond(i int, s *lower.Segment) float64 {
	of := func(node int, unit float64) float64 {
		if node < 0 {
			return 1
		}
		return math.Max(1, unit*magnitude(p.program.Nodes[node].Range, 0))
	}
	if s.Product {
		return of(s.Linear, p.units[i+1]) * of(s.Factor, p.second[i])
	}
	return of(s.Linear, p.units[i+1])
}
