package quant

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestIntegerPolynomial(t *testing.T) {
	for _, c := range []struct {
		a      []float64
		s      float64
		coeffs []float64
		scale  float64
	}{
		{[]float64{0, 0, 1}, 0.5, []float64{0, 0, 1}, 0.25},
		{[]float64{0, 1}, 0.25, []float64{0, 1}, 0.25},
		{[]float64{3, 2, 1}, 0.5, []float64{12, 4, 1}, 0.25},
		{[]float64{3, 2, -1}, 0.5, []float64{-12, -4, 1}, -0.25},
		{[]float64{3, 2, 1}, -0.5, []float64{12, -4, 1}, 0.25},
		{[]float64{0, 0, 0, 2}, -0.5, []float64{0, 0, 0, 1}, -0.25},
		{[]float64{2.5, 0, 1}, 1, []float64{2, 0, 1}, 1},       // tie to even
		{[]float64{1<<24 + 1, 1}, 1, []float64{1 << 24, 1}, 1}, // what float32 holds
	} {
		coeffs, scale, err := IntegerPolynomial(c.a, c.s)
		if err != nil || scale != c.scale || !equal(coeffs, c.coeffs) {
			t.Errorf("IntegerPolynomial(%v, %v) = %v, %v, %v, want %v, %v", c.a, c.s, coeffs, scale, err, c.coeffs, c.scale)
		}
	}
}

func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// The integer polynomial is the real one, up to half a unit of each coefficient
// below the leading one: in exact arithmetic, on every drawn integer.
func TestIntegerPolynomialValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 5).Draw(t, "degree")
		a := make([]float64, d+1)
		for k := range a {
			a[k] = float64(rapid.IntRange(-64, 64).Draw(t, "a")) / 16
		}
		if a[d] == 0 {
			a[d] = -0.75
		}
		// From 1/8 up every ratio stays below 64*8^5 < 2^24: no float32 rounding.
		s := float64(rapid.SampledFrom([]int{-9, -8, -1, 1, 2, 3, 7, 8, 13}).Draw(t, "eighths")) / 8
		if math.Abs(s) < 1 {
			d = min(d, 3)
			a = append(a[:d:d], 1)
		}
		coeffs, scale, err := IntegerPolynomial(a, s)
		if err != nil {
			t.Fatal(err)
		}
		q := int64(rapid.IntRange(-1000, 1000).Draw(t, "q"))
		x := new(big.Rat).Mul(rational(s), new(big.Rat).SetInt64(q))
		want, got, room := new(big.Rat), new(big.Rat), new(big.Rat)
		for k := d; k >= 0; k-- {
			want.Mul(want, x).Add(want, rational(a[k]))
			got.Mul(got, new(big.Rat).SetInt64(q)).Add(got, new(big.Rat).SetFloat64(coeffs[k]))
			room.Mul(room, new(big.Rat).SetInt64(max(q, -q)))
			if k < d {
				// 1/2, and 2^-20 for the float64 roundings of a_k/(a_d s^(d-k)).
				room.Add(room, rational(0.5+0x1p-20))
			}
		}
		room.Mul(room, new(big.Rat).Abs(rational(scale)))
		got.Mul(got, rational(scale))
		// scale = a_d s^d is rounded at each of d products.
		slack := new(big.Rat).Mul(new(big.Rat).Abs(want), rational(float64(d+1)*0x1p-52))
		room.Add(room, slack)
		if got.Sub(got, want).Abs(got).Cmp(room) > 0 {
			e, _ := got.Float64()
			r, _ := room.Float64()
			t.Fatalf("IntegerPolynomial(%v, %v) = %v, %v: at %d off by %v, allowed %v", a, s, coeffs, scale, q, e, r)
		}
	})
}

func rational(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

func TestIntegerPolynomialErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		a    []float64
		s    float64
		want string
	}{
		{nil, 1, "no leading term"},
		{[]float64{1}, 1, "no leading term"},
		{[]float64{1, 1, 0}, 1, "no leading term"},
		{[]float64{0, 1}, 0, "input scale 0"},
		{[]float64{0, 1}, nan, "input scale NaN"},
		{[]float64{0, 1}, inf, "input scale +Inf"},
		{[]float64{0, nan}, 1, "integer coefficient NaN of degree 0"},
		{[]float64{0, inf}, 1, "output scale +Inf"},
		{[]float64{nan, 1}, 1, "integer coefficient NaN of degree 0"},
		{[]float64{1, 0, 1}, 0x1p-520, "integer coefficient +Inf of degree 0 is not finite"},
		{[]float64{0, 0, 1}, 1e200, "output scale +Inf"},
		{[]float64{0, 0, 1}, 1e-200, "integer coefficient NaN"}, // 0/0: s^2 underflows
	} {
		coeffs, scale, err := IntegerPolynomial(c.a, c.s)
		checkError(t, err, c.want)
		if coeffs != nil || scale != 0 {
			t.Errorf("IntegerPolynomial(%v, %v) = %v, %v beside its error", c.a, c.s, coeffs, scale)
		}
	}
}
