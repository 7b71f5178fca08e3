package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// lengths fill no vector, some, and leave every kind of rest.
var lengths = []int{0, 1, 7, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 128, 129, 257}

// vectorKernels are all kernels on plain slices, as functions of dst, which is
// read too, and two inputs.
func vectorKernels() map[string]func(dst, x, y []float32) {
	c := []float32{0.5, -1, 0.25, 2}
	g := Grid{Scale: 0.3, Lo: -7, Hi: 8}
	return map[string]func(dst, x, y []float32){
		"add":               func(dst, x, _ []float32) { Add(dst, x) },
		"mul":               Mul,
		"square":            func(dst, x, _ []float32) { Square(dst, x) },
		"square in place":   func(dst, _, _ []float32) { Square(dst, dst) },
		"square gradient":   SquareGrad,
		"polynomial":        func(dst, x, _ []float32) { Polynomial(dst, x, c) },
		"constant":          func(dst, x, _ []float32) { Polynomial(dst, x, c[:1]) },
		"polynomial grad":   func(dst, x, y []float32) { PolynomialGrad(dst, x, y, c[:3]) },
		"relu":              func(dst, x, _ []float32) { ReLU(dst, x) },
		"relu gradient":     ReLUGrad,
		"sigmoid":           func(dst, x, _ []float32) { Sigmoid(dst, x) },
		"sigmoid gradient":  SigmoidGrad,
		"tanh":              func(dst, x, _ []float32) { Tanh(dst, x) },
		"tanh gradient":     TanhGrad,
		"quantize":          func(dst, x, _ []float32) { g.Quantize(dst, x) },
		"quantize from 0":   func(dst, x, _ []float32) { Grid{0.5, 0, 15}.Quantize(dst, x) },
		"quantize to 0":     func(dst, x, _ []float32) { Grid{0x1p-126, -15, 0}.Quantize(dst, x) },
		"quantize gradient": func(dst, x, y []float32) { g.QuantizeGrad(dst, x, y, 1/g.Scale) },
		"scale gradient":    func(dst, x, y []float32) { reduce(dst, g.ScaleGradient(x, y)) },
		"of two bits":       func(dst, x, y []float32) { reduce(dst, Grid{0.25, -1, 1}.ScaleGradient(x, y)) },
		"in place":          func(dst, _, y []float32) { g.QuantizeGrad(dst, dst, y, 3) },
		"sum":               func(dst, x, _ []float32) { reduce(dst, float64(Sum(x))) },
		"sum of squares":    func(dst, x, _ []float32) { reduce(dst, SumSquares(x)) },
		"largest":           func(dst, x, _ []float32) { reduce(dst, float64(AbsMax(x))) },
		"sums of products": func(dst, x, y []float32) {
			var s Sums
			s.Add(x, y, 0.3, -1.7)
			s.Add(y, y, 0, 0.1) // a second stretch
			sum, product := s.Totals()
			reduce(dst, sum)
			reduce(dst[:len(dst)/2], product)
		},
		"affine":           func(dst, x, _ []float32) { Affine(dst, x, 0.7, -1e-3) },
		"in place too":     func(dst, _, _ []float32) { Affine(dst, dst, -3, 0.1) },
		"affine of two":    func(dst, x, y []float32) { Affine2(dst, x, y, 0.7, -1.1, 0.3) },
		"affine of itself": func(dst, x, _ []float32) { Affine2(dst, dst, x, 0.7, -1.1, 0.3) },
		"adam": func(dst, x, y []float32) {
			v := slices.Clone(y)
			for i := range v {
				v[i] = float32(math.Abs(float64(v[i])))
			}
			m := slices.Clone(x)
			AdamStep{0.01, 0.9, 0.1, 0.999, 0.001, 1.5, 1e-8, 0.5}.Apply(dst, m, v, y)
			for i := range dst {
				dst[i] = pick(i, dst[i], m[i], v[i])
			}
		},
	}
}

// reduce puts a float64's bits where wantSame sees them.
func reduce(dst []float32, x float64) {
	if len(dst) > 1 {
		b := math.Float64bits(x)
		if x != x {
			b = math.Float64bits(math.NaN())
		}
		// halves that are no NaN as float32
		dst[0], dst[1] = float32(b>>40), float32(b<<24>>40)
		if len(dst) > 2 {
			dst[2] = float32(b & 0xffff)
		}
	}
}

func pick(i int, v ...float32) float32 { return v[i%len(v)] }

func TestVectorKernels(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for name, f := range vectorKernels() {
			for _, edge := range []float64{0, 0.1, 1} {
				r := newRand(3)
				for _, n := range lengths {
					for offset := range 2 {
						at := func() []float32 { return values(r, n+offset, edge)[offset:] }
						got, x, y := at(), at(), at()
						for i := range x { // ties of rounding, and both sides of clamps
							if r.IntN(3) == 0 {
								x[i] = float32(r.IntN(41)-20) / 4
							}
						}
						want := slices.Clone(got)
						f(got, x, y)
						portable(func() { f(want, x, y) })
						wantSame(t, fmt.Sprintf("%s, %d values, %v edges", name, n, edge), got, want)
					}
				}
			}
		}
	})
}

func TestLengthsMustFit(t *testing.T) {
	for name, f := range vectorKernels() {
		if name == "sum" || name == "sum of squares" || name == "largest" || name == "square in place" || name == "in place" || name == "in place too" || name == "adam" {
			continue
		}
		wantPanic(t, name, func() { f(make([]float32, 20), make([]float32, 19), make([]float32, 20)) })
	}
}

// Sums in lanes are near the true sum.
func TestSums(t *testing.T) {
	r := newRand(2)
	for _, n := range lengths {
		x := values(r, n, 0)
		sum, squares, largest := 0.0, 0.0, 0.0
		for _, a := range x {
			sum += float64(a)
			squares += float64(a) * float64(a)
			largest = max(largest, math.Abs(float64(a)))
		}
		if got := float64(Sum(x)); math.Abs(got-sum) > 1e-5*math.Sqrt(float64(n)) {
			t.Errorf("sum of %d is %v, want %v", n, got, sum)
		}
		if got := SumSquares(x); math.Abs(got-squares) > 1e-12*squares {
			t.Errorf("squares of %d are %v, want %v", n, got, squares)
		}
		if got := AbsMax(x); float64(got) != largest {
			t.Errorf("largest of %d is %v, want %v", n, got, largest)
		}
	}
	for _, n := range lengths {
		x, y := values(r, n, 0), values(r, n, 0)
		const a, b = 0.25, -3.0
		var s Sums
		sum, product, largest := 0.0, 0.0, 1.0
		for range 2 { // stretches add up
			s.Add(x, y, a, b)
			for i := range x {
				sum += float64(y[i]) - b
				product += (float64(x[i]) - a) * (float64(y[i]) - b)
				largest += math.Abs((float64(x[i]) - a) * (float64(y[i]) - b))
			}
		}
		if gotSum, gotProduct := s.Totals(); math.Abs(gotSum-sum) > 1e-12*largest || math.Abs(gotProduct-product) > 1e-12*largest {
			t.Errorf("sums of %d are %v and %v, want %v and %v", n, gotSum, gotProduct, sum, product)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, n := range lengths[1:] {
			x := make([]float32, n)
			x[r.IntN(n)] = float32(bad)
			if got := float64(AbsMax(x)); !math.IsInf(got, 0) && got == got {
				t.Errorf("largest of %v is %v", x, got)
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand(4)
		for _, rows := range []int{0, 1, 7, 8, 9, 17, 50} {
			for _, columns := range []int{0, 1, 7, 8, 15, 16, 50, 785} {
				x, got := values(r, rows*columns, 0.5), values(r, rows*columns, 0)
				want := make([]float32, len(x))
				for i, a := range x {
					want[i%columns*rows+i/columns] = a
				}
				Transpose(got, x, rows, columns)
				wantSame(t, fmt.Sprint(rows, columns), got, want)
			}
		}
	})
}

func TestPool(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand(6)
		for _, n := range []int{1, 5, 8, 9, 15, 16, 17, 32, 50} {
			for count := 1; count <= 3; count++ {
				for taps := 1; taps <= 4; taps++ {
					y := Runs{nil, n + r.IntN(3)}
					x := Runs{nil, r.IntN(2 * n)}
					var offsets []int
					for _, k := range r.Perm(6)[:taps] {
						offsets = append(offsets, k*n+k)
					}
					size := (count-1)*x.Step + 6*n + 6
					factor := values(r, 1, 0.2)[0]
					checkPool(t, r, x, y, offsets, n, count, size, factor)
				}
			}
		}
	})
}

func checkPool(t *testing.T, r *rand.Rand, x, y Runs, offsets []int, n, count, size int, factor float32) {
	t.Helper()
	what := fmt.Sprint(n, count, len(offsets))
	x.Data, y.Data = values(r, size, 0.1), values(r, count*y.Step, 0.1)
	want := Runs{slices.Clone(y.Data), y.Step}
	Pool(y, x, offsets, n, count, factor)
	for i := range count {
		for j := range n {
			s := float32(0)
			for _, o := range offsets {
				s += x.Data[i*x.Step+o+j]
			}
			want.Data[i*y.Step+j] = s * factor
		}
	}
	wantSame(t, "pool "+what, y.Data, want.Data)
	for _, add := range []bool{false, true} {
		got, want := Runs{slices.Clone(x.Data), x.Step}, Runs{slices.Clone(x.Data), x.Step}
		PoolGrad(got, y, offsets, n, count, factor, add)
		portable(func() { PoolGrad(want, y, offsets, n, count, factor, add) })
		wantSame(t, fmt.Sprint("pool gradient ", add, what), got.Data, want.Data)
	}
}
