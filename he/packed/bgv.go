package packed

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/bgv"

	"qtool/bundle"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/internal/elementary"
)

// exactEncoder encodes residues modulo the plaintext prime: centred, times T^-1
// as a summand, times the factor as a product.
func exactEncoder(params bgv.Parameters) func() encoder[uint64] {
	return func() encoder[uint64] {
		e := bgv.NewEncoder(params)
		t := params.PlaintextModulus()
		f := residues{t}
		slots := make([]uint64, params.N())
		m := ring.NewPoly(params.N(), 0)
		return func(values []uint64, limbs int, extended, sum bool, factor uint64) (engine.Poly, error) {
			for i := range slots {
				slots[i] = f.mul(values[i%len(values)], factor)
			}
			if err := e.EncodeRingT(slots, rlwe.NewScale(1), m); err != nil {
				return nil, err
			}
			subs := append([]*ring.SubRing{}, params.RingQ().SubRings[:limbs]...)
			if extended {
				subs = append(subs, params.RingP().SubRings...)
			}
			out := make(engine.Poly, len(subs))
			for i, s := range subs {
				out[i] = make([]uint64, params.N())
				lift(m.Coeffs[0], t, s.Modulus, out[i])
				s.NTT(out[i], out[i])
				if sum {
					s.MulScalarMontgomery(out[i], ring.MForm(ring.ModExp(t%s.Modulus, s.Modulus-2, s.Modulus), s.Modulus, s.BRedConstant), out[i])
				} else {
					s.MForm(out[i], out[i])
				}
			}
			return out, nil
		}
	}
}

// lift writes the centred residues modulo t of x modulo q.
func lift(x []uint64, t, q uint64, out []uint64) {
	wrap := q - t%q
	for k, v := range x {
		if v > t/2 {
			v = v%q + wrap
		}
		out[k] = v % q
	}
}

// residuePacker packs for a plaintext prime: centred residues, times T^-1.
func (h *half) residuePacker(prime int) packer {
	params := h.bgv[prime]
	e, f := bgv.NewEncoder(params), residues{h.Residues[prime].Modulus}
	slots, m := make([]uint64, params.N()), ring.NewPoly(params.N(), 0)
	var factors []uint64
	for _, s := range params.RingQ().SubRings {
		factors = append(factors, ring.ModExp(f.t%s.Modulus, s.Modulus-2, s.Modulus))
	}
	return func(view []int32, s bundle.Sample) (secret.Message, error) {
		values := make([]uint64, len(view))
		for k, e := range view {
			if e >= 0 {
				values[k] = f.integer(int64(s[e]))
			}
		}
		for i := range slots {
			slots[i] = values[i%len(values)]
		}
		if err := e.EncodeRingT(slots, rlwe.NewScale(1), m); err != nil {
			return secret.Message{}, err
		}
		for k, v := range m.Coeffs[0] {
			if v > f.t/2 {
				m.Coeffs[0][k] = v - f.t // a two's complement
			}
		}
		return secret.Message{Coefficients: m.Coeffs[0], Factors: factors}, nil
	}
}

// minBudget is the noise budget below which results are refused, in bits.
const minBudget = 1

// residues decrypts the outputs modulo a plaintext prime. left is log2 of how often the
// worst noise fits below the wrap-around.
func (c *Client) residues(ctx context.Context, prime int, cts []engine.Ciphertext) (residue []uint64, left float64, err error) {
	h := c.half
	params, constants := h.bgv[prime], &h.Residues[prime]
	f := residues{constants.Modulus}
	encoder := bgv.NewEncoder(params)
	decryptor := rlwe.NewDecryptor(h.params, c.secret)
	r := h.params.RingQ().AtLevel(h.Limbs - 1)
	residue, left = make([]uint64, h.outputs), math.Inf(1)
	for k, from := range cts {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		phase := decryptor.DecryptNew(h.ciphertext(from)).Value
		r.INTT(phase, phase)
		left = min(left, budget(r, phase, f.t))
		m := ring.NewPoly(params.N(), 0)
		encoder.RingQ2T(h.Limbs-1, true, phase, m)
		slots := make([]uint64, params.N())
		if err := encoder.DecodeRingT(m, rlwe.NewScale(1), slots); err != nil {
			return nil, 0, fmt.Errorf("packed: decoding: %w", err)
		}
		for o := range residue {
			if int(h.ct[o]) == k {
				residue[o] = f.add(f.mul(constant(constants.Gain, o, h.outputs), slots[h.slot[o]]), constant(constants.Offset, o, h.outputs))
			}
		}
	}
	return residue, left, nil
}

// budget is log2 of Q/2 over the largest coefficient of T times the phase.
func budget(r *ring.Ring, phase ring.Poly, t uint64) float64 {
	scaled := r.NewPoly()
	r.MulScalar(phase, t, scaled)
	big1 := make([]*big.Int, r.N())
	for i := range big1 {
		big1[i] = new(big.Int)
	}
	r.PolyToBigintCentered(scaled, 1, big1)
	worst := big.NewInt(1)
	for _, v := range big1 {
		if v.CmpAbs(worst) > 0 {
			worst.Abs(v)
		}
	}
	ratio := new(big.Float).Quo(new(big.Float).SetInt(r.ModulusAtLevel[r.Level()]), new(big.Float).SetInt(worst))
	x, _ := ratio.Float64()
	return elementary.Log2(x) - 1
}

// join lifts residues modulo every plaintext prime to the integers of the outputs' static
// bound. It returns an error for what lies outside it.
func (h *half) join(r bundle.Range, all [][]uint64) (bundle.Vec, error) {
	product := big.NewInt(1)
	for _, t := range h.Residues {
		product.Mul(product, new(big.Int).SetUint64(t.Modulus))
	}
	out := make([]*big.Int, h.outputs)
	for o := range out {
		x := new(big.Int)
		for k, t := range h.Residues {
			m := new(big.Int).SetUint64(t.Modulus)
			rest := new(big.Int).Div(product, m)
			inv := new(big.Int).ModInverse(new(big.Int).Mod(rest, m), m)
			inv.Mul(inv, new(big.Int).SetUint64(all[k][o])).Mod(inv, m)
			x.Add(x, inv.Mul(inv, rest))
		}
		// The representative from Lo on.
		x.Sub(x, r.Lo).Mod(x, product).Add(x, r.Lo)
		if x.Cmp(r.Hi) > 0 {
			return bundle.Vec{}, fmt.Errorf("packed: output %d is %v, outside the static bound %v", o, x, r)
		}
		out[o] = x
	}
	return bundle.NewVec(out), nil
}
