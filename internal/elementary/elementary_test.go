package elementary

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"golang.org/x/sys/cpu"
)

var functions = []struct {
	name         string
	ours, theirs func(float64) float64
	lo, hi       float64
}{
	{"Exp", Exp, math.Exp, -760, 720},
	{"Log", Log, math.Log, 0, 1e300},
	{"Log2", Log2, math.Log2, 0, 1e300},
	{"Log10", Log10, math.Log10, 0, 1e300},
	{"Log1p", Log1p, math.Log1p, -1, 1e300},
	{"Tanh", Tanh, math.Tanh, -50, 50},
	{"Cos", Cos, math.Cos, -1e6, 1e6},
	{"Exp2", Exp2, math.Exp2, -1100, 1100},
	{"Cbrt", Cbrt, math.Cbrt, -1e300, 1e300},
	{"LogGamma", LogGamma, func(x float64) float64 { y, _ := math.Lgamma(x); return y }, 0, 1e300},
	{"Erfc", Erfc, math.Erfc, -7, 29},
}

// arguments are values of every magnitude within [lo, hi], its ends, and the
// values at which some function changes its formula.
func arguments(lo, hi float64, n int) []float64 {
	x := []float64{lo, hi}
	for _, at := range []float64{0, 0.5, 1, 1.5, 2, math.Sqrt2 / 2, math.Sqrt2, math.Sqrt2 - 1, 0.625, 0.84375, 1.25, 0.25, 1 / 0.35, 6, 28, math.Pi / 4, math.Pi / 2, math.Ln2 / 2,
		7.09782712893384e+02, -708.3964185322641, -745.1332191019411, 0x1p-20, 0x1p-29, 0x1p-54, 0x1p-56, 44.014845965556525} {
		for _, v := range []float64{at, -at} {
			x = append(x, v, math.Nextafter(v, math.Inf(1)), math.Nextafter(v, math.Inf(-1)))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		u := r.Float64()
		magnitude := math.Ldexp(1+r.Float64(), -60+r.IntN(60+1+int(math.Ilogb(max(math.Abs(lo), hi)))))
		if r.IntN(2) == 0 {
			magnitude = -magnitude
		}
		x = append(x, lo/2+float64(u*(hi/2-lo/2)), magnitude)
	}
	kept := x[:0]
	for _, v := range x {
		// Below the normal range Go's assembly of Log is not a logarithm.
		if v >= lo && v <= hi && (v == 0 || math.Abs(v) >= 0x1p-1022) {
			kept = append(kept, v)
		}
	}
	return kept
}

// Where package math is what the package comment names, values are equal to its.
func TestAsMath(t *testing.T) {
	if runtime.GOARCH != "amd64" || !cpu.X86.HasFMA {
		t.Skip("package math has other values here")
	}
	for _, f := range functions {
		for _, x := range append(arguments(f.lo, f.hi, 200_000), math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)) {
			if (f.name == "Cos" && math.IsInf(x, 0)) || (f.name == "LogGamma" && x < 0) {
				continue
			}
			if got, want := f.ours(x), f.theirs(x); math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("%s(%v) = %v, want %v", f.name, x, got, want)
			}
		}
	}
	edges := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -0.5, 2, 3, -3, 0x1p63, 0x1p64, math.Inf(1), math.Inf(-1), math.NaN()}
	values := append(arguments(-1e3, 1e3, 600), edges...)
	for _, x := range values {
		for _, y := range values {
			if got, want := Hypot(x, y), math.Hypot(x, y); math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("Hypot(%v, %v) = %v, want %v", x, y, got, want)
			}
			if got, want := Pow(x, y), math.Pow(x, y); math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("Pow(%v, %v) = %v, want %v", x, y, got, want)
			}
		}
	}
}

// The values are these on every processor.
func TestSameEverywhere(t *testing.T) {
	h := sha256.New()
	write := func(y float64) {
		if math.IsNaN(y) {
			y = math.Inf(-1) // a NaN's payload is not promised
		}
		_ = binary.Write(h, binary.LittleEndian, y)
	}
	for _, f := range functions {
		for _, x := range arguments(f.lo, f.hi, 2000) {
			write(f.ours(x))
		}
	}
	for _, x := range arguments(0, 100, 30) {
		for _, y := range arguments(-10, 10, 30) {
			write(Pow(x, y))
		}
	}
	const want = "5791a0807a0825781910f1d0f99b5ca402a6f0a86f022cd6aea3765c69f22ec3"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("values have hash %s, want %s", got, want)
	}
}

// Log undoes Exp to the last bit but one.
func TestInverses(t *testing.T) {
	for _, x := range arguments(-700, 700, 10_000) {
		if got := Log(Exp(x)); math.Abs(got-x) > 0x1p-52*max(1, math.Abs(x)) {
			t.Errorf("Log(Exp(%v)) = %v", x, got)
		}
	}
}
