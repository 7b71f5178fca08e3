package bgv

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"github.com/tuneinsight/lattigo/v5/ring"
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
	r := p.ringAt(len(out.limbs))
	phase := ring.Poly{Coeffs: w.message.Coeffs[:len(out.limbs)]}
	for limb, s := range r.SubRings[:len(out.limbs)] {
		x, c0, secret := phase.Coeffs[limb], w.mask.Coeffs[limb], c.secret.Value.Q.Coeffs[limb]
		out.gather(x, limb, i, out.degree)
		for d := out.degree - 1; d >= 0; d-- {
			out.gather(c0, limb, i, d)
			s.MulCoeffsMontgomery(x, secret, x)
			s.Add(x, c0, x)
		}
		s.INTT(x, x)
		q := newModulus(s.Modulus)
		q.mulScalar(x, x, q.montgomery(t%q.q))
	}
	v := make([]*big.Int, p.Slots())
	for k := range v {
		v[k] = new(big.Int)
	}
	r.PolyToBigintCentered(phase, 1, v)

	modulus, largest, rest := new(big.Int).SetUint64(t), new(big.Int), new(big.Int)
	m := w.slots.Coeffs[0]
	for k, x := range v {
		if x.CmpAbs(largest) > 0 {
			largest.Abs(x)
		}
		m[k] = rest.Mod(x, modulus).Uint64()
	}
	p.rings[out.Prime].NTT(w.slots, w.slots)
	q := newModulus(t)
	q.mulScalar(slots, m, q.montgomery(scale))
	return log2(r.ModulusAtLevel[len(out.limbs)-1]) - 1 - log2(largest)
}
