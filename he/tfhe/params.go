package tfhe

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/fastntt"
	"qtool/he/internal/primes"
	"qtool/he/internal/sample"
	"qtool/he/security"
	"qtool/kernel/gadget"
	"qtool/kernel/mod"
)

// Digits says how a word is taken apart: its Base*Levels leading bits in Levels
// digits of Base bits.
type Digits struct {
	Base   int `json:"base"`
	Levels int `json:"levels"`
}

// String says how many digits of how many bits.
func (d Digits) String() string { return fmt.Sprintf("%d x %d bits", d.Levels, d.Base) }

func (d Digits) bits() int { return d.Base * d.Levels }

// ParametersLiteral is unchecked encryption parameters.
type ParametersLiteral struct {
	// LogN is log2 of the ring degree N, 8..15.
	LogN int `json:"log_n"`
	// LogQ bounds the ring modulus: Q is the largest prime below 2^LogQ with Q = 1
	// mod 2N; 20..58.
	LogQ int `json:"log_q"`
	// Ring takes the coefficients of c_0 and those of c_1 apart in a blind rotation.
	// What is rounded away of c_1 is multiplied by the secret, so that c_0 can do
	// with fewer digits.
	Ring [2]Digits `json:"ring_digits"`
	// Dimension is n, that of the small-key LWE ciphertexts.
	Dimension int `json:"lwe_dimension"`
	// Group is how many key bits a step of a blind rotation takes together, 1..3.
	Group int `json:"key_bits_a_step"`
	// LogAccumulators is log2 of K, the ring ciphertexts that one look-up turns: its test
	// polynomial has K N coefficients; 0..5.
	LogAccumulators int `json:"log_accumulators"`
	// LogSmallQ is log2 of their modulus q; LogN + LogAccumulators + 2..31.
	LogSmallQ int `json:"log_small_q"`
	// Switch takes mask words apart in the key switch.
	Switch Digits `json:"switch_digits"`
}

// Parameters are checked parameters with what follows from them. They are
// immutable and hold no secret.
type Parameters struct {
	ParametersLiteral
	ring    *ring.Ring
	q       uint64
	modulus *mod.Modulus      // Q
	gadgets [2]*gadget.Gadget // of c_0 and c_1
	// transform is nil where Lattigo's is used.
	transform *mod.Transform
	monomials *gadget.Monomials
}

// sigma is the standard deviation of all fresh errors, sigmaBound the tail cut.
const sigma, sigmaBound = sample.Sigma, sample.Bound

// check is an error that names the first number that is outside its range.
func (l *ParametersLiteral) check() error {
	for _, f := range []struct {
		name          string
		v, from, upTo int
	}{
		{"log2 of the ring degree", l.LogN, 8, 15},
		{"log2 of the ring modulus", l.LogQ, 20, 58},
		{"bits of a body digit", l.Ring[0].Base, 1, 32},
		{"body digits", l.Ring[0].Levels, 1, gadget.MaxLevels},
		{"bits of a mask digit", l.Ring[1].Base, 1, 32},
		{"mask digits", l.Ring[1].Levels, 1, gadget.MaxLevels},
		{"LWE dimension", l.Dimension, 8, 2048},
		{"key bits a step", l.Group, 1, 3},
		{"log2 of the accumulators", l.LogAccumulators, 0, 5},
		{"log2 of the test polynomial's length", l.logPositions(), 8, 15},
		{"log2 of the LWE modulus", l.LogSmallQ, l.logPositions() + 2, 31},
		{"bits of a key switch digit", l.Switch.Base, 1, 16},
		{"key switch digits", l.Switch.Levels, 1, 16},
		{"products of a step, of all digits and patterns of key bits", l.rows() << max(0, min(l.Group, 3)), 2, gadget.MaxRows},
		{"bits of all body digits", l.Ring[0].bits(), 1, l.LogQ},
		{"bits of all mask digits", l.Ring[1].bits(), 1, l.LogQ},
		{"bits of all key switch digits", l.Switch.bits(), 1, l.LogSmallQ},
	} {
		if f.v < f.from || f.v > f.upTo {
			return fmt.Errorf("tfhe: %s %d is outside %d..%d", f.name, f.v, f.from, f.upTo)
		}
	}
	return nil
}

// NewParameters checks a literal. Whether it is secure is CheckSecurity's to say.
func NewParameters(l ParametersLiteral) (*Parameters, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	q, err := primes.New(l.LogN).Below(l.LogQ)
	if err != nil {
		return nil, fmt.Errorf("tfhe: ring modulus of %d bits for degree 2^%d: %w", l.LogQ, l.LogN, err)
	}
	r, err := ring.NewRing(1<<l.LogN, []uint64{q})
	if err != nil {
		return nil, fmt.Errorf("tfhe: ring modulus %d: %w", q, err)
	}
	p := &Parameters{ParametersLiteral: l, ring: r, q: q, modulus: mod.New(q)}
	for c, d := range l.Ring {
		p.gadgets[c] = gadget.New(q, l.drop(c), d.Base, d.Levels)
	}
	if fastntt.Serves(r.SubRings[0]) {
		if p.transform, err = fastntt.New(p.modulus, r.SubRings[0]); err != nil {
			return nil, fmt.Errorf("tfhe: ring modulus %d: %w", q, err)
		}
	}
	x := make([]uint64, p.N())
	x[1] = 1
	p.forward(x) // odd powers of the root of unity, the first of them first
	p.monomials = gadget.NewMonomials(q, p.N(), x[0])
	return p, nil
}

// forward transforms a polynomial to the NTT domain, in place. The results are
// reduced.
func (p *Parameters) forward(x []uint64) {
	if p.transform != nil {
		p.transform.Forward(x)
	} else {
		p.ring.SubRings[0].NTT(x, x)
	}
}

// inverse undoes forward.
func (p *Parameters) inverse(x []uint64) {
	if p.transform != nil {
		p.transform.Inverse(x)
	} else {
		p.ring.SubRings[0].INTT(x, x)
	}
}

// N is the ring degree.
func (p *Parameters) N() int { return 1 << p.LogN }

// Q is the ring modulus.
func (p *Parameters) Q() uint64 { return p.q }

// CheckSecurity returns an error of package security unless both the ring and
// the small-key ciphertexts have 128 bits of security.
func (p *Parameters) CheckSecurity() error { return p.checkSecurity() }

func (l *ParametersLiteral) checkSecurity() error {
	if err := security.Check(l.LogN, float64(l.LogQ)); err != nil {
		return err
	}
	return security.CheckLWE(l.Dimension, float64(l.LogSmallQ))
}

// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
func (p *Parameters) SecurityBits() int {
	return min(security.Estimate(p.LogN, float64(p.LogQ)), security.EstimateLWE(p.Dimension, float64(p.LogSmallQ)))
}

// drop is the number of trailing bits of a coefficient of c_c that are rounded
// away.
func (l *ParametersLiteral) drop(c int) int { return l.LogQ - l.Ring[c].bits() }

// logPositions is log2 of K N, the coefficients of a test polynomial: half the positions
// of a blind rotation.
func (l *ParametersLiteral) logPositions() int { return l.LogN + l.LogAccumulators }

// groups is the number of steps of a blind rotation.
func (l *ParametersLiteral) groups() int { return (l.Dimension + l.Group - 1) / l.Group }

// bitsOf is the number of key bits of group i: Group, or of the last one what is left.
func (l *ParametersLiteral) bitsOf(i int) int { return min(l.Group, l.Dimension-i*l.Group) }

// indicators is the number of ring-GSW ciphertexts of all groups: for each one of every
// pattern that its bits may have.
func (l *ParametersLiteral) indicators() int {
	n := l.Dimension / l.Group << l.Group
	if rest := l.Dimension % l.Group; rest > 0 {
		n += 1 << rest
	}
	return n
}

// rows is the number of ring ciphertexts in the encryption of a bit.
func (l *ParametersLiteral) rows() int { return l.Ring[0].Levels + l.Ring[1].Levels }

// place says which component and power of two row r of it is for.
func (l *ParametersLiteral) place(r int) (component, power int) {
	if r >= l.Ring[0].Levels {
		component, r = 1, r-l.Ring[0].Levels
	}
	return component, l.drop(component) + r*l.Ring[component].Base
}

// RotationBytes is the size of the blind rotation key in memory.
func (l *ParametersLiteral) RotationBytes() int64 {
	return int64(l.indicators()) * int64(l.rows()) * 2 * 8 << l.LogN
}

// SwitchingBytes is the size of the key switching key in memory.
func (l *ParametersLiteral) SwitchingBytes() int64 {
	return int64(l.Switch.Levels) * int64(l.Dimension+1) * 4 << l.LogN
}

// bodyBytes is the size of the bodies of both evaluation keys, which a seed for their masks
// goes with on the wire.
func (l *ParametersLiteral) bodyBytes() int64 {
	return l.RotationBytes()/2 + int64(l.Switch.Levels)*4<<l.LogN
}

// String names the parameters in a line.
func (l *ParametersLiteral) String() string {
	return fmt.Sprintf("N = 2^%d, %d times, log Q = %d, %v and %v; n = %d, %d key bits a step, log q = %d, key switch of %v",
		l.LogN, 1<<l.LogAccumulators, l.LogQ, l.Ring[0], l.Ring[1], l.Dimension, l.Group, l.LogSmallQ, l.Switch)
}

// positions is K N: half the positions of a blind rotation.
func (p *Parameters) positions() int { return 1 << p.logPositions() }
