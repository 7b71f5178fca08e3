package approx

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// fitCase is a case of testdata/fits.json, made in 40 digits by mpmath 1.2.1; see
// testdata/fits.py.
type fitCase struct {
	Function     string
	Method       Method
	Degree       int
	Interval     [2]float64
	Coefficients []string
	Worst        string
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Fits agree with 40 digits to within 2^-40 of the function's scale at every
// point: terms a_k x^k of degree 15 reach 2^11 on [-8, 8], and both sides round
// each coefficient to 53 bits. The minimax fit stops within 1e-9 of the least
// error.
func TestFitsAgainstVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/fits.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []fitCase }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 100 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	worstOff := map[Method]float64{}
	for _, c := range file.Cases {
		iv := Interval{c.Interval[0], c.Interval[1]}
		p, err := Fit(c.Function, c.Method, c.Degree, iv)
		if err != nil {
			t.Error(err)
			continue
		}
		want := make([]float64, len(c.Coefficients))
		for k, s := range c.Coefficients {
			want[k] = number(t, s)
		}
		if len(p.Coefficients) != len(want) {
			t.Fatalf("%s %s: %d coefficients", c.Function, c.Method, len(p.Coefficients))
		}
		scale, off := 1.0, 0.0
		f, _ := Lookup(c.Function)
		for i := range 201 {
			x := iv.at(float64(i-100) / 100)
			scale = math.Max(scale, math.Abs(f.Eval(x)))
			off = math.Max(off, math.Abs(p.Eval(x)-horner(want, x)))
		}
		if c.Method == Taylor { // it grows far beyond the function
			for _, x := range []float64{iv.Lo, iv.Hi} {
				scale = math.Max(scale, math.Abs(horner(want, x)))
			}
		}
		worstOff[c.Method] = math.Max(worstOff[c.Method], off/scale)
		tolerance := 0x1p-40 * scale
		if c.Method == Minimax {
			tolerance = 1e-9 * scale
			least := number(t, c.Worst)
			if !(math.Abs(p.Worst-least) <= 2e-9*least+0x1p-40*scale) || !(p.Least <= least*(1+0x1p-50)) {
				t.Errorf("%s, degree %d on %v: worst %v, at least %v; want %v", c.Function, c.Degree, iv, p.Worst, p.Least, least)
			}
		}
		if !(off <= tolerance) {
			t.Errorf("%s, %s, degree %d on %v: off by %v, tolerance %v\n got %v\nwant %v", c.Function, c.Method, c.Degree, iv, off, tolerance, p.Coefficients, want)
		}
	}
	t.Log("largest difference, relative:", worstOff)
}
