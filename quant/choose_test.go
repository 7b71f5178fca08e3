package quant

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

const (
	tiny   = math.SmallestNonzeroFloat32
	huge   = math.MaxFloat32
	normal = 0x1p-126
)

func TestSymmetric(t *testing.T) {
	for _, c := range []struct {
		absMax float32
		bits   BitWidth
		scale  float32
	}{
		{0, 8, 1},
		{127, 8, 1},
		{1, 2, 1},
		{0.75, 1, 0.75},
		{7, 4, 1},
		{0.5, 4, 0.5 / float32(7)},
		{huge, 2, huge},
		{huge, 16, float32(huge) / 32767},
		{tiny, 8, 1},            // underflows to 0
		{0x1p-140, 2, normal},   // subnormal
		{0x1p-120, 16, normal},  // subnormal after the division
		{normal * 7, 4, normal}, // the smallest that needs no help
	} {
		p, err := Symmetric(c.absMax, c.bits)
		if err != nil {
			t.Errorf("Symmetric(%v, %d): %v", c.absMax, c.bits, err)
			continue
		}
		if want := (Params{Scale: c.scale, Bits: c.bits, Signed: true, NarrowRange: true}); p != want {
			t.Errorf("Symmetric(%v, %d) = %+v, want %+v", c.absMax, c.bits, p, want)
		}
		checkError(t, p.Validate(), "")
	}
}

func TestSymmetricErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		absMax float32
		bits   BitWidth
		want   string
	}{
		{1, 0, "0 bits is outside 1..16"},
		{0, 1, "every value is 0, which a grid of -1 and +1 cannot hold"},
		{1, 17, "17 bits is outside 1..16"},
		{1, 40, "40 bits is outside 1..16"},
		{-1, 8, "largest magnitude -1"},
		{nan, 8, "largest magnitude NaN"},
		{inf, 8, "largest magnitude +Inf"},
	} {
		p, err := Symmetric(c.absMax, c.bits)
		checkError(t, err, c.want)
		if p != (Params{}) {
			t.Errorf("Symmetric(%v, %d) = %+v beside its error", c.absMax, c.bits, p)
		}
	}
}

func TestAffine(t *testing.T) {
	for _, c := range []struct {
		lo, hi float32
		bits   BitWidth
		scale  float32
		zero   int32
	}{
		{0, 0, 8, 1, 0},
		{0, 255, 8, 1, 0},
		{0, 1, 4, float32(1.0 / 15), 0},
		{0, 1, 1, 1, 0},
		{-1, 0, 1, 1, 1},
		{-1, 0, 8, float32(1.0 / 255), 255},
		{-128, 127, 8, 1, 128},
		{5, 15, 4, 1, 0},    // widened to 0
		{-15, -5, 4, 1, 15}, // widened to 0
		{-0.5, 14.5, 4, 1, 0},
		{-1.5, 13.5, 4, 1, 2}, // a tie goes to even
		{0, tiny, 8, 1, 0},
		{-huge, huge, 2, float32(2 * float64(huge) / 3), 2},
		{0, huge, 1, huge, 0},
	} {
		p, err := Affine(c.lo, c.hi, c.bits)
		if err != nil {
			t.Errorf("Affine(%v, %v, %d): %v", c.lo, c.hi, c.bits, err)
			continue
		}
		if want := (Params{Scale: c.scale, ZeroPoint: c.zero, Bits: c.bits}); p != want {
			t.Errorf("Affine(%v, %v, %d) = %+v, want %+v", c.lo, c.hi, c.bits, p, want)
		}
	}
}

func TestAffineErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		lo, hi float32
		bits   BitWidth
		want   string
	}{
		{0, 1, 0, "0 bits is outside 1..16"},
		{0, 1, 40, "40 bits is outside 1..16"},
		{1, 0, 8, "range [1, 0]"},
		{nan, 1, 8, "range [NaN, 1]"},
		{0, nan, 8, "range [0, NaN]"},
		{0, inf, 8, "range [0, +Inf]"},
		{-inf, 0, 8, "range [-Inf, 0]"},
		{-huge, huge, 1, "scale"}, // 2*MaxFloat32 is no float32
	} {
		p, err := Affine(c.lo, c.hi, c.bits)
		checkError(t, err, c.want)
		if p != (Params{}) {
			t.Errorf("Affine(%v, %v, %d) = %+v beside its error", c.lo, c.hi, c.bits, p)
		}
	}
}

// Every chosen quantizer is valid, keeps 0, and reaches its range up to the half
// step that rounding the zero point costs.
func TestChoiceCoversRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.OneOf(rapid.Float32(), rapid.SampledFrom([]float32{0, 1, -1, tiny, -tiny, normal, huge, -huge}))
		a, b := edge.Draw(t, "a"), edge.Draw(t, "b")
		bits := BitWidth(rapid.IntRange(2, 16).Draw(t, "bits"))
		p, err := Affine(min(a, b), max(a, b), bits)
		if err == nil {
			err = p.Validate()
		}
		if err != nil {
			t.Fatal(err)
		}
		// The scale is rounded to float32: 2^-24 of it, over up to 2^16 steps.
		half := (0.5 + 0x1p-7) * float64(p.Scale)
		lo := float64(p.Scale) * float64(p.QMin()-p.ZeroPoint)
		hi := float64(p.Scale) * float64(p.QMax()-p.ZeroPoint)
		if lo > float64(min(a, b))+half || hi < float64(max(a, b))-half {
			t.Fatalf("%+v covers [%v, %v], not [%v, %v]", p, lo, hi, min(a, b), max(a, b))
		}
		s, err := Symmetric(max(a, -a), bits)
		if err == nil {
			err = s.Validate()
		}
		if err != nil {
			t.Fatal(err)
		}
		if reach := float64(s.Scale) * float64(s.QMax()); reach < math.Abs(float64(a))*(1-0x1p-23) && float64(s.Scale) > normal {
			t.Fatalf("%+v reaches %v, not %v", s, reach, a)
		}
	})
}
