package packed

import (
	"math"

	"qtool/verify/he/packed/lower"
)

// errors predicts the standard deviation of the error in a slot, in units of the
// slots' values, through a CKKS evaluation. All errors are sums of many
// independent small ones, so that variances add up:
//
//	fresh      sqrt(N (sigma^2 + 1/12)) / scale         encryption, encoding
//	rounding   sqrt(N (1 + 2N/3) / 12) / scale          of c_0 and c_1 s, a division by primes
//	switching  N sigma sqrt(sum_j D_j^2 / 12) / (P scale)   digits D_j, a key switch
//	diagonal   sqrt(N/12) / scale of the diagonal       relative to the largest value
//
// A map multiplies the error by the L2 norm of a row, a square by twice the
// largest value. Coefficients' deviations are sqrt(N) larger in slots. A result
// is farther off than 6 standard deviations with probability 2^-28.
//
// Reference: Costache, Curtis, Hales, Murphy, Ogilvie and Player, "On the
// precision loss in approximate homomorphic encryption", SAC 2023.
type ckksErrors struct {
	logN    int
	q, p    []float64 // the primes
	special float64   // their product
	norms   map[*lower.Stage]float64
}

// sureness is how many standard deviations a stated bound is.
const sureness = 6

const errorSigma = 3.2 // of fresh encryptions and keys

// newCKKSErrors predicts for one ring and chain. norms keeps what was computed of
// the stages' maps, for other chains.
func newCKKSErrors(logN int, q, p []uint64, norms map[*lower.Stage]float64) *ckksErrors {
	e := &ckksErrors{logN: logN, special: 1, norms: norms}
	for _, x := range q {
		e.q = append(e.q, float64(x))
	}
	for _, x := range p {
		e.p = append(e.p, float64(x))
		e.special *= float64(x)
	}
	return e
}

func (e *ckksErrors) n() float64 { return math.Exp2(float64(e.logN)) }

func (e *ckksErrors) fresh(scale float64) float64 {
	return math.Sqrt(e.n()*(errorSigma*errorSigma+1./12)) / scale
}

func (e *ckksErrors) rounding(scale float64) float64 {
	return math.Sqrt(e.n()*(1+2*e.n()/3)/12) / scale
}

// switching is the error of a key switch of limbs primes, before it is rounded.
func (e *ckksErrors) switching(limbs int, scale float64) float64 {
	sum := 0.0
	for j := 0; j < limbs; j += len(e.p) {
		d := 1.0
		for _, q := range e.q[j:min(j+len(e.p), limbs)] {
			d *= q
		}
		sum += d * d / 12
	}
	return e.n() * errorSigma * math.Sqrt(sum) / (e.special * scale)
}

// doublings adds the error of sums over rotations.
func (e *ckksErrors) doublings(err float64, rounds []int, limbs int, scale float64) float64 {
	for _, a := range rounds {
		n := math.Exp2(float64(a))
		err = math.Sqrt(n*err*err + (n-1)*sq(e.switching(limbs, scale)) + sq(e.rounding(scale)))
	}
	return err
}

func sq(x float64) float64 { return x * x }

// stages are the standard deviations behind every stage, its activation
// included. largest is the greatest value that a stage's slots hold in front of
// its activation.
func (e *ckksErrors) stages(v []values[float64], s ckksScales, largest []float64) []float64 {
	var all []float64
	err, scale, top := e.fresh(s.fresh), s.fresh, 1.0
	for i := range v {
		st := v[i].stage
		limbs := st.Entry.Limbs
		err = e.linear(&v[i], s.stages[i], err, scale, top)
		scale = s.stages[i].after
		after := st.After().Limbs
		err = e.doublings(err, st.Rounds, after, scale)
		top = largest[i]
		if st.Squares() {
			squared := scale * scale / e.q[after-1]
			sum := 1.0
			if f := st.Layout.Fold; f != nil {
				sum = math.Sqrt(float64(st.Layout.Cts / f.Cts))
			}
			err = math.Sqrt(sq(sum*(2*top*err+err*err)) + sq(e.switching(limbs, scale*scale)) + sq(e.rounding(squared)))
			scale, top = squared, top*top
			if f := st.Layout.Fold; f != nil {
				err = e.doublings(err, st.FoldRounds, after-1, scale)
				// A class's sum holds as many values as it has members.
				top *= float64(st.Layout.Cts/f.Cts) * math.Exp2(float64(f.Doublings))
			}
		}
		all = append(all, err)
	}
	return all
}

// linear is the error behind a map, before its doublings. Rows are split evenly
// over the slots that the doublings add up.
func (e *ckksErrors) linear(v *values[float64], s scales[float64], err, scale, top float64) float64 {
	st, m := v.stage, v.stage.Map
	norm := e.norm(v) / math.Exp2(float64(m.Doublings))
	terms, giants := 0, 0
	for c := range m.Terms {
		terms = max(terms, len(m.Terms[c]))
		giants = max(giants, len(st.Split.Giants[c]))
	}
	limbs := st.Entry.Limbs
	in := sq(err)
	if st.Split.Rotates() {
		in += sq(e.switching(limbs, scale))
	}
	sum := norm*in + float64(terms)*sq(top*math.Sqrt(e.n()/12)/s.diagonal)
	product := scale * s.diagonal
	sum += float64(giants) * (sq(e.switching(limbs, product)) + sq(e.rounding(product)))
	if st.Rescale > 0 || st.Split.Rotates() {
		sum += sq(e.rounding(s.after))
	}
	return math.Sqrt(sum)
}

// norm is the largest squared L2 norm of a map's rows.
func (e *ckksErrors) norm(v *values[float64]) float64 {
	if n, ok := e.norms[v.stage]; ok {
		return n
	}
	m, norm := v.stage.Map.Matrix, 0.0
	for o := range m.Outputs() {
		sum := 0.0
		for k := m.Start[o]; k < m.Start[o+1]; k++ {
			sum += sq(v.weight(int(k)))
		}
		norm = math.Max(norm, sum)
	}
	e.norms[v.stage] = norm
	return norm
}

// largest is the greatest value in front of every stage's activation: 1 for what
// calibration saw, and by how much the proved ranges pass that if proved.
func (p *Plan) largest(proved bool) []float64 {
	all := make([]float64, len(p.lowered.Stages))
	for i := range all {
		all[i] = 1
		if proved {
			all[i] = p.beyond(i, &p.lowered.Stages[i].Segment)
		}
	}
	return all
}

// beyond is by how much segment i's proved range passes what calibration saw.
func (p *Plan) beyond(i int, s *lower.Segment) float64 {
	if s.Linear < 0 {
		return 1
	}
	return math.Max(1, p.units[i+1]*magnitude(p.program.Nodes[s.Linear].Range, 0))
}

// room is log2 of what the last segment's values may reach.
func (p *Plan) room(segments []lower.Segment) float64 {
	last := &segments[len(segments)-1]
	r := math.Log2(p.beyond(len(segments)-1, last))
	if last.Poly != nil {
		r *= 2
	}
	return r
}
