package pbs

import (
	"encoding/binary"
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/kernel/gadget"
	"qtool/kernel/mod"
	"qtool/verify/he/fastntt"
	"qtool/verify/he/security"
)

// ParametersLiteral is unchecked encryption parameters.
type ParametersLiteral struct {
	// LogN is log2 of the ring degree N, 8..15.
	LogN int
	// LogQ bounds the ring modulus: Q is the largest prime below 2^LogQ with Q = 1
	// mod 2N; 20..58.
	LogQ int
	// Base and Levels are the ring's gadget: the Base*Levels leading bits of a
	// coefficient are taken apart into Levels digits of Base bits.
	Base, Levels int
	// Dimension is n, that of the narrow LWE ciphertexts.
	Dimension int
	// LogSmallQ is log2 of their modulus q; LogN+2..31.
	LogSmallQ int
	// SwitchBase and SwitchLevels are the gadget of the key switch.
	SwitchBase, SwitchLevels int
}

// Parameters are checked parameters with what follows from them. They are
// immutable and hold no secret.
type Parameters struct {
	ParametersLiteral
	ring   *ring.Ring
	q      uint64
	gadget *gadget.Gadget
	// transform is nil where Lattigo's is used.
	transform *mod.Transform
}

// sigma is the standard deviation of all fresh errors, sigmaBound the tail cut.
const sigma, sigmaBound = 3.2, 19.2

// NewParameters checks a literal. Whether it is secure is CheckSecurity's to say.
func NewParameters(l ParametersLiteral) (*Parameters, error) {
	for _, f := range []struct {
		name          string
		v, from, upTo int
	}{
		{"log2 of the ring degree", l.LogN, 8, 15},
		{"log2 of the ring modulus", l.LogQ, 20, 58},
		{"gadget base", l.Base, 1, 32},
		{"gadget levels", l.Levels, 1, 4},
		{"LWE dimension", l.Dimension, 8, 2048},
		{"log2 of the LWE modulus", l.LogSmallQ, l.LogN + 2, 31},
		{"key switch base", l.SwitchBase, 1, 16},
		{"key switch levels", l.SwitchLevels, 1, 16},
		{"bits of the gadget", l.Base * l.Levels, 1, l.LogQ},
		{"bits of the key switch gadget", l.SwitchBase * l.SwitchLevels, 1, l.LogSmallQ},
	} {
		if f.v < f.from || f.v > f.upTo {
			return nil, fmt.Errorf("pbs: %s %d is outside %d..%d", f.name, f.v, f.from, f.upTo)
		}
	}
	primes := ring.NewNTTFriendlyPrimesGenerator(uint64(l.LogQ), 2<<l.LogN)
	q, err := primes.NextDownstreamPrime()
	if err != nil {
		return nil, fmt.Errorf("pbs: ring modulus of %d bits for degree 2^%d: %w", l.LogQ, l.LogN, err)
	}
	r, err := ring.NewRing(1<<l.LogN, []uint64{q})
	if err != nil {
		return nil, fmt.Errorf("pbs: ring modulus %d: %w", q, err)
	}
	p := &Parameters{ParametersLiteral: l, ring: r, q: q, gadget: gadget.New(q, l.drop(), l.Base, l.Levels)}
	if fastntt.Serves(r.SubRings[0]) {
		if p.transform, err = fastntt.New(mod.New(q), r.SubRings[0]); err != nil {
			return nil, fmt.Errorf("pbs: ring modulus %d: %w", q, err)
		}
	}
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
// the narrow ciphertexts have 128 bits of security.
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

// drop is the number of trailing bits of a coefficient that the gadget rounds
// away.
func (l *ParametersLiteral) drop() int { return l.LogQ - l.Base*l.Levels }

// rows is the number of ring ciphertexts in the encryption of a key bit.
func (l *ParametersLiteral) rows() int { return 2 * l.Levels }

// RotationBytes is the size of the blind rotation key.
func (l *ParametersLiteral) RotationBytes() int64 {
	return int64(l.Dimension) * int64(l.rows()) * 2 * 8 << l.LogN
}

// SwitchingBytes is the size of the key switching key.
func (l *ParametersLiteral) SwitchingBytes() int64 {
	return int64(l.SwitchLevels) * int64(l.Dimension+1) * 4 << l.LogN
}

// literalOf undoes bytes. What it gives is unchecked.
func literalOf(b []byte) ParametersLiteral {
	return ParametersLiteral{
		LogN: int(b[0]), LogQ: int(b[1]), Base: int(b[2]), Levels: int(b[3]), LogSmallQ: int(b[4]),
		SwitchBase: int(b[5]), SwitchLevels: int(b[6]), Dimension: int(binary.LittleEndian.Uint16(b[7:])),
	}
}

// bytes is the literal in nine bytes, the same for the same parameters only.
func (l *ParametersLiteral) bytes() []byte {
	b := []byte{uint8(l.LogN), uint8(l.LogQ), uint8(l.Base), uint8(l.Levels), uint8(l.LogSmallQ), uint8(l.SwitchBase), uint8(l.SwitchLevels)}
	return binary.LittleEndian.AppendUint16(b, uint16(l.Dimension))
}

// String names the parameters in a line.
func (l *ParametersLiteral) String() string {
	return fmt.Sprintf("N = 2^%d, log Q = %d, %d digits of %d bits; n = %d, log q = %d, key switch of %d digits of %d bits",
		l.LogN, l.LogQ, l.Levels, l.Base, l.Dimension, l.LogSmallQ, l.SwitchLevels, l.SwitchBase)
}
