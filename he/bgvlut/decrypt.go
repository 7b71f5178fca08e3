package bgvlut

import (
	"context"
	"fmt"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/he/internal/batch"
	"qtool/he/internal/log2"
	"qtool/he/internal/meter"
)

// Decrypt returns the logits modulo T, residues[o][k] being logit o of sample k,
// and how many bits the worst measured noise leaves:
//
//	log2(Q/2) - log2(max |V|),   V = T * (c_0 + c_1 s) mod Q, centred
//
// over all coefficients of all outputs. It returns a *batch.NoiseError, and no
// residues, if less than one bit is left, and a *KeyError for logits of another
// client's samples. progress is as in Server.Evaluate.
func (c *Client) Decrypt(ctx context.Context, out *Outputs, progress func(nanoseconds float64)) (residues [][]uint64, bitsLeft float64, err error) {
	p := c.plan
	if err := p.belongs("output", out.origin, c.secret.id); err != nil {
		return nil, 0, err
	}
	if len(out.all) != p.outputs() {
		return nil, 0, fmt.Errorf("bgvlut: %d output ciphertexts, want %d", len(out.all), p.outputs())
	}
	for i := range out.all {
		if err := p.check(&out.all[i], p.layout.last()); err != nil {
			return nil, 0, fmt.Errorf("bgvlut: output ciphertext %d: %w", i, err)
		}
	}
	return batch.Residues(ctx, "bgvlut", p.workers, len(out.all), p.Slots(), func(w, i int, slots []uint64) float64 {
		return c.decrypt(c.workers[w], &out.all[i], slots)
	}, func() { meter.Report(progress, p.costs.decrypt) })
}

// decrypt lifts V to integers, and transforms its remainders modulo T to slots.
func (c *Client) decrypt(w *clientWorker, from *ciphertext, slots []uint64) (bitsLeft float64) {
	p := c.plan
	limbs := from.limbs()
	r := p.ring.Parameters().RingQ().AtLevel(limbs - 1)
	phase := ring.Poly{Coeffs: w.phase.Coeffs[:limbs]}
	for i, x := range phase.Coeffs {
		m := p.ring.Modulus(i)
		m.Scale(w.message, from[0][i], m.Factor(m.Q-1))
		m.MulAdd(x, from[1][i], c.limbs[i], w.message) // minus the phase
		p.ring.Transform(i).Inverse(x)
		m.Scale(x, x, m.Factor(m.Q-p.layout.t%m.Q))
	}
	v := make([]*big.Int, p.Slots())
	for k := range v {
		v[k] = new(big.Int)
	}
	r.PolyToBigintCentered(phase, 1, v)
	modulus, largest, rest := new(big.Int).SetUint64(p.layout.t), new(big.Int), new(big.Int)
	for k, x := range v {
		if x.CmpAbs(largest) > 0 {
			largest.Abs(x)
		}
		w.slots.Coeffs[0][k] = rest.Mod(x, modulus).Uint64()
	}
	p.slots.NTT(w.slots, w.slots)
	copy(slots, w.slots.Coeffs[0])
	return log2.Product(p.layout.q[:limbs]) - 1 - log2.Int(largest)
}

// vector is sample k's logits: the representatives of the residues in the window
// of length T that begins with the static bound. It returns an error if one lies
// past the range, which no correct evaluation gives.
func (p *Plan) vector(residues [][]uint64, k int) (bundle.Vec, error) {
	out := p.program.Output()
	t := field(p.layout.t)
	lo, hi := out.Range.Lo, out.Range.Hi
	first := new(big.Int).Mod(lo, new(big.Int).SetUint64(uint64(t))).Uint64()
	values := make([]*big.Int, len(residues))
	for o := range values {
		x := new(big.Int).SetUint64(t.sub(residues[o][k], first))
		if x.Add(x, lo).Cmp(hi) > 0 {
			return bundle.Vec{}, fmt.Errorf("bgvlut: layer %q: logit %d decrypts to %v, outside its static bound %v", out.Name, o, x, out.Range)
		}
		values[o] = x
	}
	return bundle.NewVec(values), nil
}
