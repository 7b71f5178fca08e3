package lstm

import (
	"fmt"
	"math"

	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/he/packed/engine"
)

// encoder makes plaintexts. One goroutine's.
type encoder struct {
	half         *half
	encoder      *ckks.Encoder
	slots        []complex128
	coefficients []uint64 // two's complements
	subs         []*ring.SubRing
}

func newEncoder(h *half) *encoder {
	return &encoder{half: h, encoder: ckks.NewEncoder(h.params), slots: make([]complex128, h.params.MaxSlots()), coefficients: make([]uint64, h.params.N())}
}

// use is what a plaintext is for.
type use struct {
	multiply bool // in Montgomery form
	extended bool // with limbs modulo the special primes
}

// blocks encodes values[u] in all slots of block u, as the integers next to them.
// dst has the limbs of the ciphertext and, if extended, the special ones.
func (e *encoder) blocks(dst engine.Poly, values []float64, u use) error {
	s := e.half.slots()
	for b := range e.half.Blocks {
		v := complex(0, 0)
		if b < len(values) {
			v = complex(values[b], 0)
		}
		block := e.slots[b*s : (b+1)*s]
		for i := range block {
			block[i] = v
		}
	}
	return e.encode(dst, u)
}

// encode encodes e.slots; see round.
func (e *encoder) encode(dst engine.Poly, u use) error {
	if err := e.round(); err != nil {
		return err
	}
	p := e.half.params
	limbs := len(dst)
	if u.extended {
		limbs -= p.PCount()
	}
	e.subs = append(e.subs[:0], p.RingQ().SubRings[:limbs]...)
	if u.extended {
		e.subs = append(e.subs, p.RingP().SubRings...)
	}
	engine.Integers(dst, e.subs, e.coefficients, 0, u.multiply)
	return nil
}

// round makes e.coefficients of e.slots, which it uses up: the coefficients of Lattigo's
// transform, rounded half to even. It refuses coefficients of 62 bits and more.
func (e *encoder) round() error {
	p := e.half.params
	if err := e.encoder.IFFT(e.slots, p.LogMaxDimensions().Cols); err != nil {
		return fmt.Errorf("lstm: encoding: %w", err)
	}
	n := len(e.slots)
	for i, v := range e.slots {
		for at, x := range [2]float64{real(v), imag(v)} {
			x = math.RoundToEven(x)
			if !(math.Abs(x) < 1<<62) {
				return fmt.Errorf("lstm: a coefficient of %g passes 62 bits", x)
			}
			e.coefficients[at*n+i] = uint64(int64(x))
		}
	}
	return nil
}
