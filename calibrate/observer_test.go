package calibrate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func batches(t *rapid.T) [][]float32 {
	value := rapid.OneOf(rapid.Float32Range(-1e6, 1e6), rapid.SampledFrom([]float32{0, 1, -1, math.MaxFloat32, -math.MaxFloat32}))
	return rapid.SliceOfN(rapid.SliceOfN(value, 1, 5), 1, 6).Draw(t, "batches")
}

func TestMinMax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &MinMax{}
		var all []float32
		for _, x := range batches(t) {
			if err := m.Observe(x); err != nil {
				t.Fatal(err)
			}
			all = append(all, x...)
		}
		lo, hi, err := m.Range()
		if err != nil || lo != slices.Min(all) || hi != slices.Max(all) {
			t.Fatalf("range [%v, %v], %v of %v", lo, hi, err, all)
		}
	})
}

func TestMovingAverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const rate = 0.25
		m := &MovingAverage{Rate: rate}
		var lo, hi float64
		for i, x := range batches(t) {
			if err := m.Observe(x); err != nil {
				t.Fatal(err)
			}
			a, b := float64(slices.Min(x)), float64(slices.Max(x))
			if i == 0 {
				lo, hi = a, b
			}
			lo, hi = (1-rate)*lo+rate*a, (1-rate)*hi+rate*b
		}
		gotLo, gotHi, err := m.Range()
		// Two roundings of float64 a batch and one to float32: 2^-24 of the
		// largest magnitude, twice for cancellation.
		room := 0x1p-23 * max(math.Abs(lo), math.Abs(hi), 1)
		if err != nil || math.Abs(float64(gotLo)-lo) > room || math.Abs(float64(gotHi)-hi) > room {
			t.Fatalf("range [%v, %v], %v, want [%v, %v]", gotLo, gotHi, err, lo, hi)
		}
	})
}

func TestConstant(t *testing.T) {
	for _, o := range []Observer{&MinMax{}, &MovingAverage{Rate: DefaultRate}} {
		for range 5 {
			if err := o.Observe([]float32{0.3, 0.3}); err != nil {
				t.Fatal(err)
			}
		}
		if lo, hi, err := o.Range(); lo != 0.3 || hi != 0.3 || err != nil {
			t.Errorf("%T: range [%v, %v], %v of a constant", o, lo, hi, err)
		}
	}
}

func TestObserverErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, o := range []Observer{&MinMax{}, &MovingAverage{Rate: DefaultRate}} {
		if _, _, err := o.Range(); err == nil || !strings.Contains(err.Error(), "calibration set is empty") {
			t.Errorf("%T: error %v of nothing", o, err)
		}
		if err := o.Observe(nil); err != nil {
			t.Errorf("%T: an empty batch: %v", o, err)
		}
		if _, _, err := o.Range(); err == nil {
			t.Errorf("%T: an empty batch counts as data", o)
		}
		if err := o.Observe([]float32{-1, 2}); err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]float32{{5, nan}, {9, inf}} {
			if err := o.Observe(bad); err == nil || !strings.Contains(err.Error(), "at element 1 is not finite") {
				t.Errorf("%T: error %v for %v", o, err, bad)
			}
		}
		if lo, hi, err := o.Range(); lo != -1 || hi != 2 || err != nil {
			t.Errorf("%T: range [%v, %v], %v: a refused batch left a trace", o, lo, hi, err)
		}
	}
}
