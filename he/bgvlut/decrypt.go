package bgvlut

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/he/internal/batch"
	"qtool/he/internal/log2"
	"qtool/he/internal/meter"
)

// residues are the logits modulo T, residues[o][k] being logit o of sample k,
// and how many bits the worst measured noise leaves:
//
//	log2(Q/2) - log2(max |V|),   V = T * (c_0 + c_1 s) mod Q, centred
//
// over all coefficients of all outputs. The error is a *batch.NoiseError, with no
// residues, if less than one bit is left. progress is as in evaluator.evaluate.
func (c *client) residues(ctx context.Context, out ciphertexts, progress func(nanoseconds float64)) (residues [][]uint64, bitsLeft float64, err error) {
	workers := c.take()
	defer c.give(workers)
	residues, bitsLeft, err = batch.Residues(ctx, "bgvlut", c.workers, len(out), c.N(), func(w, i int, slots []uint64) float64 {
		return c.decrypt(workers[w], &out[i], slots)
	}, func() { meter.Report(progress, c.decryptCost) })
	if err != nil || c.Copies == 1 {
		return residues, bitsLeft, err
	}
	var elements [][]uint64
	for _, slots := range residues {
		half := len(slots) / 2
		slices.Reverse(slots[half:])
		elements = append(elements, slots[:half], slots[half:])
	}
	return elements[:c.elements], bitsLeft, nil
}

// decrypt lifts V to integers, and transforms its remainders modulo T to slots.
func (c *client) decrypt(w *clientWorker, from *ciphertext, slots []uint64) (bitsLeft float64) {
	limbs := from.limbs()
	r := c.ring.Parameters().RingQ().AtLevel(limbs - 1)
	phase := ring.Poly{Coeffs: w.phase.Coeffs[:limbs]}
	for i, x := range phase.Coeffs {
		m := c.ring.Modulus(i)
		m.Scale(w.message, from[0][i], m.Factor(m.Q-1))
		m.MulAdd(x, from[1][i], c.negative[i], w.message) // minus the phase
		c.ring.Transform(i).Inverse(x)
		m.Scale(x, x, m.Factor(m.Q-c.T%m.Q))
	}
	v := make([]*big.Int, c.N())
	for k := range v {
		v[k] = new(big.Int)
	}
	r.PolyToBigintCentered(phase, 1, v)
	modulus, largest, rest := new(big.Int).SetUint64(c.T), new(big.Int), new(big.Int)
	for k, x := range v {
		if x.CmpAbs(largest) > 0 {
			largest.Abs(x)
		}
		w.slots.Coeffs[0][k] = rest.Mod(x, modulus).Uint64()
	}
	c.slots.NTT(w.slots, w.slots)
	copy(slots, w.slots.Coeffs[0])
	return log2.Product(c.Q[:limbs]) - 1 - log2.Int(largest)
}

// vector is sample k's logits: the representatives of the residues in the window
// of length T that begins with the static bound. It returns an error if one lies
// past the range, which no correct evaluation gives.
func (h *half) vector(residues [][]uint64, k int) (bundle.Vec, error) {
	t := field(h.T)
	lo, hi := h.output.Lo, h.output.Hi
	first := new(big.Int).Mod(lo, new(big.Int).SetUint64(uint64(t))).Uint64()
	values := make([]*big.Int, len(residues))
	for o := range values {
		x := new(big.Int).SetUint64(t.sub(residues[o][k], first))
		if x.Add(x, lo).Cmp(hi) > 0 {
			return bundle.Vec{}, fmt.Errorf("bgvlut: layer %q: logit %d decrypts to %v, outside its static bound %v", h.layer, o, x, h.output)
		}
		values[o] = x
	}
	return bundle.NewVec(values), nil
}
