package bgvlut

import (
	"math"
	"testing"
)

// Masks are zero in the other half, have one factor, and are as small as stated: the square
// of a short one is T.
func TestMasks(t *testing.T) {
	for _, p := range []field{12289, 40961, 65537, 114689, 786433, 7340033, 16760833} {
		u := p.imaginary()
		for _, u := range []uint64{u, p.sub(0, u)} {
			value := func(g gaussian, half int) uint64 {
				i := u
				if half == 1 {
					i = p.sub(0, u)
				}
				return p.add(p.of(g.re), p.mul(p.of(g.im), i))
			}
			for name, m := range map[string]masks{"short": p.short(u), "exact": p.exact(u)} {
				for k, g := range m.of {
					if value(g, k) != m.factor || value(g, 1-k) != 0 {
						t.Errorf("T = %d: %s mask %d is %d and %d, want %d and 0", p, name, k, value(g, k), value(g, 1-k), m.factor)
					}
				}
			}
			m := p.short(u)
			if a := m.of[0]; uint64(a.re*a.re+a.im*a.im) != uint64(p) || math.Abs(a.log()-math.Log2(float64(p))/2) > 1e-9 {
				t.Errorf("T = %d: a short mask is %v, of log %v", p, a, a.log())
			}
			if limit := math.Log2(float64(p)) - 0.5; p.exact(u).of[0].log() > limit {
				t.Errorf("T = %d: an exact mask has log %v, above %v", p, p.exact(u).of[0].log(), limit)
			}
			if m.factor != p.short(p.sub(0, u)).factor {
				t.Errorf("T = %d: the factor depends on the root of -1", p)
			}
			c, d := p.split(5, 7, u)
			if p.add(c, p.mul(d, u)) != 5 || p.sub(c, p.mul(d, u)) != 7 {
				t.Errorf("T = %d: 5 and 7 are split into %d and %d", p, c, d)
			}
		}
	}
}
