package approx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func fit(t testing.TB, function string, m Method, d int, lo, hi float64) *Polynomial {
	t.Helper()
	p, err := Fit(function, m, d, Interval{lo, hi})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// The best quadratic for |x| on [-1, 1] is x^2 + 1/8, with error 1/8 at 0, +-1/2
// and +-1; relu is (x + |x|)/2. The best constant for |x| is 1/2.
func TestMinimaxOfKink(t *testing.T) {
	for d, want := range map[int][]float64{
		1: {0.25, 0.5},
		2: {1.0 / 16, 0.5, 0.5},
		3: {1.0 / 16, 0.5, 0.5, 0}, // |x| is even: a cube does not help
	} {
		p := fit(t, "relu", Minimax, d, -1, 1)
		for k, a := range p.Coefficients {
			if !near(a, want[k], 1e-9) || want[k] == 0 && a != 0 {
				t.Errorf("degree %d: coefficients %v, want %v", d, p.Coefficients, want)
			}
		}
		if !near(p.Worst, want[0], 1e-9) || !near(p.Least, want[0], 1e-9) {
			t.Errorf("degree %d: worst %v, least %v, want %v", d, p.Worst, p.Least, want[0])
		}
	}
	// Scaling x and y by r scales the error; the kink off the middle.
	if a, b := fit(t, "relu", Minimax, 5, -1, 1), fit(t, "relu", Minimax, 5, -64, 64); !near(b.Worst, 64*a.Worst, 1e-7) {
		t.Errorf("worst error %v on [-64, 64], %v on [-1, 1]", b.Worst, a.Worst)
	}
	// A straight piece alone is its own approximation.
	for _, lo := range []float64{1, -5} {
		if p := fit(t, "relu", Minimax, 4, lo, lo+3); p.Worst > 1e-13 || p.Least != 0 {
			t.Errorf("on [%v, %v]: worst %v, least %v", lo, lo+3, p.Worst, p.Least)
		}
	}
}

// The polynomial of degree n-1 nearest to x^n on [-1, 1] leaves T_n/2^(n-1).
func TestMinimaxLeavesChebyshev(t *testing.T) {
	for n := 2; n <= 12; n++ {
		f := &Function{Name: "power", Eval: func(x float64) float64 { return math.Pow(x, float64(n)) }, parity: n % 2}
		// On [-1, 1] the parity halves the problem; on [-1, 3] nothing does, and
		// x = 1 + 2t has leading power 2^n t^n; there x^n reaches 5e5, and the bound
		// leaves out what that rounds to.
		for _, c := range []struct{ hi, want, slack float64 }{{1, math.Pow(2, float64(1-n)), 1e-12}, {3, 2, 1e-7}} {
			iv := Interval{-1, c.hi}
			_, least, err := minimax(f, n-1, iv)
			if err != nil || !near(least, c.want, 2e-9*c.want+c.slack) {
				t.Errorf("degree %d on %v: least error %v, want %v (%v)", n-1, iv, least, c.want, err)
			}
		}
	}
}

// The best line for exp on [-1, 1] has slope b = sinh 1; its error is levelled
// at -1, log b and 1: (e - 2b + b log b)/2.
func TestMinimaxLineOfExp(t *testing.T) {
	iv := Interval{-1, math.Nextafter(1, 2)} // exp is neither odd nor even
	b := math.Sinh(1)
	want := (math.E - 2*b + b*math.Log(b)) / 2
	c, least, err := minimax(&Function{Name: "exp", Eval: math.Exp}, 1, iv)
	if err != nil || !near(least, want, 1e-9) || !near(c[1], b, 1e-9) {
		t.Errorf("coefficients %v, least %v, %v; want slope %v, error %v", c, least, err, b, want)
	}
}

// Taylor series at 0 by hand.
func TestTaylorByHand(t *testing.T) {
	for name, want := range map[string][]float64{
		"sigmoid":  {0.5, 0.25, 0, -1.0 / 48, 0, 1.0 / 480},
		"tanh":     {0, 1, 0, -1.0 / 3, 0, 2.0 / 15},
		"silu":     {0, 0.5, 0.25, 0, -1.0 / 48, 0},
		"softplus": {math.Ln2, 0.5, 1.0 / 8, 0, -1.0 / 192, 0},
		"gelu":     {0, 0.5, 1 / math.Sqrt(2*math.Pi), 0, -1 / (6 * math.Sqrt(2*math.Pi)), 0},
	} {
		p := fit(t, name, Taylor, 5, -2, 2)
		for k := range want {
			if !near(p.Coefficients[k], want[k], 1e-15) || want[k] == 0 && p.Coefficients[k] != 0 {
				t.Errorf("%s: %v, want %v", name, p.Coefficients, want)
			}
		}
	}
}

// Each method is best at what it promises: the interpolant meets the function
// at its nodes, least squares has the least RMS, minimax the least worst error,
// and Taylor's is closest to the centre.
func TestMethodsKeepTheirPromise(t *testing.T) {
	for _, name := range Names() {
		f, _ := Lookup(name)
		for _, iv := range []Interval{{-4, 4}, {-2, 7}} {
			const d = 5
			all := map[Method]*Polynomial{}
			for _, m := range Methods() {
				if m != Taylor || f.series != nil {
					all[m] = fit(t, name, m, d, iv.Lo, iv.Hi)
				}
			}
			for m, p := range all {
				if p.Worst < all[Minimax].Worst*(1-1e-9) || p.Worst < all[Minimax].Least {
					t.Errorf("%s on %v: %s has worst error %v, minimax %v", name, iv, m, p.Worst, all[Minimax].Worst)
				}
				if p.RMS < all[LeastSquares].RMS*(1-1e-9) {
					t.Errorf("%s on %v: %s has RMS %v, least squares %v", name, iv, m, p.RMS, all[LeastSquares].RMS)
				}
				if !(p.RMS <= p.Worst) || math.Abs(p.Eval(p.WorstAt)-f.Eval(p.WorstAt)) != p.Worst {
					t.Errorf("%s on %v: %s: worst %v at %v, RMS %v", name, iv, m, p.Worst, p.WorstAt, p.RMS)
				}
			}
			for j := range d + 1 {
				x := iv.at(math.Cos(math.Pi * (float64(j) + 0.5) / (d + 1)))
				if e := all[Chebyshev].Eval(x) - f.Eval(x); !near(e, 0, 1e-13) {
					t.Errorf("%s on %v: the interpolant is off by %v at its node %v", name, iv, e, x)
				}
			}
			if p := all[Taylor]; p != nil {
				x := iv.centre() + 0.01
				if e := p.Eval(x) - f.Eval(x); !near(e, 0, 1e-11) {
					t.Errorf("%s on %v: Taylor's is off by %v next to the centre", name, iv, e)
				}
			}
		}
	}
}

// The error of the minimax fit takes its worst value at degree+2 points or more
// with alternating signs, counted on an even grid of the test's own.
func TestMinimaxEquioscillates(t *testing.T) {
	for _, name := range Names() {
		f, _ := Lookup(name)
		for _, c := range []struct {
			d      int
			lo, hi float64
		}{{3, -4, 4}, {4, -4, 4}, {7, -6, 6}, {2, -1, 1}, {5, -3, 7}, {4, -8, 2}} {
			p := fit(t, name, Minimax, c.d, c.lo, c.hi)
			turns, sign := 0, 0.0
			for i := range 200001 {
				x := c.lo + (c.hi-c.lo)*float64(i)/200000
				e := p.Eval(x) - f.Eval(x)
				if math.Abs(e) > p.Worst {
					t.Fatalf("%s %v: error %v at %v passes the worst %v", name, c, e, x, p.Worst)
				}
				if math.Abs(e) > p.Worst*(1-1e-6) && e*sign <= 0 {
					turns++
					sign = e
				}
			}
			if turns < c.d+2 {
				t.Errorf("%s %v: the error alternates at %d points, want %d", name, c, turns, c.d+2)
			}
		}
	}
}

// On any interval: no error beyond the stated worst, a lower bound below it,
// more degrees never worse, and symmetric intervals give exact zeros.
func TestFitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(Names()).Draw(t, "function")
		d := rapid.IntRange(1, 10).Draw(t, "degree")
		lo, width := rapid.Float64Range(-20, 10).Draw(t, "lo"), rapid.Float64Range(0.5, 30).Draw(t, "width")
		hi := lo + width
		if rapid.Bool().Draw(t, "symmetric") {
			lo, hi = -width, width
		}
		m := rapid.SampledFrom([]Method{Chebyshev, LeastSquares, Minimax}).Draw(t, "method")
		f, _ := Lookup(name)
		p, err := Fit(name, m, d, Interval{lo, hi})
		if err != nil {
			if !strings.Contains(err.Error(), "powers of x cancel") || lo == -hi {
				t.Fatal(err)
			}
			return
		}
		x := rapid.Float64Range(lo, hi).Draw(t, "x")
		// A point between the search's may be higher by its refinement: 2^-30.
		if e := math.Abs(p.Eval(x) - f.Eval(x)); e > p.Worst*(1+0x1p-30)+1e-13 {
			t.Fatalf("error %v at %v passes the worst %v", e, x, p.Worst)
		}
		if p.Least > p.Worst {
			t.Fatalf("bound %v passes the worst error %v", p.Least, p.Worst)
		}
		if lo == -hi {
			for k, a := range p.Coefficients {
				if k > 1 && k%2 != f.parity && a != 0 {
					t.Fatalf("coefficient %d is %v", k, a)
				}
			}
		}
	})
}

func TestWidestAndNarrowest(t *testing.T) {
	for _, name := range Names() {
		for _, m := range []Method{Chebyshev, LeastSquares, Minimax} {
			for _, d := range []int{1, 2, MaxDegree} {
				for _, r := range []float64{MaxMagnitude, MinWidth / 2} {
					fit(t, name, m, d, -r, r)
				}
			}
		}
	}
}

func TestFitErrors(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		function string
		method   Method
		degree   int
		lo, hi   float64
		want     string
	}{
		{"swish", Minimax, 3, -1, 1, `function "swish" is unknown: want one of sigmoid, tanh, relu, silu, gelu, softplus`},
		{"tanh", "pade", 3, -1, 1, `method "pade" is unknown: want one of taylor, chebyshev, leastsquares, minimax`},
		{"tanh", MethodHistogram, 3, -1, 1, `method "histogram" is unknown`},
		{"tanh", Minimax, 0, -1, 1, "degree 0 is outside 1..15"},
		{"tanh", Minimax, 16, -1, 1, "degree 16 is outside 1..15"},
		{"tanh", Minimax, 3, 1, -1, "interval [1, -1]: its width -2 is below 0.001"},
		{"tanh", Minimax, 3, 1, 1, "width 0"},
		{"tanh", Minimax, 3, nan, 1, "NaN is outside +-10000"},
		{"tanh", Minimax, 3, 0, math.Inf(1), "+Inf is outside"},
		{"tanh", Minimax, 3, -10001, 0, "-10001 is outside"},
		{"relu", Taylor, 3, -1, 1, "relu has no Taylor polynomial: it has a kink at [0]"},
		{"tanh", Minimax, 15, 12.9, 13.4, "powers of x cancel there: float64 coefficients are off by"},
	} {
		p, err := Fit(c.function, c.method, c.degree, Interval{c.lo, c.hi})
		if err == nil || !strings.HasPrefix(err.Error(), "approx: ") || !strings.Contains(err.Error(), c.want) || p != nil {
			t.Errorf("%v: %v, error %v, want %q", c, p, err, c.want)
		}
	}
}

// Even counts are the uniform density.
func TestFitHistogramOfEvenCounts(t *testing.T) {
	for _, iv := range []Interval{{-4, 4}, {-1, 5}} {
		p, err := FitHistogram("sigmoid", 5, Histogram{iv, slices.Repeat([]float64{7}, 64)})
		if err != nil {
			t.Fatal(err)
		}
		want := fit(t, "sigmoid", LeastSquares, 5, iv.Lo, iv.Hi)
		for k := range want.Coefficients {
			if !near(p.Coefficients[k], want.Coefficients[k], 1e-12) {
				t.Errorf("on %v: %v, want %v", iv, p.Coefficients, want.Coefficients)
			}
		}
		if p.Method != MethodHistogram {
			t.Errorf("method %s", p.Method)
		}
	}
}

// The fit is better where the counts are, and worse elsewhere.
func TestFitHistogramFollowsCounts(t *testing.T) {
	counts := make([]float64, 100)
	for i := range counts {
		x := (float64(i) + 0.5 - 70) / 8
		counts[i] = math.Exp(-x * x)
	}
	h := Histogram{Interval{-5, 5}, counts}
	p, err := FitHistogram("relu", 4, h)
	if err != nil {
		t.Fatal(err)
	}
	u := fit(t, "relu", LeastSquares, 4, -5, 5)
	mean := func(p *Polynomial) float64 {
		sum := 0.0
		for i, c := range counts {
			x := -5 + (float64(i)+0.5)/10
			e := p.Eval(x) - math.Max(x, 0)
			sum += c * e * e
		}
		return sum
	}
	if !(mean(p) < 0.5*mean(u)) || !(p.RMS > u.RMS) {
		t.Errorf("weighted error %v and RMS %v, of the uniform fit %v and %v", mean(p), p.RMS, mean(u), u.RMS)
	}
}

func TestFitHistogramErrors(t *testing.T) {
	iv := Interval{-1, 1}
	point := make([]float64, 1<<14)
	point[5] = 1
	for _, c := range []struct {
		h    Histogram
		want string
	}{
		{Histogram{iv, nil}, "no value lies in [-1, 1]"},
		{Histogram{iv, []float64{0, 0}}, "no value lies in [-1, 1]"},
		{Histogram{iv, []float64{1, -1}}, "count -1 of bin 1"},
		{Histogram{iv, []float64{math.NaN()}}, "count NaN of bin 0"},
		{Histogram{iv, point}, "the values lie too close together for degree 3"},
		{Histogram{Interval{1, 1}, []float64{1}}, "width 0"},
	} {
		if _, err := FitHistogram("tanh", 3, c.h); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestHorner(t *testing.T) {
	// (x - 1)^7 in powers of x at 1 + 2^-10: plain Horner loses every digit of 2^-70.
	a := []float64{-1, 7, -21, 35, -35, 21, -7, 1}
	if got := horner(a, 1+0x1p-10); !near(got, 0x1p-70, 0x1p-95) {
		t.Errorf("%v, want 2^-70", got)
	}
	if got := horner([]float64{1, 2, 3}, 2); got != 17 {
		t.Errorf("%v, want 17", got)
	}
}
