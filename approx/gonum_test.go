package approx

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
)

// onAMD64 skips elsewhere: there gonum's sums are fused or in another order.
func onAMD64(t *testing.T) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("gonum rounds otherwise here")
	}
}

func TestLegendreAsGonum(t *testing.T) {
	onAMD64(t)
	for n := 1; n <= MaxDegree+1; n++ {
		for _, iv := range []Interval{{-1, 1}, {0.25, 7}, {-1e4, 1e4}} {
			wantX, wantW := make([]float64, n), make([]float64, n)
			quad.Legendre{}.FixedLocations(wantX, wantW, iv.Lo, iv.Hi)
			if x, w := legendre(nil, nil, n, iv.Lo, iv.Hi); !slices.Equal(x, wantX) || !slices.Equal(w, wantW) {
				t.Errorf("%d points on %v: %v, %v, want %v, %v", n, iv, x, w, wantX, wantW)
			}
		}
	}
}

// matrix is of m by n values: Chebyshev polynomials at points that lie close
// together, or numbers of many magnitudes.
func matrix(r *rand.Rand, m, n int) []float64 {
	a := make([]float64, 0, m*n)
	structured := r.IntN(2) == 0
	for range m {
		t := 2*r.Float64() - 1
		for k := range n {
			if structured {
				a = append(a, chebyshev(k, t))
			} else {
				a = append(a, (2*r.Float64()-1)*math.Exp2(float64(r.IntN(20)-10)))
			}
		}
	}
	return a
}

func TestLeastSolutionAsGonum(t *testing.T) {
	onAMD64(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := 1 + r.IntN(MaxDegree+1)
		m := n + r.IntN(200)
		a, b := matrix(r, m, n), matrix(r, m, 1)
		var qr mat.QR
		qr.Factorize(mat.NewDense(m, n, slices.Clone(a)))
		var want mat.VecDense
		if err := qr.SolveVecTo(&want, false, mat.NewVecDense(m, slices.Clone(b))); err != nil {
			continue
		}
		x, condition := leastSolution(a, b, n)
		if !slices.Equal(x, want.RawVector().Data) {
			t.Fatalf("%d by %d: %v, want %v", m, n, x, want.RawVector().Data)
		}
		// Gonum's is an estimate from below.
		if q := condition / qr.Cond(); q < 1-1e-9 || q > 3 {
			t.Errorf("%d by %d: condition %v, gonum estimates %v", m, n, condition, qr.Cond())
		}
	}
}

func TestSolutionAsGonum(t *testing.T) {
	onAMD64(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		n := 1 + r.IntN(MaxDegree+2)
		a, b := matrix(r, n, n), matrix(r, n, 1)
		var want mat.VecDense
		if err := want.SolveVec(mat.NewDense(n, n, slices.Clone(a)), mat.NewVecDense(n, slices.Clone(b))); err != nil {
			continue
		}
		x, err := solution(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x, want.RawVector().Data) {
			t.Fatalf("%d: %v, want %v", n, x, want.RawVector().Data)
		}
	}
}

func TestSingular(t *testing.T) {
	if _, err := solution([]float64{1, 2, 2, 4}, []float64{1, 1}); err == nil {
		t.Error("solved a singular system")
	}
	if _, err := solution([]float64{1, 1, 1, 1 + 0x1p-52}, []float64{1, 1}); err == nil {
		t.Error("solved a system that cannot be told from a singular one")
	}
	if _, condition := leastSolution([]float64{1, 0, 1, 0, 1, 0}, []float64{1, 2, 3}, 2); !math.IsInf(condition, 1) {
		t.Error("fitted a column of zeros")
	}
}
