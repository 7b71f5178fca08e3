package packed

import (
	"context"
	"math"
	"runtime"

	"qtool/he/internal/ckksnoise"
	"qtool/he/internal/sample"
	"qtool/he/packed/lower"
	"qtool/internal/elementary"
	"qtool/internal/parallel"
)

// The error of a CKKS evaluation is a sum of many small ones, each independent
// of the others and of mean zero, so that variances add up. With values in units
// of the slots (see units), N the ring degree and S a ciphertext's scale, each
// slot gets the variance of
//
//	fresh      N (sigma^2 + 1/12) / S^2           encryption, rounded encoding
//	rounding   N (1 + 2N/3) / 12 / S^2            of c_0 and c_1 s, a division by primes
//	switching  N^2 sigma^2 sum_j D_j^2 / 12 / (P S)^2   digits D_j, a key switch
//	diagonals  terms N/12 r / S_d^2               rounded at scale S_d, times inputs of mean square r
//
// The first three are the same in all slots: a coefficient's variance v makes N v
// in every slot, as the embedding is sqrt(N) times an isometry. From where it
// arises to an output o a variance is multiplied by
//
//	sum over inputs of w^2   by a row of a map (weights w)
//	4 v^2                    by a square, where the value is v: (v+e)^2 - v^2 = 2 v e + e^2
//	sum over members         by a sum of a class
//
// Where one source reaches an element by several tensors that a map joins, or by both
// factors v, w of a product, its errors are not independent. Their deviations are added
// there, which no correlation passes:
//
//	g(o) = (sum over tensors of sqrt(their part of g))^2
//	g(o) = (|w| sqrt(g_v) + |v| sqrt(g_w))^2         (v+e)(w+d) - v w = v d + w e + d e
//
// so that var(o) = sum over sources s of g_s(o) var_s, where the gains g_s(o)
// depend on the program and on the size of its values, not on the scales. Of 2ve + e^2
// the second part has variance 2 var(e)^2; it is covered by taking v^2 + 2^-16
// in the place of v^2, while e's deviation is below 2^-8, which plans must keep.
//
// Errors are sums of thousands of independent terms of bounded size, none of
// which stands out: they are normal to a good approximation, and a stated bound
// of z = 7.2 deviations is passed with probability erfc(z/sqrt 2) = 2^-40.6.
// Two bounds are stated. The bound for any input takes for every v its static bound,
// from the weights. The usual bound takes the calibration range of v, and precision is
// planned by it.
//
// References: Costache, Curtis, Hales, Murphy, Ogilvie and Player, "On the
// precision loss in approximate homomorphic encryption", SAC 2023, for the
// sources; Gentry, Halevi and Smart, "Homomorphic evaluation of the AES
// circuit", CRYPTO 2012, for key switches.

// sureness is how many standard deviations a stated bound is.
const sureness = 7.2

const (
	errorSigma = sample.Sigma   // of fresh encryptions and keys
	second     = 1. / (1 << 16) // added to a squared value, for the product of two errors: its variance is 2 var(e)^2
	widest     = 1. / (1 << 8)
)

// gains are the factors of variances. Source 0 is a variance at all elements of the
// input, 2i+1 one behind the map of stage i, doublings included, and 2i+2 one at all
// elements that the stage makes, as they are read.
type gains struct {
	outputs [][]float64 // of each output and source
	// before and behind are the largest of every stage, in front of its activation
	// and where it is read.
	before, behind [][]float64
	read           [][]float64 // see spans
}

// gainsOf computes them for values of a size. The error is ctx's once that is done.
func gainsOf(ctx context.Context, all []values[float64], s spans) (*gains, error) {
	g := &gains{read: s.read}
	sources := 2*len(all) + 1
	arise := func(rows [][]float64, source int) {
		for _, r := range rows {
			r[source] = 1
		}
	}
	var input [][]float64
	made := make([][][]float64, len(all))
	for i := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var in [][][]float64
		for _, r := range all[i].stage.Reads {
			if r.Stage != lower.Input {
				in = append(in, made[r.Stage])
				continue
			}
			if input == nil {
				input = rows(r.Elements, sources)
				arise(input, 0)
			}
			in = append(in, input)
		}
		y := mapGains(&all[i], in, 2*i+1, sources)
		arise(y, 2*i+1)
		g.before = append(g.before, largest(y))
		made[i] = activationGains(all[i].stage, y, s.before[i])
		arise(made[i], 2*i+2)
		g.behind = append(g.behind, largest(made[i]))
		for _, r := range all[i].stage.Reads {
			if r.Last {
				made[r.Stage] = nil
			}
		}
	}
	g.outputs = made[len(all)-1]
	return g, nil
}

// mapGains are the gains of known sources behind a stage's map of tensors.
func mapGains(v *values[float64], in [][][]float64, known, sources int) [][]float64 {
	m := v.stage.Map.Matrix
	y := rows(m.Outputs(), sources)
	part := make([]int, 0, m.Inputs) // tensor of each column
	first := make([]int, len(in))
	for k := range in {
		first[k] = len(part)
		for range in[k] {
			part = append(part, k)
		}
	}
	eachRow(m.Outputs(), func(o int) {
		parts := [][]float64{y[o][:known]}
		for range in[1:] {
			parts = append(parts, make([]float64, known))
		}
		for k := m.Start[o]; k < m.Start[o+1]; k++ {
			i := int(m.In[k])
			t := part[i]
			w, r := sq(realWeight(v, o, int(k))), parts[t]
			for j, g := range in[t][i-first[t]][:known] {
				r[j] += float64(w * g)
			}
		}
		for _, other := range parts[1:] {
			for j, g := range other {
				parts[0][j] = addDeviations(parts[0][j], g)
			}
		}
	})
	return y
}

// addDeviations is the variance of a sum whose summands have variances a and b, however
// they are correlated, at most.
func addDeviations(a, b float64) float64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return sq(math.Sqrt(a) + math.Sqrt(b))
}

// activationGains are those behind a stage's activation and fold, of y in front of it,
// where values are at most before.
func activationGains(st *lower.Stage, y [][]float64, before []float64) [][]float64 {
	switch {
	case st.Product:
		n := len(y) / 2
		for o := range n {
			v, w := sq(before[o])+second, sq(before[n+o])+second
			for j := range y[o] {
				y[o][j] = addDeviations(float64(w*y[o][j]), float64(v*y[n+o][j]))
			}
		}
		y = y[:n]
	case st.Multiplies():
		for o, r := range y {
			f := 4 * (sq(before[o]) + second)
			for j := range r {
				r[j] *= f
			}
		}
	}
	if st.Layout.Fold == nil {
		return y
	}
	x := rows(len(st.Layout.Fold.Ct), len(y[0]))
	for e, c := range st.Pool.Class {
		if c >= 0 {
			for j, v := range y[e] {
				x[c][j] += v
			}
		}
	}
	return x
}

// realWeight is weight k of row o of a stage's map.
func realWeight(v *values[float64], o, k int) float64 {
	m := v.stage.Map.Matrix
	return v.unit(o) * float64(m.W[k]) * v.in[m.In[k]]
}

// eachRow does f for all rows of a map, on all cores.
func eachRow(n int, f func(o int)) {
	const block = 64
	parallel.Each(runtime.GOMAXPROCS(0), (n+block-1)/block, func(b int) {
		for o := b * block; o < min((b+1)*block, n); o++ {
			f(o)
		}
	})
}

func rows(n, width int) [][]float64 {
	all := make([]float64, n*width)
	r := make([][]float64, n)
	for i := range r {
		r[i] = all[i*width:][:width]
	}
	return r
}

// largest are the greatest of each column.
func largest(rows [][]float64) []float64 {
	most := make([]float64, len(rows[0]))
	for _, r := range rows {
		for j, v := range r {
			most[j] = math.Max(most[j], v)
		}
	}
	return most
}

// ckksErrors are standard deviations, in units of the slots' values.
type ckksErrors struct {
	stages  []float64 // the largest behind every stage
	outputs []float64
	widest  float64 // in front of any activation
}

// errors are the errors under a choice of primes and scales.
func (g *gains) errors(v []values[float64], c *ckksSources) ckksErrors {
	variances := c.variances(v, g.read)
	sum := func(gain []float64, sources int) float64 {
		s := 0.0
		for j, x := range variances[:sources] {
			s += float64(gain[j] * x)
		}
		return math.Sqrt(s)
	}
	var e ckksErrors
	for i := range v {
		if v[i].stage.Multiplies() {
			e.widest = math.Max(e.widest, sum(g.before[i], 2*i+2))
		}
		e.stages = append(e.stages, sum(g.behind[i], 2*i+3))
	}
	for _, r := range g.outputs {
		e.outputs = append(e.outputs, sum(r, len(variances)))
	}
	return e
}

// ckksSources are the sources of errors for one ring, chain and scales.
type ckksSources struct {
	*ckksnoise.Sources
	scales ckksScales
}

func newCKKSSources(logN int, q, special []uint64, s ckksScales) *ckksSources {
	return &ckksSources{ckksnoise.New(logN, q, special), s}
}

// doublings is what sums over rotations make of a variance in every slot.
func (e *ckksSources) doublings(v float64, rounds []int, limbs int, scale float64) float64 {
	for _, a := range rounds {
		n := elementary.Exp2(float64(a))
		v = float64(n*v) + float64((n-1)*e.Switching(limbs, scale)) + e.Rounding(scale)
	}
	return v
}

func sq(x float64) float64 { return float64(x * x) }

// variances are the variances of every source. Where several stages read one, the rotations of
// each add an error of their own; the largest stands for all, at what they read.
func (e *ckksSources) variances(v []values[float64], read [][]float64) []float64 {
	all := make([]float64, 2*len(v)+1)
	s := &e.scales
	all[0] = e.Fresh(s.fresh)
	rotating := make([]float64, len(all))
	for i := range v {
		st, m, at := v[i].stage, v[i].stage.Map, s.stages[i]
		limbs, after := st.Entry.Limbs, st.After().Limbs
		for k, r := range st.Reads {
			// What the client packs for a map is not rotated.
			if source := 2*r.Stage + 2; st.Split.Rotates() && r.Stage != lower.Input {
				rotating[source] = math.Max(rotating[source], e.Switching(limbs, at.before[k]))
			}
		}
		terms := make([]int, len(st.Reads))
		giants := 0
		for c := range m.Terms {
			of := make([]int, len(terms))
			for _, t := range m.Terms[c] {
				of[m.Source(t.Ct)]++
			}
			for k := range terms {
				terms[k] = max(terms[k], of[k])
			}
			giants = max(giants, len(st.Split.Giants[c]))
		}
		behind := 0.0
		for k, n := range terms {
			behind += float64(n) * e.Degree() / 12 * read[i][k] / sq(at.diagonals[k])
		}
		behind += sq(e.lost(&v[i], at.diagonals, read[i]) / sureness)
		product := at.before[0] * at.diagonals[0]
		behind += float64(float64(giants) * (e.Switching(limbs, product) + e.Rounding(product)))
		if st.Rescale > 0 || st.Split.Rotates() {
			behind += e.Rounding(at.after)
		}
		if behind == 0 {
			// A constant: no term adds an error that hides the errors of its encoding and of
			// float64 transforms. A rounding at the messages' scale is far above both.
			behind = e.Rounding(s.fresh)
		}
		all[2*i+1] = e.doublings(behind, st.Rounds, after, at.after)
		if st.Multiplies() {
			in := e.Switching(after, at.after*at.after) + e.Rounding(s.exits[i])
			if st.Layout.Fold != nil {
				in = e.doublings(in, st.FoldRounds, after-1, s.exits[i])
			}
			all[2*i+2] = in
		}
	}
	for k := range all {
		all[k] += rotating[k]
	}
	return all
}

// lost bounds what a map loses of weights so small that their diagonals' coefficients
// round to next to nothing: those errors have the weights' signs, not random ones. A
// weight w alone in a diagonal of length L has coefficients of up to w S_d/L. Below 4 it
// counts with
//
//	min(|w|, L/(2 S_d))
//
// times the largest value that its map reads of the source; weights of programs whose
// tensors have about one magnitude are far above.
func (e *ckksSources) lost(v *values[float64], diagonals, read []float64) float64 {
	m := v.stage.Map
	quiet, some := make([]float64, len(diagonals)), false
	for k, s := range diagonals {
		quiet[k] = 4 * float64(m.Length) / s
		some = some || v.least[k] < quiet[k]
	}
	if !some {
		return 0
	}
	most := 0.0
	for o := range m.Matrix.Outputs() {
		sum := 0.0
		for k := m.Matrix.Start[o]; k < m.Matrix.Start[o+1]; k++ {
			source := m.Column(int(m.Matrix.In[k]))
			if w := math.Abs(realWeight(v, o, int(k))); w < quiet[source] {
				sum += float64(math.Min(w, quiet[source]/8) * math.Sqrt(read[source]))
			}
		}
		most = math.Max(most, sum)
	}
	return most
}

// leastWeights are the smallest magnitudes of a map's weights but zero, by source.
func leastWeights(v *values[float64]) []float64 {
	m := v.stage.Map
	least := make([]float64, len(v.stage.Reads))
	for k := range least {
		least[k] = math.Inf(1)
	}
	for o := range m.Matrix.Outputs() {
		for k := m.Matrix.Start[o]; k < m.Matrix.Start[o+1]; k++ {
			if m.Matrix.W[k] == 0 {
				continue
			}
			source := m.Column(int(m.Matrix.In[k]))
			least[source] = math.Min(least[source], math.Abs(realWeight(v, o, int(k))))
		}
	}
	return least
}
