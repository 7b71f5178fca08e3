// Package costmodel has the constants by which planners weigh their choices. They
// are those of one reference processor, written down here, so that a program and
// its options give the same plan on every machine; nothing in this package looks at
// the machine. Speeds of other processors are beside them, for predictions of time
// that are shown and decide nothing.
package costmodel

import (
	"math"

	"qtool/kernel/cpu"
)

// Reference is the level of the reference processor: x86-64 at about 4 GHz with the
// 52-bit multiply-add of AVX-512.
const Reference = cpu.IFMA

// Workers is how many cores the reference processor has.
const Workers = 2

// Batch are the nanoseconds that one core needs for one coefficient of one limb in
// the exact batch executor (he/bgv).
type Batch struct {
	MAC       float64 // times a weight, accumulated
	Reduce    float64 // of an accumulator
	Product   float64 // of two coefficients, accumulated
	Pointwise float64 // by a constant, reduced
	NTT       float64 // times logN
}

// BatchOf are the costs of a level's kernels modulo q.
//
// Source: the transform, linear map and tensor product of `qtool bench` on one core
// of an AVX-512 x86-64 processor with the 52-bit multiply-add at about 4 GHz, and the
// same under QTOOL_CPU for portable kernels; the reductions from a profile. Of the
// levels between, the least times of package mod's benchmarks as multiples of the
// 52-bit multiply-add's in the same run, while other work ran: transforms 1.6, products
// of polynomials 3.8, products with constants 2.3, reductions 2.7; linear maps against
// the kernels that were measured before them (1.7 and 1.9 times as fast), but not below
// the multiply-add's.
func BatchOf(level cpu.Level, q uint64) Batch {
	s := Batch{MAC: 0.27, Reduce: 1.1, Product: 0.9, Pointwise: 2, NTT: 0.75}
	switch {
	case level >= cpu.IFMA && q>>50 == 0:
		return Batch{MAC: 0.035, Reduce: 0.1, Product: 0.09, Pointwise: 0.2, NTT: 0.085}
	case level >= cpu.AVX2 && q>>50 == 0:
		s = Batch{Reduce: 0.27, Product: 0.35, Pointwise: 0.47, NTT: 0.135}
	case level >= cpu.AVX2:
		s.Reduce = 0.3
	}
	switch {
	case level >= cpu.AVX512:
		s.MAC, s.Reduce = 0.035, 0.2
	case level == cpu.AVX2:
		s.MAC = 0.064
	}
	return s
}

// GaussianOf is a level's nanoseconds for an error of encryption, in he/bgv.
func GaussianOf(level cpu.Level) float64 {
	switch {
	case level >= cpu.AVX512:
		return 3
	case level == cpu.AVX2:
		return 3.4
	}
	return 12
}

// Tables are the nanoseconds that one core needs for one coefficient of one limb in
// the batch executor for tables (he/bgvlut).
type Tables struct {
	NTT      float64 // times logN
	Term     float64 // of a base conversion
	Convert  float64 // more, each target
	Mul      float64 // product with a constant
	Dot      float64 // product of two polynomials
	MAC      float64 // times a small weight, accumulated
	Reduce   float64 // of such a sum
	Uniform  float64
	Gaussian float64
}

// TablesOf are the costs of a level's kernels.
//
// Source: fitted to the look-ups of `qtool bench` ("table look-up in a batch") on one
// core of an AVX-512 x86-64 processor at about 3 GHz, with the 52-bit multiply-add
// and with QTOOL_CPU=portable. A term of a base conversion is 0.6 of a product with a
// constant on an Intel Xeon (family 6, model 207), where five terms are one sum. Of the
// levels between, as in BatchOf: terms 3.2 times the 52-bit multiply-add's, one product of
// polynomials 3.
func TablesOf(level cpu.Level) Tables {
	if level >= cpu.IFMA {
		return Tables{NTT: 0.17, Term: 0.17, Convert: 0.36, Mul: 0.36, Dot: 0.54, MAC: 0.08, Reduce: 0.5, Uniform: 1.5, Gaussian: 3}
	}
	if level >= cpu.AVX2 {
		return Tables{NTT: 0.27, Term: 0.55, Convert: 0.8, Mul: 0.83, Dot: 1.6, MAC: 0.15, Reduce: 1, Uniform: 1.5, Gaussian: 3.4}
	}
	return Tables{NTT: 0.9, Term: 1.5, Convert: 0.7, Mul: 1.5, Dot: 3, MAC: 0.3, Reduce: 1.3, Uniform: 1.5, Gaussian: 15}
}

// Rotation are nanoseconds of one core in blind rotations (he/tfhe): a butterfly of
// a number theoretic transform, a product of two words in a sum, such a sum's reduction, a
// word of a power of X, a digit, and a multiply-add of the key switch.
type Rotation struct{ Butterfly, Product, Reduction, Power, Digit, Word float64 }

// RotationOf are the costs of a level's kernels modulo a prime of logQ bits.
//
// Source: least times of many of the parts of a look-up of `qtool bench` ("look-up by
// blind rotation") on an AVX-512 x86-64 processor, with all levels of QTOOL_CPU. Below
// the 52-bit multiply-add the transform and the product are multiples of its own, 1.6
// and 2.9, the least times of benchmarks in the same run.
func RotationOf(level cpu.Level, logQ int) Rotation {
	c := Rotation{Butterfly: 1.15, Product: 0.8, Reduction: 2, Power: 0.8, Digit: 3, Word: 0.4}
	if level >= cpu.AVX2 {
		c.Digit, c.Word = 0.25, 0.08
		if logQ <= 50 {
			c.Butterfly, c.Product = 0.24, 0.47
		}
	}
	if level >= cpu.AVX512 {
		c.Digit, c.Word = 0.15, 0.06
	}
	if level >= cpu.IFMA && logQ <= 50 {
		c.Butterfly, c.Product, c.Reduction, c.Power = 0.15, 0.05, 0.2, 0.15
	}
	return c
}

// Coarse is x rounded to 30 significant bits, half to even. Planners compare costs
// so rounded: processors that fuse a product and a sum, and others, then agree on
// which of two costs is less, or that they are the same.
func Coarse(x float64) float64 {
	const drop = 52 - 29
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	b := math.Float64bits(x)
	b += 1<<(drop-1) - 1 + b>>drop&1
	return math.Float64frombits(b &^ (1<<drop - 1))
}
