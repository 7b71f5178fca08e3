package bgv

import (
	"fmt"
	"math/big"

	"qtool/bundle"
)

// lifter rebuilds integers of a range from their residues modulo the plaintext
// primes, whose product P must pass the range's width.
type lifter struct {
	layer   string
	output  bundle.Range
	product *big.Int
	basis   []*big.Int // 1 modulo t_i, 0 modulo the other primes
}

func (h *half) newLifter() *lifter {
	l := &lifter{h.layer, h.output, product(h.T), nil}
	for _, t := range h.T {
		rest := new(big.Int).Quo(l.product, new(big.Int).SetUint64(t))
		inverse := new(big.Int).ModInverse(rest, new(big.Int).SetUint64(t))
		l.basis = append(l.basis, rest.Mul(rest, inverse))
	}
	return l
}

// vector is sample k's logits, from residues[prime][output][sample]:
//
//	lo + ((sum_i r_i basis_i - lo) mod P)
//
// It returns an error if a value lies in the window of length P but not in the
// static bound, which no correct evaluation gives.
func (l *lifter) vector(residues [][][]uint64, k int) (bundle.Vec, error) {
	values := make([]*big.Int, len(residues[0]))
	var term big.Int
	for o := range values {
		x := new(big.Int)
		for i, basis := range l.basis {
			x.Add(x, term.Mul(basis, term.SetUint64(residues[i][o][k])))
		}
		x.Sub(x, l.output.Lo).Mod(x, l.product).Add(x, l.output.Lo)
		if x.Cmp(l.output.Hi) > 0 {
			return bundle.Vec{}, fmt.Errorf("bgv: layer %q: logit %d decrypts to %v, outside its static bound %v", l.layer, o, x, l.output)
		}
		values[o] = x
	}
	return bundle.NewVec(values), nil
}
