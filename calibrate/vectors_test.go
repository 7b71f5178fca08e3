package calibrate

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"qtool/quant"
)

// vectors is testdata/observers.json, made by CPython 3.11 from direct
// definitions on the raw values; see testdata/observers.py.
type vectors struct {
	Percentile []struct {
		Values          []float32
		Ramp            int
		Percent, Lo, Hi float64
	}
	MSE []struct {
		Values []float32
		Bits   int
		Error  float64
	}
	KL []struct {
		Values             []float32
		Bits               int
		Lo, Hi, Divergence float64
	}
	Scale []struct {
		Weights []float32
		Top     int
		Error   float64
	}
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/observers.json")
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Percentile) < 8 || len(v.MSE) < 5 || len(v.KL) < 4 || len(v.Scale) < 16 {
		t.Fatalf("%d, %d, %d and %d cases", len(v.Percentile), len(v.MSE), len(v.KL), len(v.Scale))
	}
	return v
}

// observe feeds values to a fresh observer, in two batches.
func observe(t fataler, c InputConfig, values []float32) Observer {
	t.Helper()
	o, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]float32{values[:len(values)/3], values[len(values)/3:]} {
		if err := o.Observe(part); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func rangeOf(t fataler, o Observer) (lo, hi float64) {
	t.Helper()
	a, b, err := o.Range()
	if err != nil {
		t.Fatal(err)
	}
	return float64(a), float64(b)
}

// The range holds the exact percentiles and goes beyond by at most a bin.
func TestPercentileVectors(t *testing.T) {
	for i, c := range readVectors(t).Percentile {
		for j := range c.Ramp {
			c.Values = append(c.Values, float32(float64(j*7919%c.Ramp)/float64(c.Ramp)))
		}
		for _, bins := range []int{64, 2048, MaxBins} {
			o := observe(t, InputConfig{Bits: 4, Observer: "percentile", Percentile: c.Percent, Bins: bins}, c.Values)
			lo, hi := rangeOf(t, o)
			w := o.(*Percentile).width()
			if !(lo <= c.Lo && lo > c.Lo-w && hi >= c.Hi && hi <= c.Hi+w) {
				t.Errorf("case %d, %d bins of %v: range [%v, %v], exact [%v, %v]", i, bins, w, lo, hi, c.Lo, c.Hi)
			}
		}
	}
}

// squaredError is what a range's grid loses of the raw values.
func squaredError(t fataler, values []float32, lo, hi float64, bits int) float64 {
	t.Helper()
	p, err := quant.Affine(float32(lo), float32(hi), quant.BitWidth(bits))
	if err != nil {
		t.Fatal(err)
	}
	e := 0.0
	for _, v := range values {
		d := float64(v) - float64(p.FakeQuantize(v))
		e += d * d
	}
	return e
}

// The chosen range is as good as the best of an exhaustive search. With a bin
// for every value the histogram's error is exact, up to float32's 2^-24 in the
// quantizer and in the values themselves.
func TestMSEVectors(t *testing.T) {
	for i, c := range readVectors(t).MSE {
		o := observe(t, InputConfig{Bits: c.Bits, Observer: "mse", Bins: MaxBins}, c.Values)
		lo, hi := rangeOf(t, o)
		if e := squaredError(t, c.Values, lo, hi, c.Bits); e > c.Error*(1+1e-5) {
			t.Errorf("case %d: range [%v, %v] has error %v, the best has %v", i, lo, hi, e, c.Error)
		}
	}
}

func TestKLVectors(t *testing.T) {
	for i, c := range readVectors(t).KL {
		bins := 128
		if c.Values[len(c.Values)-2] < 0 {
			bins = 256 // the case of two signs
		}
		o := observe(t, InputConfig{Bits: c.Bits, Observer: "kl", Bins: bins}, c.Values).(*KL)
		if o.width() != 1 {
			t.Fatalf("case %d: bins of %v", i, o.width())
		}
		lo, hi := rangeOf(t, o)
		d, err := o.divergence(float32(lo), float32(hi))
		// Sums of up to 256 logarithms in float64.
		if err != nil || lo != c.Lo || hi != c.Hi || math.Abs(d-c.Divergence) > 1e-12 {
			t.Errorf("case %d: range [%v, %v] with divergence %v, %v, want [%v, %v] with %v", i, lo, hi, d, err, c.Lo, c.Hi, c.Divergence)
		}
	}
}

func TestScaleVectors(t *testing.T) {
	bits := map[int]int{1: 2, 3: 3, 7: 4, 127: 8}
	for i, c := range readVectors(t).Scale {
		scales, err := WeightConfig{Bits: bits[c.Top], Kind: "mse"}.Scales("fc", c.Weights, 1)
		if err != nil {
			t.Fatal(err)
		}
		// The scale is rounded to float32: 2^-24 of each value, on a scale
		// where values are up to the largest weight.
		room := 0.0
		for _, w := range c.Weights {
			room += float64(w*w) * 0x1p-22
		}
		if e := symmetricError(c.Weights, scales[0], bits[c.Top]); e > c.Error+room {
			t.Errorf("case %d: scale %v has error %v, the best has %v", i, scales[0], e, c.Error)
		}
	}
}

func symmetricError(w []float32, scale float32, bits int) float64 {
	p := quant.Params{Scale: scale, Bits: quant.BitWidth(bits), Signed: true, NarrowRange: true}
	e := 0.0
	for _, v := range w {
		d := float64(v) - float64(p.FakeQuantize(v))
		e += d * d
	}
	return e
}
