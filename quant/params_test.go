package quant

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genParams draws valid quantizers, from subnormal-near to huge scales.
func genParams(t *rapid.T) Params {
	p := Params{Signed: rapid.Bool().Draw(t, "signed")}
	p.Bits = BitWidth(rapid.IntRange(2, int(MaxBits)).Draw(t, "bits"))
	p.NarrowRange = p.Signed && rapid.Bool().Draw(t, "narrow")
	mantissa := rapid.Float32Range(1, 2).Draw(t, "mantissa")
	p.Scale = mantissa * float32(math.Ldexp(1, rapid.IntRange(-120, 80).Draw(t, "exponent")))
	p.ZeroPoint = rapid.OneOf(
		rapid.Just(int32(0)), rapid.Just(p.QMin()), rapid.Just(p.QMax()),
		rapid.Int32Range(p.QMin(), p.QMax()),
	).Draw(t, "zeroPoint")
	return p
}

// genReal leans to grid points and rounding ties of p, and runs past both ends.
func genReal(t *rapid.T, p Params, name string) float32 {
	steps := rapid.OneOf(
		rapid.Map(rapid.IntRange(-1<<17, 1<<17), func(k int) float64 { return float64(k) / 2 }),
		rapid.Map(rapid.IntRange(-9, 9), func(k int) float64 { return float64(k) / 2 }),
		rapid.Float64Range(-1<<17, 1<<17),
	).Draw(t, name)
	return float32(steps * float64(p.Scale))
}

func TestFakeQuantizeError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		x := genReal(t, p, "x")
		if !p.Inside(x) || p.Quantize(x) == p.QMin() || p.Quantize(x) == p.QMax() {
			return // at the ends the grid may be half a step short
		}
		y := p.FakeQuantize(x)
		// x/Scale and Scale*code are each rounded once to float32: at 2^-24 of
		// the quotient, which is at most a step more than |code|, and of y.
		slack := (2*math.Abs(float64(y)) + float64(p.Scale)) * 0x1p-24
		if d := math.Abs(float64(y) - float64(x)); d > float64(p.Scale)/2+slack {
			t.Fatalf("%+v: FakeQuantize(%v) = %v, off by %v, scale/2 is %v", p, x, y, d, p.Scale/2)
		}
	})
}

func TestFakeQuantizeMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		a, b := genReal(t, p, "a"), genReal(t, p, "b")
		a, b = min(a, b), max(a, b)
		if p.Quantize(a) > p.Quantize(b) || p.FakeQuantize(a) > p.FakeQuantize(b) {
			t.Fatalf("%+v: %v -> %d and %v -> %d", p, a, p.Quantize(a), b, p.Quantize(b))
		}
	})
}

func TestFakeQuantizeIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		y := p.FakeQuantize(genReal(t, p, "x"))
		if again := p.FakeQuantize(y); again != y {
			t.Fatalf("%+v: %v, then %v", p, y, again)
		}
	})
}

func TestGridRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		q := rapid.Int32Range(p.QMin(), p.QMax()).Draw(t, "q")
		if got := p.Quantize(p.Dequantize(q)); got != q {
			t.Fatalf("%+v: Quantize(Dequantize(%d)) = %d", p, q, got)
		}
	})
}

func TestSpecialValues(t *testing.T) {
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		for _, c := range []struct {
			x      float32
			q      int32
			inside bool
		}{
			{0, p.ZeroPoint, true},
			{float32(math.Copysign(0, -1)), p.ZeroPoint, true},
			{math.SmallestNonzeroFloat32, p.ZeroPoint, true},
			{inf, p.QMax(), false},
			{-inf, p.QMin(), false},
			{nan, p.ZeroPoint, false},
		} {
			if got := p.Quantize(c.x); got != c.q {
				t.Fatalf("%+v: Quantize(%v) = %d, want %d", p, c.x, got, c.q)
			}
			if got := p.Inside(c.x); got != c.inside {
				t.Fatalf("%+v: Inside(%v) = %v", p, c.x, got)
			}
		}
		if y := p.FakeQuantize(0); y != 0 {
			t.Fatalf("%+v: FakeQuantize(0) = %v", p, y)
		}
	})
}

func TestCodesAgreeAndAlias(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genParams(t)
		x := []float32{genReal(t, p, "x0"), genReal(t, p, "x1"), float32(math.NaN()), float32(math.Inf(-1))}
		dst := make([]float32, len(x))
		p.Codes(dst, x)
		for i := range x {
			if want := float32(p.Quantize(x[i]) - p.ZeroPoint); dst[i] != want {
				t.Fatalf("%+v: code of %v is %v, want %v", p, x[i], dst[i], want)
			}
			if y := p.Scale * dst[i]; y != p.FakeQuantize(x[i]) {
				t.Fatalf("%+v: %v from its code, FakeQuantize says %v", p, y, p.FakeQuantize(x[i]))
			}
		}
		p.Codes(x, x)
		for i := range x {
			if x[i] != dst[i] {
				t.Fatalf("%+v: aliased code %v, want %v", p, x[i], dst[i])
			}
		}
	})
}

func TestCodesLengths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for different lengths")
		}
	}()
	Params{Scale: 1, Bits: 8}.Codes(make([]float32, 2), make([]float32, 3))
}

func TestGrids(t *testing.T) {
	for _, c := range []struct {
		p      Params
		lo, hi int32
	}{
		{Params{Bits: 1}, 0, 1},
		{Params{Bits: 8}, 0, 255},
		{Params{Bits: 16}, 0, 65535},
		{Params{Bits: 1, Signed: true, NarrowRange: true}, -1, 1},
		{Params{Bits: 2, Signed: true}, -2, 1},
		{Params{Bits: 2, Signed: true, NarrowRange: true}, -1, 1},
		{Params{Bits: 16, Signed: true}, -32768, 32767},
		{Params{Bits: 16, Signed: true, NarrowRange: true}, -32767, 32767},
	} {
		if c.p.QMin() != c.lo || c.p.QMax() != c.hi {
			t.Errorf("%+v: grid %d..%d, want %d..%d", c.p, c.p.QMin(), c.p.QMax(), c.lo, c.hi)
		}
	}
}

func TestValidate(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		p    Params
		want string // "" for valid
	}{
		{Params{Scale: 1, Bits: 1}, ""},
		{Params{Scale: 1, Bits: 16, ZeroPoint: 65535}, ""},
		{Params{Scale: 1, Bits: 0}, "0 bits is outside 1..16 for unsigned"},
		{Params{Scale: 1, Bits: 17}, "17 bits is outside 1..16 for unsigned"},
		{Params{Scale: 1, Bits: 40}, "40 bits"},
		{Params{Scale: 1, Bits: 1, Signed: true}, "a signed grid of 1 bit must be narrow"},
		{Params{Scale: 1, Bits: 0, Signed: true}, "0 bits is outside 1..16 for signed"},
		{Params{Scale: 1, Bits: 1, Signed: true, NarrowRange: true}, ""},
		{Params{Scale: 1, Bits: 1, Signed: true, NarrowRange: true, ZeroPoint: 1}, "zero point 1 of a binary grid is not 0"},
		{Params{Scale: 1, Bits: 8, NarrowRange: true}, "narrow range"},
		{Params{Scale: 0, Bits: 8}, "scale 0 is not finite and positive"},
		{Params{Scale: -1, Bits: 8}, "scale -1"},
		{Params{Scale: nan, Bits: 8}, "scale NaN"},
		{Params{Scale: inf, Bits: 8}, "scale +Inf"},
		{Params{Scale: 1, Bits: 8, ZeroPoint: 256}, "zero point 256 is outside the grid 0..255"},
		{Params{Scale: 1, Bits: 8, ZeroPoint: -1}, "zero point -1"},
		{Params{Scale: 1, Bits: 4, Signed: true, NarrowRange: true, ZeroPoint: -8}, "zero point -8 is outside the grid -7..7"},
	} {
		checkError(t, c.p.Validate(), c.want)
	}
}

// checkError wants no error where want is empty, and one with want in it
// otherwise.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want one with %q", err, want)
	}
}
