package bgvlut

import (
	"testing"

	"pgregory.net/rapid"
)

// Interpolation takes every value, and has no higher degree than it must.
func TestInterpolate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := field(rapid.SampledFrom([]uint64{257, 12289, 65537, 786433}).Draw(t, "t"))
		n := rapid.SampledFrom([]int{1, 2, 3, 16, 200, 257}).Draw(t, "n")
		first := rapid.Uint64Range(0, uint64(f)-1).Draw(t, "first")
		v := rapid.SliceOfN(rapid.SampledFrom([]uint64{0, 1, 2, uint64(f) - 1, uint64(f) / 2}), n, n).Draw(t, "v")
		p := f.interpolate(first, v)
		if len(p) > n || len(p) > 1 && p[len(p)-1] == 0 {
			t.Fatalf("%d coefficients for %d points, the last %d", len(p), n, p[len(p)-1])
		}
		for i, want := range v {
			if got := f.at(p, f.add(first, uint64(i)%uint64(f))); got != want {
				t.Fatalf("point %d: %d, want %d", i, got, want)
			}
		}
	})
	if p := field(65537).interpolate(7, []uint64{3, 3, 3, 3}); len(p) != 1 || p[0] != 3 {
		t.Errorf("a constant is %v", p)
	}
}

// A polynomial gives the table on its whole domain, whatever its symmetry.
func TestPolynomialIsTable(t *testing.T) {
	f := field(65537)
	for _, c := range []struct {
		name   string
		lo, hi int64
		f      func(q int64) int64
		parity parity
		terms  int // at most
	}{
		{"constant", -5, 5, func(int64) int64 { return 7 }, odd, 1},
		{"one point", 3, 3, func(int64) int64 { return -7 }, odd, 1},
		{"line", -4, 11, func(q int64) int64 { return 3*q - 1 }, odd, 2},
		{"odd about an integer", -8, 8, func(q int64) int64 { return q*q*q - q + 4 }, odd, 4},
		{"odd about a half", -8, 7, func(q int64) int64 { return (2*q + 1) * (2*q + 1) * (2*q + 1) }, odd, 4},
		{"sign", -64, 63, func(q int64) int64 { return 1 + q>>63 }, odd, 128},
		{"odd, cut off", -60, 63, func(q int64) int64 { return 1 + q>>63 }, odd, 128},
		{"odd about another centre", -40, 70, func(q int64) int64 { return 1 + (q-20)>>63 }, odd, 128},
		{"even", -9, 9, func(q int64) int64 { return q * q * q * q }, even, 5},
		{"even, cut off", -5, 7, func(q int64) int64 { return q * q }, even, 3},
		{"step off centre", -64, 63, func(q int64) int64 { return 1 + (q-20)>>63 }, general, 128},
		{"random", -20, 43, func(q int64) int64 { return q * 7919 % 13 }, general, 64},
	} {
		p := f.newPolynomial(c.lo, c.hi, c.f)
		if p.parity != c.parity {
			t.Errorf("%s: parity %d, want %d", c.name, p.parity, c.parity)
		}
		if len(p.coeffs) > c.terms {
			t.Errorf("%s: %d coefficients, want at most %d", c.name, len(p.coeffs), c.terms)
		}
		for j, a := range p.coeffs {
			if j > 0 && a != 0 && !p.parity.has(j) {
				t.Errorf("%s: coefficient %d is %d", c.name, j, a)
			}
		}
		for q := c.lo; q <= c.hi; q++ {
			if got := f.lift(f.at(p.coeffs, f.sub(f.of(q), p.centre))); got != c.f(q) {
				t.Fatalf("%s: %d at %d, want %d", c.name, got, q, c.f(q))
			}
		}
	}
}

// A tree is evaluated on the levels it says, with all powers that it needs.
func TestShapes(t *testing.T) {
	for _, p := range []parity{general, odd, even} {
		for n := 2; n <= 1100; n += 1 + n/5 {
			tree, shapes := newTree([]choice{{p, n}, {general, 2}})
			if want := max(2, log2Ceil(n)); tree.levels() > want && tree.height > 0 || tree.levels() > want+1 {
				t.Errorf("%d coefficients: %d levels", n, tree.levels())
			}
			s := shapes[0]
			if s.leaf*(1<<tree.height) < n || log2Ceil(s.leaf) != tree.baby {
				t.Fatalf("%d coefficients: %d levels of leaves of %d", n, tree.height, s.leaf)
			}
			seen := map[int]int{}
			for _, w := range s.powers {
				if w.exponent > 1 && (w.left+w.right != w.exponent || max(seen[w.left], seen[w.right]) == 0 ||
					w.exponent > 2 && max(seen[w.left], seen[w.right]) != w.depth-1) {
					t.Errorf("parity %d, leaves of %d: %+v", p, s.leaf, w)
				}
				seen[w.exponent] = w.depth
			}
			for j := 1; j < s.leaf; j++ {
				if p.has(j) && seen[j] == 0 {
					t.Errorf("parity %d, leaves of %d: no power %d", p, s.leaf, j)
				}
			}
			if tree.height > 0 && n > s.leaf && seen[s.leaf] != tree.baby {
				t.Errorf("parity %d, leaves of %d: the giant is of depth %d", p, s.leaf, seen[s.leaf])
			}
		}
	}
	// An odd polynomial needs fewer products.
	_, shapes := newTree([]choice{{odd, 256}})
	_, full := newTree([]choice{{general, 256}})
	if a, b := shapes[0].work(shapes[0].leaves(256)), full[0].work(256/full[0].leaf); a.units() >= b.units() {
		t.Errorf("odd %+v, general %+v", a, b)
	}
}
