package lstm

import (
	"math"

	"qtool/internal/elementary"
)

// split is how the blocks' diagonals are taken apart: diagonal d = g babies + b is
// the rotation by g babies blocks of a sum of rotations by b blocks, the latter
// shared by all gates.
type split struct{ babies, giants int }

// maxKeyBytes bounds the Galois keys.
const maxKeyBytes = 6 << 30

// newSplit takes the fewest operations among those whose keys are not too many. A
// giant step, for each of four gates, is about three times a hoisted baby step,
// of which there are two ciphertexts.
func newSplit(blocks, limbs, special, logN int) split {
	best, least := split{1, blocks}, math.Inf(1)
	key := float64((limbs+special-1)/special) * 2 * float64(limbs+special) * 8 * elementary.Exp2(float64(logN))
	for n := 1; n <= blocks; n *= 2 {
		s := split{n, blocks / n}
		if float64(s.babies+s.giants-2)*key > maxKeyBytes && n*n > blocks {
			break
		}
		if cost := 2*float64(s.babies-1) + float64(4*3*float64(s.giants-1)); cost < least {
			best, least = s, cost
		}
	}
	return best
}

// rotations are the rotations that the server needs, in blocks.
func (s split) rotations() []int {
	var all []int
	for b := 1; b < s.babies; b++ {
		all = append(all, b)
	}
	for g := 1; g < s.giants; g++ {
		all = append(all, g*s.babies)
	}
	return all
}
