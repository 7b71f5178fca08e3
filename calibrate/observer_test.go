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

// observers are one of each kind.
func observers(t *testing.T) (all []Observer) {
	t.Helper()
	for _, name := range Observers {
		o, err := New(InputConfig{Bits: 4, Observer: name})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// A constant has the range of that one value, and every observer gives it the
// quantizer that holds it: 0 as it is, others at an end of the grid.
func TestConstant(t *testing.T) {
	for _, v := range []float32{0.3, -2, 0, math.SmallestNonzeroFloat32, math.MaxFloat32} {
		for _, o := range observers(t) {
			for range 5 {
				if err := o.Observe([]float32{v, v}); err != nil {
					t.Fatal(err)
				}
			}
			if lo, hi, err := o.Range(); lo != v || hi != v || err != nil {
				t.Errorf("%T: range [%v, %v], %v of the constant %v", o, lo, hi, err, v)
			}
		}
		for _, name := range Observers {
			p, err := InputConfig{Bits: 4, Observer: name}.Quantizer("x", slices.Values([][]float32{{v, v}, {v}}))
			if y := p.FakeQuantize(v); err != nil || math.Abs(float64(y)-float64(v)) > math.Max(0x1p-22*math.Abs(float64(v)), math.SmallestNonzeroFloat32) {
				t.Errorf("%s: %v becomes %v on %+v, %v", name, v, y, p, err)
			}
		}
	}
}

func TestObserverErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	untouched := observers(t)
	for i, o := range observers(t) {
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
		if err := untouched[i].Observe([]float32{-1, 2}); err != nil {
			t.Fatal(err)
		}
		lo, hi, err := o.Range()
		if wantLo, wantHi, wantErr := untouched[i].Range(); lo != wantLo || hi != wantHi || err != nil || wantErr != nil {
			t.Errorf("%T: range [%v, %v], %v, want [%v, %v]: a refused batch left a trace", o, lo, hi, err, wantLo, wantHi)
		}
	}
}
