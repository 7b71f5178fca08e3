package bgv

import (
	"context"
	"fmt"
	"math"

	"qtool/verify/he/log2"
	"qtool/verify/he/meter"
	"qtool/verify/he/parallel"
)

// minNoiseBits is how far below the wrap-around measured noise must stay. A
// phase that wrapped is all but uniform modulo Q, so that its largest of N
// coefficients comes closer than this except with probability about 2^-N.
const minNoiseBits = 1

// NoiseError says that a decrypted ciphertext's noise came so near to the limit
// that its plaintext can't be trusted.
type NoiseError struct {
	Output   int
	BitsLeft float64
}

// Error names the output and what was left.
func (e *NoiseError) Error() string {
	return fmt.Sprintf("bgv: logit %d: noise budget is exhausted: %.2f bits left, want at least %d", e.Output, e.BitsLeft, minNoiseBits)
}

// Decrypt returns the logits modulo the outputs' plaintext prime, residues[o][k]
// that of logit o of image k, and how many bits the worst measured noise leaves:
//
//	log2(Q/2) - log2(max |V|),   V = T * (sum c_i s^i) mod Q, centred
//
// over all coefficients of all outputs. It returns a *NoiseError, and no
// residues, if less than one bit is left. progress is as in Server.Evaluate.
func (c *Client) Decrypt(ctx context.Context, out *Outputs, progress func(nanoseconds float64)) (residues [][]uint64, bitsLeft float64, err error) {
	p := c.plan
	last := p.last()
	if out.n != p.Slots() || out.elements != last.outputs || out.degree != last.outDegree || len(out.limbs) != p.layout.outLevel() || out.Prime < 0 || out.Prime >= len(p.layout.t) {
		return nil, 0, fmt.Errorf("bgv: %d output ciphertexts of degree %d and %d limbs for plaintext prime %d, want %d of degree %d and %d limbs",
			out.elements, out.degree, len(out.limbs), out.Prime, last.outputs, last.outDegree, p.layout.outLevel())
	}
	residues = make([][]uint64, out.elements)
	left := make([]float64, out.elements)
	scale := inverse(p.scale(out.Prime, len(p.segments)), p.layout.t[out.Prime])
	err = parallel.Run(ctx, p.workers, out.elements, func(w, i int) error {
		residues[i] = make([]uint64, p.Slots())
		left[i] = c.decrypt(c.workers[w], out, i, residues[i], scale)
		if left[i] < minNoiseBits {
			return &NoiseError{i, left[i]}
		}
		return nil
	}, func() { meter.Report(progress, p.costs.decrypt) })
	if err != nil {
		return nil, 0, err
	}
	bitsLeft = math.Inf(1)
	for _, b := range left {
		bitsLeft = min(bitsLeft, b)
	}
	return residues, bitsLeft, nil
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
	return log2.Product(p.layout.q[:len(phase)]) - 1 - math.Log2(max(1, p.lift.largest(phase)))
}

// largest is the largest magnitude of numbers with these digits. As balanced
// digits don't cancel, rounding makes a relative error of some 2^-50.
func (r *rescaler) largest(digits [][]uint64) float64 {
	most := 0.0
	for k := range digits[0] {
		v := 0.0
		for j := len(r.last) - 1; j >= 0; j-- {
			v = v*float64(r.last[j].Q) + float64(int64(digits[j][k])-int64(r.half[j]))
		}
		most = max(most, math.Abs(v))
	}
	return most
}
