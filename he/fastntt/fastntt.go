// Package fastntt makes Lattigo's rings transform with the kernels of
// qtool/kernel/mod. The values are the same to the last bit.
package fastntt

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// Install replaces the transforms of params' rings, modulo Q and modulo P, where
// that is faster: the processor has AVX2 and FMA, or the 52-bit multiply-add, and
// the prime is below 2^50. It returns how many it replaced. Call it once, before any key,
// encoder or evaluator is made of params; copies of params share their rings.
//
// Ring Q's first prime keeps Lattigo's transform, as Lattigo asks it for the type
// of the ring and knows its own transforms only. So it does best to be the one
// prime that is too long, or that fewest operations touch.
//
// It returns an error, and changes nothing, for rings that are not of the
// standard type.
func Install(params rlwe.ParameterProvider) (replaced int, err error) {
	p := params.GetRLWEParameters()
	if p.RingType() != ring.Standard {
		return 0, fmt.Errorf("fastntt: ring type %v, want %v", p.RingType(), ring.Standard)
	}
	places := append([]*ring.SubRing(nil), p.RingQ().SubRings...)
	if p.RingP() != nil {
		places = append(places, p.RingP().SubRings...)
	}
	for i, s := range places {
		if i > 0 && Serves(s) {
			if places[i], err = replacement(s); err != nil {
				return 0, err
			}
			replaced++
		}
	}
	n := copy(p.RingQ().SubRings, places)
	if p.RingP() != nil {
		copy(p.RingP().SubRings, places[n:])
	}
	return replaced, nil
}

// Serves says whether the kernels in use transform s faster than Lattigo.
func Serves(s *ring.SubRing) bool {
	return cpu.Active >= cpu.AVX2 && s.Modulus>>50 == 0 && s.Modulus>>16 != 0 && s.N >= 256 && s.NthRoot == uint64(2*s.N)
}

// New is the transform modulo the prime of s, with its root of unity, so that
// values have the order that Lattigo gives them.
func New(m *mod.Modulus, s *ring.SubRing) (*mod.Transform, error) {
	psi := ring.IMForm(s.RootsForward[s.N/2], s.Modulus, s.MRedConstant)
	t, err := mod.NewTransform(m, s.N, psi)
	if err != nil {
		return nil, fmt.Errorf("fastntt: %w", err)
	}
	return t, nil
}

// replacement is s with another transform; it shares the tables.
func replacement(s *ring.SubRing) (*ring.SubRing, error) {
	t, err := New(mod.New(s.Modulus), s)
	if err != nil {
		return nil, err
	}
	r, err := ring.NewSubRingWithCustomNTT(s.N, s.Modulus, func(*ring.SubRing, int) ring.NumberTheoreticTransformer {
		return transformer{t}
	}, 2*s.N)
	if err != nil {
		return nil, fmt.Errorf("fastntt: %w", err)
	}
	r.NTTTable, r.Factors = s.NTTTable, s.Factors
	return r, nil
}

// transformer is what Lattigo calls. It is safe for concurrent use. Lattigo
// feeds it words that are not reduced, as lazy operations leave them.
type transformer struct{ t *mod.Transform }

func (f transformer) Forward(p1, p2 []uint64) {
	p2 = p2[:f.t.Len()]
	f.t.Modulus().Reduce(p2, p1[:f.t.Len()], 0)
	f.t.Forward(p2)
}

func (f transformer) Backward(p1, p2 []uint64) {
	p2 = p2[:f.t.Len()]
	f.t.Modulus().Reduce(p2, p1[:f.t.Len()], 0)
	f.t.Inverse(p2)
}

func (f transformer) ForwardLazy(p1, p2 []uint64)  { f.Forward(p1, p2) }
func (f transformer) BackwardLazy(p1, p2 []uint64) { f.Backward(p1, p2) }
