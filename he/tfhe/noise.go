package tfhe

import (
	"math"

	"qtool/internal/elementary"
)

// Variances are of phases on the torus [0, 1). Every error is taken as
// independent of the others and of the secrets, with digits and rounding errors
// uniform, as is usual for these schemes; tests hold the sums against measured
// noise. Digits are centred, in [-B/2, B/2), so their mean square is
//
//	E[d^2] = (B^2 + 2) / 12.
//
// The secret S has variance 2/3 a coefficient; a key bit of s is 1 with
// probability 1/2.
const ternaryVariance = 2. / 3

func digitSquare(base int) float64 { return (elementary.Exp2(2*float64(base)) + 2) / 12 }

// fresh is the variance of a fresh input as a big-key ciphertext:
//
//	encrypted + toWord.
func (l *ParametersLiteral) fresh() float64 { return l.encrypted() + l.toWord() }

// encrypted is the variance of a fresh input modulo Q: sigma^2 / Q^2.
func (l *ParametersLiteral) encrypted() float64 {
	return float64(sigma * sigma * elementary.Exp2(-2*float64(l.LogQ)))
}

// toWord is the variance of rounding mask and body from multiples of 1/Q to
// multiples of 2^-32:
//
//	(1 + 2N/3) / 12 * 2^-64.
func (l *ParametersLiteral) toWord() float64 {
	return (1 + float64(ternaryVariance*elementary.Exp2(float64(l.LogN)))) / 12 * elementary.Exp2(-64)
}

// rotated is the variance of a look-up's output as a big-key ciphertext:
//
//	rotation + toWord.
func (l *ParametersLiteral) rotated() float64 { return l.rotation() + l.toWord() }

// rotation is the variance of a look-up's output modulo Q. Each of n/g steps, g being
// Group, adds for 2^g patterns the products of L_0 + L_1 digit polynomials, of c_0 and of
// c_1, with fresh errors, and for the one pattern that the key has the rounding of their
// dropped bits, the bits of c_1 times S:
//
//	n/g [ 2^g N sigma^2 (L_0 E[d_0^2] + L_1 E[d_1^2]) + (4^drop_0 + 2N/3 4^drop_1) / 12 ] / Q^2.
//
// It does not depend on the input's noise, nor on the number of accumulators: an
// accumulator receives from every pattern one accumulator's digits.
func (l *ParametersLiteral) rotation() float64 {
	return float64(float64(l.groups()) * (l.stepNoise(0) + l.stepNoise(1)) * elementary.Exp2(-2*float64(l.LogQ)))
}

// stepNoise is what c_c's digits add in one step, in units of 1/Q^2.
func (l *ParametersLiteral) stepNoise(c int) float64 {
	N, patterns := elementary.Exp2(float64(l.LogN)), float64(int(1)<<l.Group)
	v := float64(patterns * N * sigma * sigma * float64(l.Ring[c].Levels) * digitSquare(l.Ring[c].Base))
	if d := l.drop(c); d > 0 {
		v += [2]float64{1, ternaryVariance * N}[c] * elementary.Exp2(2*float64(d)) / 12
	}
	return v
}

// switched is the variance that the key switch adds: N times L digits with fresh
// errors, the rounding of N mask words to the digits, and that of the body to q:
//
//	N L E[d^2] sigma^2 / q^2 + N 2/3 B^-2L / 12 + 1 / 12 q^2.
func (l *ParametersLiteral) switched() float64 {
	N, q2 := elementary.Exp2(float64(l.LogN)), elementary.Exp2(-2*float64(l.LogSmallQ))
	errors := float64(N * float64(l.Switch.Levels) * digitSquare(l.Switch.Base) * sigma * sigma * q2)
	rounding := N * ternaryVariance * elementary.Exp2(-2*float64(l.Switch.bits())) / 12
	return errors + rounding + q2/12
}

// rounded is the variance that rounding the small-key ciphertext to multiples of
// 1/2KN adds, K N being the length of a test polynomial. The rounding errors e_i of the mask are public; their expected
// effect sum e_i/2 is taken from the body before that is rounded, which leaves
// sum e_i (s_i - 1/2), of variance n/4 * 1/12, and the body's own 1/12:
//
//	(n/4 + 1) / 12 * (2KN)^-2.
func (l *ParametersLiteral) rounded() float64 {
	return float64((float64(float64(l.Dimension)/4) + 1) / 12 * elementary.Exp2(-2*float64(l.logPositions()+1)))
}

// accumulated is the variance of an accumulator of fresh inputs and outputs of
// look-ups: a row of weights multiplies theirs by its squared L2 norm, and the layer's
// gain multiplies all by its square. Inputs are also off by up
// to half a unit of 1/Q, as steps of 1/2H are not multiples of that; equal values
// equally so, hence the L1 norm. Placing the accumulator costs half a unit of
// 2^-32:
//
//	gain^2 [ fresh |w_fresh|_2^2 + rotated |w_rotated|_2^2 + (|w|_1 / 2Q)^2 ] + 2^-66.
//
// Layers of a precise plan have another variance, see preciselyAccumulated.
func (l *ParametersLiteral) accumulated(la *layer, w norm) float64 {
	if la.precise {
		return l.preciselyAccumulated(la, w)
	}
	gain := float64(la.gain)
	values := float64(l.fresh()*w.fresh) + float64(l.rotated()*w.rotated) + float64(w.sum*w.sum*elementary.Exp2(float64(-2*float64(l.LogQ))-2))
	return float64(gain*gain*values) + elementary.Exp2(-66)
}

// preciselyAccumulated is the variance of an accumulator in a precise plan. The last
// layer adds up ciphertexts modulo Q. For the others, gain times such a ciphertext is
// rounded to words, which comes behind the gain. A value is off by up to half a unit of
// 1/Q for its table's entry and another for its table's constant:
//
//	values = encrypted |w_fresh|_2^2 + rotation |w_rotated|_2^2 + (|w|_1 / Q)^2,
//	the last layer   values + (1 / 2Q)^2,
//	all others       gain^2 values + toWord (|w_fresh|_2^2 + |w_rotated|_2^2) + 2^-66.
func (l *ParametersLiteral) preciselyAccumulated(la *layer, w norm) float64 {
	unit := elementary.Exp2(-2 * float64(l.LogQ)) // 1/Q^2
	values := float64(l.encrypted()*w.fresh) + float64(l.rotation()*w.rotated) + float64(w.sum*w.sum*unit)
	if la.tables == nil {
		return values + float64(unit/4)
	}
	gain := float64(la.gain)
	return float64(gain*gain*values) + float64(l.toWord()*(w.fresh+w.rotated)) + elementary.Exp2(-66)
}

// lookup is the variance of the phase that a blind rotation sees, where acc is
// the accumulator's.
func (l *ParametersLiteral) lookup(acc float64) float64 {
	return acc + l.switched() + l.rounded()
}

// bound is how far a phase of a layer may be off: half a message's width and, for look-ups,
// up to half a position less, by which the borders of messages are off where H does
// not divide K N:
//
//	1/4H - 1/4KN.
func (l *ParametersLiteral) bound(la *layer) float64 {
	b := 1 / (4 * float64(la.half))
	if la.tables != nil && (1<<l.logPositions())%la.half != 0 {
		b -= 1 / elementary.Exp2(float64(l.logPositions())+2)
	}
	return b
}

// outside is the probability that a Gaussian of the given variance leaves
// (-bound, bound): erfc(bound / sqrt(2 variance)).
func outside(bound, variance float64) float64 {
	if bound <= 0 {
		return 1
	}
	return elementary.Erfc(bound / math.Sqrt(2*variance))
}
