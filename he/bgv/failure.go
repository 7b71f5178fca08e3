package bgv

import (
	"math"

	"qtool/he/internal/log2"
	"qtool/internal/elementary"
)

// failureBits is minus log2 of the probability that some coefficient of a batch's outputs
// wraps, by the model at noise. It is the level at which a wrong decryption is as hard to
// come by as the key is to guess: whoever sees that one happened learns of the key.
//
// Reference: Cheon, Choe, Passelègue, Stehlé, Suvanto, "Attacks Against the
// IND-CPA-D Security of Exact FHE Schemes", 2024 (ia.cr/2024/127).
const failureBits = 128

// bulkDeviations is how many standard deviations of Q/2 are left to all roots of unity but
// the largest: their sum is as Gaussian as a sum of many terms, and passes so many with a
// probability of 2^-184 a coefficient.
const bulkDeviations = 16

// crest is how many standard deviations of the noise Q/2 must be away, as log2: ten and a
// reserve, or the crest that one root of unity makes (see peak) and the bulk of the others
// but for a probability of 2^-failureBits a batch. Half of it is left to each of the two.
func (e noise) crest() float64 {
	one := e.peak(float64(failureBits + 1 + e.logOutputs))
	return max(tailBits+reserveBits, log2.Sum(one, 4)) // 2^4 = bulkDeviations
}

// logFailure is log2 of a bound on the probability that a coefficient of a batch's outputs
// passes Q/2, by the same model: the exact inverse of peak. It is at most 0.
func (e noise) logFailure(logQ float64) float64 {
	deviations := elementary.Exp2(logQ - 1 - e.logT - e.total())
	if !(deviations > bulkDeviations) {
		return 0
	}
	d, j := float64(e.secret), float64(e.errors)
	// The |V(zeta)|^2 that reaches the crest, and the sum of |s|^2 and |E|^2 that makes it.
	largest := float64(2*elementary.Log2(deviations-bulkDeviations)) - 2 + e.logN + logFactorial(d) + logFactorial(j)
	x := float64((d + j) * elementary.Exp2((largest-selfPower(d)-selfPower(j))/(d+j)))
	one := e.logN - 1 + elementary.Log2(1+x) - float64(x/math.Ln2)
	bulk := e.logN - float64(bulkDeviations*bulkDeviations/(2*math.Ln2))
	return min(0, e.logOutputs+log2.Sum(one, bulk))
}

// LogFailure is log2 of a bound on the probability that decrypting a batch gives a wrong
// result, by the noise model.
func (p *Plan) LogFailure() float64 {
	e, logQ := p.layout.walk(p.circuit, nil)
	return e.logFailure(logQ)
}
