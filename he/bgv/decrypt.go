package bgv

import (
	"context"
	"fmt"
	"math"

	"qtool/he/internal/batch"
	"qtool/he/internal/log2"
	"qtool/he/internal/meter"
	"qtool/internal/elementary"
)

// Decrypt returns the logits modulo the outputs' plaintext prime, residues[o][k]
// being logit o of sample k, and how many bits the worst measured noise leaves:
//
//	log2(Q/2) - log2(max |V|),   V = T * (sum c_i s^i) mod Q, centred
//
// over all coefficients of all outputs. It returns a *batch.NoiseError, and no
// residues, if less than one bit is left. progress is as in Server.Evaluate.
func (c *Client) Decrypt(ctx context.Context, out *Outputs, progress func(nanoseconds float64)) (residues [][]uint64, bitsLeft float64, err error) {
	p := c.plan
	last := p.circuit.out()
	if out.n != p.Slots() || out.elements != last.elements || out.degree != last.degree || len(out.limbs) != p.layout.outLevel() || out.Prime < 0 || out.Prime >= len(p.layout.t) {
		return nil, 0, fmt.Errorf("bgv: %d output ciphertexts of degree %d and %d limbs for plaintext prime %d, want %d of degree %d and %d limbs",
			out.elements, out.degree, len(out.limbs), out.Prime, last.elements, last.degree, p.layout.outLevel())
	}
	scale := inverse(p.scale(out.Prime, len(p.circuit.segments)), p.layout.t[out.Prime])
	return batch.Residues(ctx, "bgv", p.workers, out.elements, p.Slots(), func(w, i int, slots []uint64) float64 {
		return c.decrypt(c.workers[w], out, i, slots, scale)
	}, func() { meter.Report(progress, p.costs.decrypt) })
}

// decrypt evaluates the phase of output i by Horner's rule in s, takes V from its
// residues, and transforms its remainders modulo t back to slots.
func (c *Client) decrypt(w *clientWorker, out *Outputs, i int, slots []uint64, scale uint64) (bitsLeft float64) {
	p := c.plan
	t, phase := p.layout.t[out.Prime], w.phase
	for limb, x := range phase {
		q := p.moduli[limb]
		out.gather(x, limb, i, out.degree)
		for d := out.degree - 1; d >= 0; d-- {
			out.gather(w.mask, limb, i, d)
			q.MulAdd(x, x, c.key[limb], w.mask)
		}
		p.transforms[limb].Inverse(x)
		q.Scale(x, x, q.Factor(t))
	}
	p.lift.digits(phase, w.mask)
	limb := &p.lift.limbs[out.Prime]
	limb.residue(slots, phase, w.mask)
	p.slots[out.Prime].Forward(slots)
	limb.m.Scale(slots, slots, limb.m.Factor(scale))
	return log2.Product(p.layout.q[:len(phase)]) - 1 - elementary.Log2(max(1, p.lift.largest(phase)))
}

// largest is the largest magnitude of numbers with these digits. As balanced
// digits don't cancel, rounding makes a relative error of some 2^-50.
func (r *rescaler) largest(digits [][]uint64) float64 {
	most := 0.0
	for k := range digits[0] {
		v := 0.0
		for j := len(r.last) - 1; j >= 0; j-- {
			v = float64(v*float64(r.last[j].Q)) + float64(int64(digits[j][k])-int64(r.half[j]))
		}
		most = max(most, math.Abs(v))
	}
	return most
}
