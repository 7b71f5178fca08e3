package quant

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// testdata/lsq.json holds the paper's formula in exact fractions; see lsq.py. Its
// gradients are with respect to values; gradients with respect to codes are scale times
// as large.
func TestScaleGradientVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/lsq.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Bits        BitWidth
			Signed      bool
			NarrowRange bool  `json:"narrow_range"`
			ZeroPoint   int32 `json:"zero_point"`
			Scale       float32
			QMax        int32
			V, U        []float32
			Gradient    float64
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 15 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	for i, c := range file.Cases {
		p := Params{Scale: c.Scale, ZeroPoint: c.ZeroPoint, Bits: c.Bits, Signed: c.Signed, NarrowRange: c.NarrowRange}
		if err := p.Validate(); err != nil || p.QMax() != c.QMax {
			t.Fatalf("case %d: %+v: %v", i, p, err)
		}
		dcode := slices.Clone(c.U)
		for k := range dcode {
			dcode[k] *= c.Scale
		}
		want := c.Gradient / math.Sqrt(float64(len(c.V))*float64(c.QMax))
		// Sums of short binary fractions are exact; root and quotient are rounded.
		if got := p.ScaleGradient(c.V, dcode); math.Abs(got-want) > 0x1p-50*math.Abs(want) {
			t.Errorf("case %d, %+v: gradient %v, want %v", i, p, got, want)
		}
	}
}

// The definition, summed as documented, gives the same bits: on ordinary values, ties,
// values at the ends of the grid and beside them, infinities and NaN.
func TestScaleGradientIsItsDefinition(t *testing.T) {
	definition := func(p Params, x, dcode []float32) float64 {
		lo, hi := float64(p.QMin()-p.ZeroPoint), float64(p.QMax()-p.ZeroPoint)
		var sums [16]float64
		for i, v := range x {
			ratio := float64(v / p.Scale)
			sum := &sums[i%16]
			switch {
			case p.Binary() && v == v:
				sums[0] += float64(dcode[i] * sign(v))
			case ratio >= hi:
				*sum += float64(dcode[i]) * hi
			case ratio <= lo:
				*sum += float64(dcode[i]) * lo
			case ratio == ratio:
				*sum += float64(dcode[i]) * (math.RoundToEven(ratio) - ratio)
			}
		}
		for _, half := range []int{8, 4, 2, 1} {
			for k := range half {
				sums[k] += sums[k+half]
			}
		}
		return sums[0] / math.Sqrt(float64(len(x))*float64(max(p.QMax(), 1)))
	}
	r := rand.New(rand.NewPCG(1, 5))
	inf := float32(math.Inf(1))
	edges := []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32, inf, -inf, float32(math.NaN()), 1, -1}
	for _, p := range []Params{
		{Scale: 0.25, Bits: 4, Signed: true, NarrowRange: true}, {Scale: 0.3, Bits: 3, Signed: true}, {Scale: 0.1, Bits: 2, ZeroPoint: 1},
		{Scale: 1, Bits: 16, Signed: true}, {Scale: 0.5, Bits: 2}, {Scale: 0.5, Bits: 1}, {Scale: 0.5, Bits: 1, Signed: true, NarrowRange: true},
		{Scale: math.SmallestNonzeroFloat32, Bits: 4, Signed: true}, {Scale: 0.25, Bits: 2, ZeroPoint: 3},
	} {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			x, dcode := make([]float32, 37), make([]float32, 37)
			for i := range x {
				dcode[i] = float32(r.NormFloat64())
				switch r.IntN(4) {
				case 0: // a multiple of half a step, or beside it
					x[i] = p.Scale * float32(r.IntN(40)-20) / 2
					x[i] = math.Nextafter32(x[i], x[i]+float32(r.IntN(3)-1))
				case 1:
					if i%9 == 0 {
						x[i] = edges[r.IntN(len(edges))]
					}
				default:
					x[i] = float32(r.NormFloat64())
				}
			}
			if got, want := p.ScaleGradient(x, dcode), definition(p, x, dcode); math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%+v, %v, %v: %v, want %v", p, x, dcode, got, want)
			}
		}
	}
}

// On the binary grid the value is scale*sign(x): the gradient is the one of the
// scale itself, whatever the size of x.
func TestScaleGradientBinary(t *testing.T) {
	p := Params{Scale: 0.5, Bits: 1, Signed: true, NarrowRange: true}
	x := []float32{0.1, -0.1, 0, 3, -3, 0.5, float32(math.NaN())}
	dcode := []float32{1, 2, 4, 8, 16, 32, 64}
	if got, want := p.ScaleGradient(x, dcode), (1-2+4+8-16+32)/math.Sqrt(7); got != want {
		t.Errorf("gradient %v, want %v", got, want)
	}
}

// A NaN adds nothing and infinities are clamped, as in Code.
func TestScaleGradientOfNoNumber(t *testing.T) {
	p := Params{Scale: 1, Bits: 2}
	inf := float32(math.Inf(1))
	if got, want := p.ScaleGradient([]float32{float32(math.NaN()), inf, -inf}, []float32{1, 2, 4}), 2*3/math.Sqrt(9); got != want {
		t.Errorf("gradient %v, want %v", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("lengths that differ are accepted")
		}
	}()
	p.ScaleGradient([]float32{1}, nil)
}
