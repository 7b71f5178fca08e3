package bgv

import (
	"context"
	"fmt"
	"math"
	"math/big"
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
	err = run(ctx, p.workers, out.elements, func(w, i int) error {
		residues[i] = make([]uint64, p.Slots())
		left[i] = c.decrypt(c.workers[w], out, i, residues[i], scale)
		if left[i] < minNoiseBits {
			return &NoiseError{i, left[i]}
		}
		return nil
	}, func() { report(progress, p.costs.decrypt) })
	if err != nil {
		return nil, 0, err
	}
	bitsLeft = math.Inf(1)
	for _, b := range left {
		bitsLeft = min(bitsLeft, b)
	}
	return residues, bitsLeft, nil
}

// decrypt evaluates the phase of output i by Horner's rule in s, lifts V to
// integers, and transforms its remainders modulo t back to slots.
func (c *Client) decrypt(w *clientWorker, out *Outputs, i int, slots []uint64, scale uint64) (bitsLeft float64) {
	p := c.plan
	t := p.layout.t[out.Prime]
	r, phase := p.ringAt(len(out.limbs)), w.phase
	for limb, x := range phase.Coeffs {
		q := p.moduli[limb]
		out.gather(x, limb, i, out.degree)
		for d := out.degree - 1; d >= 0; d-- {
			out.gather(w.mask, limb, i, d)
			q.MulAdd(x, x, c.key[limb], w.mask)
		}
		p.transforms[limb].Inverse(x)
		q.Scale(x, x, q.Factor(t))
	}
	v := make([]*big.Int, p.Slots())
	for k := range v {
		v[k] = new(big.Int)
	}
	r.PolyToBigintCentered(phase, 1, v)

	modulus, largest, rest := new(big.Int).SetUint64(t), new(big.Int), new(big.Int)
	m := w.slots
	for k, x := range v {
		if x.CmpAbs(largest) > 0 {
			largest.Abs(x)
		}
		m[k] = rest.Mod(x, modulus).Uint64()
	}
	p.slots[out.Prime].Forward(m)
	q := p.slots[out.Prime].Modulus()
	q.Scale(slots, m, q.Factor(scale))
	return log2(r.ModulusAtLevel[len(out.limbs)-1]) - 1 - log2(largest)
}
