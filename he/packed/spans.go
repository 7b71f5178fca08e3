package packed

import (
	"math"
	"math/big"

	"qtool/he/packed/lower"
)

// spans says how large the values of an evaluation are, as they stand in the
// slots.
type spans struct {
	// before is the largest magnitude of every output of a stage's map, in front
	// of the activation; read the largest square of what a stage reads.
	before [][]float64
	read   []float64
}

// follow takes the input's intervals [lo, hi] through all stages: what no input
// within them passes, or for lo = hi the values of that one.
func follow(all []values[float64], lo, hi []float64) spans {
	var s spans
	for i := range all {
		v := &all[i]
		st, m := v.stage, v.stage.Map.Matrix
		read := 0.0
		for k := range lo {
			read = math.Max(read, math.Max(math.Abs(lo[k]), math.Abs(hi[k])))
		}
		s.read = append(s.read, sq(read))
		n := m.Outputs()
		l, h, before := make([]float64, n), make([]float64, n), make([]float64, n)
		eachRow(n, func(o int) {
			l[o], h[o] = v.bias[o], v.bias[o]
			for k := m.Start[o]; k < m.Start[o+1]; k++ {
				a, b := lo[m.In[k]], hi[m.In[k]]
				if w := realWeight(v, int(k)); w >= 0 {
					l[o], h[o] = l[o]+float64(w*a), h[o]+float64(w*b)
				} else {
					l[o], h[o] = l[o]+float64(w*b), h[o]+float64(w*a)
				}
			}
			before[o] = math.Max(math.Abs(l[o]), math.Abs(h[o]))
			if st.Squares() {
				if l[o] <= 0 && h[o] >= 0 {
					l[o], h[o] = 0, sq(before[o])
				} else {
					l[o], h[o] = sq(math.Min(math.Abs(l[o]), math.Abs(h[o]))), sq(before[o])
				}
			}
		})
		s.before = append(s.before, before)
		lo, hi = l, h
		if st.Layout.Fold != nil {
			c := all[i+1].stage.Sum.Class
			lo, hi = fold(c, l, all[i+1].stage.Map.Matrix.Inputs), fold(c, h, all[i+1].stage.Map.Matrix.Inputs)
		}
	}
	return s
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

// provedSpans are those that no input passes.
func (p *Plan) provedSpans() spans {
	f := func(v *big.Int) float64 { x, _ := new(big.Float).SetInt(v).Float64(); return x * p.units[0] }
	b := p.program.Input.Bounds().Range()
	lo, hi := make([]float64, p.lowered.Inputs), make([]float64, p.lowered.Inputs)
	for i := range lo {
		lo[i], hi[i] = f(b.Lo), f(b.Hi)
	}
	return follow(p.values, lo, hi)
}

// usual are those of inputs whose values stay where calibration's did: the
// proved ones, but not above 1, which units make of what calibration saw.
func (s spans) usual(all []values[float64]) spans {
	u := spans{read: append([]float64{}, s.read...)}
	for i, before := range s.before {
		b := make([]float64, len(before))
		for o, x := range before {
			b[o] = math.Min(x, 1)
		}
		u.before = append(u.before, b)
		if i+1 < len(s.before) {
			most := 1.0
			if all[i].stage.Layout.Fold != nil {
				most = float64(all[i+1].stage.Sum.Size)
			}
			u.read[i+1] = math.Min(u.read[i+1], sq(most))
		}
	}
	return u
}

// imageSpans are an image's own.
func (p *Plan) imageSpans(image []uint8) spans {
	codes := p.program.Input.Codes()
	x := make([]float64, len(image))
	for i, b := range image {
		x[i] = float64(codes[b]) * p.units[0]
	}
	return follow(p.values, x, x)
}

// beyond is by how much segment i's proved range passes what calibration saw.
func (p *Plan) beyond(i int, s *lower.Segment) float64 {
	if s.Linear < 0 {
		return 1
	}
	return math.Max(1, p.units[i+1]*magnitude(p.program.Nodes[s.Linear].Range, 0))
}
