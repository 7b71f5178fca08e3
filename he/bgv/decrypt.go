package bgv

import (
	"context"
	"math"

	"qtool/he/internal/batch"
	"qtool/he/internal/log2"
	"qtool/he/internal/meter"
	"qtool/internal/elementary"
)

// residues are the logits modulo the outputs' plaintext prime, residues[o][k]
// being logit o of sample k, and how many bits the worst measured noise leaves:
//
//	log2(Q/2) - log2(max |V|),   V = T * (sum c_i s^i) mod Q, centred
//
// over all coefficients of all outputs. The error is a *batch.NoiseError, and no
// residues, if less than one bit is left. progress is as in evaluator.evaluate.
func (c *client) residues(ctx context.Context, out *ciphertexts, progress func(nanoseconds float64)) (residues [][]uint64, bitsLeft float64, err error) {
	scale := inverse(c.OutputScales[out.prime], c.T[out.prime])
	workers := c.take()
	defer c.give(workers)
	return batch.Residues(ctx, "bgv", c.workers, out.elements, c.Slots(), func(w, i int, slots []uint64) float64 {
		return c.decrypt(workers[w], out, i, slots, scale)
	}, func() { meter.Report(progress, c.decryptCost) })
}

// decrypt evaluates the phase of output i by Horner's rule in s, takes V from its
// residues, and transforms its remainders modulo t back to slots.
func (c *client) decrypt(w *clientWorker, out *ciphertexts, i int, slots []uint64, scale uint64) (bitsLeft float64) {
	t, phase := c.T[out.prime], w.phase
	for limb, x := range phase {
		q := c.moduli[limb]
		out.gather(x, limb, i, out.degree)
		for d := out.degree - 1; d >= 0; d-- {
			out.gather(w.mask, limb, i, d)
			q.MulAdd(x, x, c.key[limb], w.mask)
		}
		c.transforms[limb].Inverse(x)
		q.Scale(x, x, q.Factor(t))
	}
	c.lift.digits(phase, w.mask)
	limb := &c.lift.limbs[out.prime]
	limb.residue(slots, phase, w.mask)
	c.slots[out.prime].Forward(slots)
	limb.m.Scale(slots, slots, limb.m.Factor(scale))
	return log2.Product(c.Q[:len(phase)]) - 1 - elementary.Log2(max(1, c.lift.largest(phase)))
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
