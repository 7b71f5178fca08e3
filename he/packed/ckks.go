package packed

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/packed/lower"
	"qtool/internal/elementary"
)

// ckksScales follows the ciphertext scale through the stages. Diagonals are
// encoded at the scale that makes the rescaled result's exactly 2^message, whatever
// the scale before of each source is:
//
//	diagonal = 2^message q / before
//
// with q the prime that is dropped; in the last stage, which drops none, at
// 2^weight for the first source and such that products have one scale for the others.
// A product of scale s has s^2/q behind its rescale. Scales are float64: their
// relative error stays below 2^-50.
type ckksScales struct {
	fresh  float64
	stages []scales[float64]
	exits  []float64 // behind every stage's activation
	out    float64
}

func newCKKSScales(p *lower.Plan, q []uint64, message, weight int) ckksScales {
	s := ckksScales{fresh: elementary.Exp2(float64(message))}
	for i := range p.Stages {
		st := &p.Stages[i]
		var at scales[float64]
		for _, r := range st.Reads {
			before := s.fresh
			if r.Stage != lower.Input {
				before = s.exits[r.Stage]
			}
			at.before = append(at.before, before)
			if st.Rescale == 1 {
				at.diagonals = append(at.diagonals, s.fresh*float64(q[st.Entry.Limbs-1])/before)
			} else {
				at.diagonals = append(at.diagonals, elementary.Exp2(float64(weight))*(at.before[0]/before))
			}
		}
		if at.after = s.fresh; st.Rescale == 0 {
			at.after = at.before[0] * at.diagonals[0]
		}
		exit := at.after
		if st.Multiplies() {
			exit = at.after * at.after / float64(q[st.Exit()])
		}
		s.stages, s.exits = append(s.stages, at), append(s.exits, exit)
	}
	s.out = s.exits[len(s.exits)-1]
	return s
}

// units scales every stage's values so that the values that calibration data made
// are at most 1 in magnitude; first[0] is the input's scale and first[i+1]
// stage i's. second are the scales of the second factors of products, by stage, 0
// elsewhere.
func units(p *bundle.Program, stages []lower.Stage) (first, second []float64, err error) {
	b := p.Input.Bounds().Range()
	of := func(node int, shift float64) float64 {
		if node < 0 { // the input
			return 1 / magnitude(b, shift)
		}
		return 1 / magnitude(seen(&p.Nodes[node]), shift)
	}
	first, second = []float64{of(-1, 0)}, make([]float64, len(stages))
	for i := range stages {
		st := &stages[i]
		shift := 0.0
		if st.Poly != nil {
			for _, row := range st.Poly.Coeffs {
				q, err := complete(reals{}, row)
				if err != nil {
					return nil, nil, fmt.Errorf("packed: layer %q: %w", st.Activation, err)
				}
				shift = math.Max(shift, math.Abs(q.shift))
			}
		}
		first = append(first, of(st.Linear, shift))
		if st.Product {
			second[i] = of(st.Factor, 0)
		}
	}
	return first, second, nil
}

// seen is the calibration range of a node, or the static bound
// where there was none.
func seen(n *bundle.Node) bundle.Range {
	if n.Seen.Lo == nil || n.Seen.Hi == nil || n.Seen.Lo.Sign() == 0 && n.Seen.Hi.Sign() == 0 {
		return n.Range
	}
	return n.Seen
}

// magnitude is the largest magnitude of r with a shift, at least 1.
func magnitude(r bundle.Range, shift float64) float64 {
	f, _ := new(big.Float).SetInt(r.MaxAbs()).Float64()
	return math.Max(f+shift, 1)
}

// packer packs for CKKS where prime is of no plaintext prime, else for that one.
func (h *half) packer(prime int) packer {
	if h.Reals == nil {
		return h.residuePacker(prime)
	}
	round := ckksCoefficients(h.ckks)
	return func(view []int32, s bundle.Sample) (m secret.Message, err error) {
		slots := make([]float64, len(view))
		for k, e := range view {
			if e >= 0 {
				slots[k] = float64(s[e]) * h.Reals.Unit
			}
		}
		var shift int
		if m.Coefficients, shift, err = round(slots, h.Reals.Scale); err != nil {
			return m, err
		}
		for _, q := range h.Q {
			m.Factors = append(m.Factors, uint64(1<<shift)%q)
		}
		return m, nil
	}
}

// reals decrypts CKKS outputs; see decrypt.
func (c *Client) reals(ctx context.Context, cts []engine.Ciphertext) (*he.Decrypted, error) {
	h := c.half
	n, r := h.outputs, h.Reals
	encoder := ckks.NewEncoder(h.ckks)
	decryptor := rlwe.NewDecryptor(h.params, c.secret)
	a := he.Approximate{Reals: [][]float64{make([]float64, n)}, Bound: make([]float64, n), Usual: make([]float64, n)}
	for k, from := range cts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ct := h.ciphertext(from)
		ct.IsBatched = true
		ct.Scale = rlwe.NewScale(r.OutScale)
		ct.LogDimensions = h.ckks.LogMaxDimensions()
		slots := make([]float64, h.ckks.MaxSlots())
		if err := encoder.Decode(decryptor.DecryptNew(ct), slots); err != nil {
			return nil, fmt.Errorf("packed: decoding: %w", err)
		}
		for o := range n {
			if int(h.ct[o]) == k {
				a.Reals[0][o] = float64(constant(r.Gain, o, n)*slots[h.slot[o]]) + constant(r.Offset, o, n)
			}
		}
	}
	for o := range n {
		a.Bound[o], a.Usual[o] = constant(r.Bound, o, n), constant(r.Usual, o, n)
	}
	return &he.Decrypted{Answers: a}, nil
}

func logLength(v []float64) int { return int(elementary.Log2(float64(len(v)))) }

// ckksEncoder encodes reals by ckksCoefficients.
func ckksEncoder(params ckks.Parameters) func() encoder[float64] {
	return func() encoder[float64] {
		round := ckksCoefficients(params)
		return func(values []float64, limbs int, extended, sum bool, scale float64) (engine.Poly, error) {
			coefficients, shift, err := round(values, scale)
			if err != nil {
				return nil, err
			}
			used := append([]*ring.SubRing{}, params.RingQ().SubRings[:limbs]...)
			if extended {
				used = append(used, params.RingP().SubRings...)
			}
			out := make(engine.Poly, len(used))
			for i := range out {
				out[i] = make([]uint64, params.N())
			}
			engine.Integers(out, used, coefficients, shift, !sum)
			return out, nil
		}
	}
}

// ckksCoefficients makes polynomials of reals, one after the other in the same memory:
// the coefficients of Lattigo's transform, times the scale, rounded half to even, in
// two's complement; where one passes 61 bits, as the coefficients of a last bias
// may, they are multiples of 2^shift, which leaves it 61 and is finer than
// the transform's float64. It refuses coefficients of more than 122 bits.
func ckksCoefficients(params ckks.Parameters) func(values []float64, scale float64) (coefficients []uint64, shift int, err error) {
	e := ckks.NewEncoder(params)
	slots := make([]complex128, params.MaxSlots())
	coefficients := make([]uint64, params.N())
	return func(values []float64, scale float64) ([]uint64, int, error) {
		n := len(values)
		for i, v := range values {
			slots[i] = complex(v, 0)
		}
		if err := e.IFFT(slots[:n], logLength(values)); err != nil {
			return nil, 0, err
		}
		// Values that repeat make a polynomial in X^gap.
		gap := params.N() / (2 * n)
		largest := 0.0
		for _, v := range slots[:n] {
			largest = max(largest, math.Abs(real(v)), math.Abs(imag(v)))
		}
		_, length := math.Frexp(largest * scale)
		shift := max(0, length-61)
		if !(largest*scale < math.MaxFloat64) || shift > 61 {
			return nil, 0, fmt.Errorf("packed: a coefficient of %g passes 122 bits", largest*scale)
		}
		unit := math.Ldexp(scale, -shift)
		clear(coefficients)
		for i, v := range slots[:n] {
			coefficients[i*gap] = uint64(int64(math.RoundToEven(real(v) * unit)))
			coefficients[(i+n)*gap] = uint64(int64(math.RoundToEven(imag(v) * unit)))
		}
		return coefficients, shift, nil
	}
}
