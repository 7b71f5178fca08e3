package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

func TestMain(m *testing.M) { cputest.Main(m) }

// eachLevel runs f with the kernels of every level that this machine has,
// portable Go included. AVX-512's are the highest there are.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	defer func(was *kernels) { active = was }(active)
	cputest.Each(t, cpu.AVX512, func(t *testing.T, l cpu.Level) {
		use(l)
		f(t)
	})
}

// portable runs f on portable Go.
func portable(f func()) {
	defer func(was *kernels) { active = was }(active)
	active = nil
	f()
}

// edges are the values that break careless arithmetic.
var edges = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 1.5, 2.5, -2.5, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
	0x1p-126, 0x1.fffffcp-127, -0x1p-126, math.MaxFloat32, -math.MaxFloat32, 0x1p24, 0x1.fffffep23, 0x1.000002p0, 0x1p-24,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
}

// values draws n values: most ordinary, the given share edges.
func values(r *rand.Rand, n int, edge float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		if v[i] = float32(r.NormFloat64()); r.Float64() < edge {
			v[i] = edges[r.IntN(len(edges))]
		}
	}
	return v
}

// same reports whether two values have the same bits, or are both NaN.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func wantSame(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: value %d is %v (%#x), the twin's %v (%#x)", what, i,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// productNaive is the definition of Product, one result at a time.
func productNaive(dst Matrix, init []float32, a Matrix, b []float32, terms []Term, m, n int) {
	for r := range m {
		for j := range n {
			s := dst.Data[r*dst.Row+j]
			if init != nil {
				s = init[r]
			}
			for _, t := range terms {
				s += float32(a.Data[r*a.Row+t.A] * b[t.B+j])
			}
			dst.Data[r*dst.Row+j] = s
		}
	}
}

func TestProduct(t *testing.T) {
	type shape struct{ m, k, n int }
	var shapes []shape
	for m := 1; m <= 9; m++ {
		for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 49, 50, 64, 97} {
			shapes = append(shapes, shape{m, 1 + (m+n)%6, n})
		}
	}
	shapes = append(shapes, shape{17, 2100, 50}, shape{20, 150, 110}, shape{3, 0, 20}, shape{3, 90, 2000}, shape{5, 1, 600})
	shares := []float64{0, 0.002, 0.3} // of edges
	if testing.Short() {
		shares = shares[1:2]
	}
	for _, edge := range shares {
		eachLevel(t, func(t *testing.T) {
			r := newRand(uint64(edge * 1000))
			for _, s := range shapes {
				for _, transposed := range []bool{false, true} {
					for _, withInit := range []bool{false, true} {
						pad := r.IntN(3)
						a := Matrix{values(r, s.m*s.k+pad+1, edge)[1:], s.k} // from an unaligned address
						step := 1
						if transposed {
							a.Row, step = 1, s.m
						}
						b := values(r, s.k*s.n+r.IntN(5), edge)
						terms := make([]Term, s.k)
						for k := range terms {
							terms[k] = Term{k * step, r.IntN(len(b) - s.n + 1)}
						}
						var init []float32
						if withInit {
							init = values(r, s.m, edge)
						}
						got := values(r, s.m*(s.n+pad), edge)
						want := append([]float32(nil), got...)
						Product(Matrix{got, s.n + pad}, init, a, b, terms, s.m, s.n)
						productNaive(Matrix{want, s.n + pad}, init, a, b, terms, s.m, s.n)
						wantSame(t, fmt.Sprintf("%+v transposed %v init %v", s, transposed, withInit), got, want)
					}
				}
			}
		})
	}
}

func TestProductPanics(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		v := func(n int) []float32 { return make([]float32, n) }
		for name, f := range map[string]func(){
			"dst":        func() { Product(Matrix{v(5), 3}, nil, Matrix{v(2), 1}, v(3), []Term{{0, 0}}, 2, 3) },
			"init":       func() { Product(Matrix{v(6), 3}, v(1), Matrix{v(2), 1}, v(3), []Term{{0, 0}}, 2, 3) },
			"a":          func() { Product(Matrix{v(6), 3}, nil, Matrix{v(2), 1}, v(3), []Term{{1, 0}}, 2, 3) },
			"a rows":     func() { Product(Matrix{v(6), 3}, nil, Matrix{v(2), 3}, v(3), []Term{{0, 0}}, 2, 3) },
			"b":          func() { Product(Matrix{v(6), 3}, nil, Matrix{v(2), 1}, v(3), []Term{{0, 1}}, 2, 3) },
			"negative a": func() { Product(Matrix{v(6), 3}, nil, Matrix{v(2), 1}, v(3), []Term{{-1, 0}}, 2, 3) },
			"negative b": func() { Product(Matrix{v(6), 3}, nil, Matrix{v(2), 1}, v(3), []Term{{0, -1}}, 2, 3) },
			"dots g":     func() { Dots(Matrix{v(2), 1}, Runs{v(5), 0}, 3, Runs{v(9), 0}, []int{0}, 2, 3, 1) },
			"dots x":     func() { Dots(Matrix{v(2), 1}, Runs{v(6), 0}, 3, Runs{v(9), 4}, []int{3}, 2, 3, 2) },
			"dots dst":   func() { Dots(Matrix{v(1), 1}, Runs{v(6), 0}, 3, Runs{v(9), 0}, []int{0}, 2, 3, 1) },
		} {
			wantPanic(t, name, f)
		}
	})
}

func wantPanic(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", name)
		}
	}()
	f()
}

func TestDots(t *testing.T) {
	type shape struct{ m, offsets, n, runs int }
	var shapes []shape
	for m := 1; m <= 6; m++ {
		for offsets := 1; offsets <= 7; offsets++ {
			for k, n := range []int{1, 5, 8, 9, 15, 16, 17, 31, 32, 50, 75} {
				shapes = append(shapes, shape{m, offsets, n, 1 + (m+offsets+k)%3})
			}
		}
	}
	// Sums that rest in memory between blocks of runs, and between blocks of offsets.
	shapes = append(shapes, shape{5, 9, 75, 60}, shape{7, 140, 2105, 3}, shape{1, 400, 1000, 9}, shape{2, 2, 4000, 5})
	for _, edge := range []float64{0, 0.001, 0.3} {
		eachLevel(t, func(t *testing.T) {
			r := newRand(uint64(edge*1000) + 9)
			for _, s := range shapes {
				gStep, xStep := s.n+r.IntN(4), r.IntN(20)
				gRow := s.runs * gStep
				g := Runs{values(r, s.m*gRow+1, edge)[1:], gStep}
				x := Runs{values(r, 40+(s.runs-1)*xStep+s.n, edge), xStep}
				off := make([]int, s.offsets)
				for k := range off {
					off[k] = r.IntN(41)
				}
				got := values(r, s.m*(s.offsets+1), edge)
				want := append([]float32(nil), got...)
				Dots(Matrix{got, s.offsets + 1}, g, gRow, x, off, s.m, s.n, s.runs)
				portable(func() { Dots(Matrix{want, s.offsets + 1}, g, gRow, x, off, s.m, s.n, s.runs) })
				wantSame(t, fmt.Sprintf("%+v", s), got, want)
			}
		})
	}
}

// The portable kernel sums what the definition says, in its order.
func TestDotsDefinition(t *testing.T) {
	portable(func() {
		r := newRand(1)
		for range 50 {
			n, runs := 1+r.IntN(40), 1+r.IntN(3)
			g, x := Runs{values(r, n*runs, 0), n}, Runs{values(r, n*runs+2, 0), n}
			got := []float32{3, 4}
			want := []float32{3, 4}
			for t, o := range []int{0, 2} {
				var s [16]float32
				for i := range runs {
					for j := range n {
						s[j%16] += float32(g.Data[i*n+j] * x.Data[o+i*n+j])
					}
				}
				var e [8]float32
				for k := range e {
					e[k] = s[k] + s[k+8]
				}
				want[t] += ((e[0] + e[4]) + (e[2] + e[6])) + ((e[1] + e[5]) + (e[3] + e[7]))
			}
			Dots(Matrix{got, 2}, g, 0, x, []int{0, 2}, 1, n, runs)
			wantSame(t, "dots", got, want)
		}
	})
}
