package op

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"qtool/quant"
)

// tableOf is a table of f with the given factors, as a quantized network makes it.
func tableOf(f func(float64) float64, derivative func(z, y float64) float64, p quant.Params, slopes, offsets []float64) Table {
	return Table{
		Slope: func() []float64 { return slopes }, Offset: func() []float64 { return offsets },
		Value: func(c int, x float64) float32 {
			return float32(f(slopes[c%len(slopes)]*x + offsets[c%len(offsets)]))
		},
		Derivative: derivative, Quantizer: func() quant.Params { return p },
	}
}

func cosh2(z, _ float64) float64 { return 1 / (math.Cosh(z) * math.Cosh(z)) }

// tableCases are shapes [C, ..., N] of accumulators with factors one or one a
// channel.
var tableCases = []struct {
	shape           []int
	slopes, offsets []float64
}{
	{[]int{3, 4}, []float64{0.25}, []float64{0}},
	{[]int{3, 4}, []float64{0.25, -0.5, 0.125}, []float64{0.5, 0, -1}},
	{[]int{3, 2, 2, 2}, []float64{0.25}, []float64{0.5, 0, -1}},
	{[]int{3, 2, 1, 2}, []float64{0.25, -0.5, 0.125}, []float64{-0.75}},
}

// accumulators are small integers.
func accumulators(shape []int) array {
	a := sixteenths(newRand(), shape...)
	for i := range a.Data {
		a.Data[i] *= 4
		a.Data[i] = float32(math.Round(float64(a.Data[i])))
	}
	return a
}

// The output is the code of Value, channel by channel, and the gradient of the declared
// surrogate: activation(z)/scale, clamped half a step beyond the grid. Its
// difference is off by step^2 (|f”'| <= 2, times 1/scale, slope and upstream, all
// small), and float32 rounds once.
func TestTable(t *testing.T) {
	p := quant.Params{Scale: 0.25, ZeroPoint: 3, Bits: 3} // centred grid -3..4: tanh below -0.875 is clamped
	for _, c := range tableCases {
		in := accumulators(c.shape)
		table := tableOf(math.Tanh, cosh2, p, c.slopes, c.offsets)
		bias := array{[]int{3}, make([]float32, 3)}
		h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return table.Apply("t", v[0], v[1], nil) }, []array{in, bias}, 0, 1)
		per := len(in.Data) / 3
		surrogate := func(i int, x, more float64) float64 {
			ch := i / per
			z := c.slopes[ch%len(c.slopes)]*x + c.offsets[ch%len(c.offsets)] + more
			return min(max(math.Tanh(z)/0.25, -3.5), 4.5)
		}
		const step = 1e-5
		var codes, dx []float64
		db := make([]float64, 3)
		clamped := 0
		for i, x := range in.Data {
			x, u := float64(x), float64(h.upstream.Float32s()[i])
			ch := i / per
			z := c.slopes[ch%len(c.slopes)]*x + c.offsets[ch%len(c.offsets)]
			code := min(max(math.RoundToEven(float64(float32(math.Tanh(z)))/0.25), -3), 4)
			codes = append(codes, code)
			dx = append(dx, u*(surrogate(i, x+step, 0)-surrogate(i, x-step, 0))/(2*step))
			db[ch] += u * (surrogate(i, x, step) - surrogate(i, x, -step)) / (2 * step)
			if math.Tanh(z) < -0.875 {
				clamped++
			}
		}
		wantExactly(t, "codes", h.output(), codes)
		wantNear(t, "dx", h.gradient(0), dx, 1e-6)
		wantNear(t, "dbias", h.gradient(1), db, 1e-6)
		if clamped == 0 || clamped == len(dx) {
			t.Errorf("%v: %d of %d clamped: this shows little", c, clamped, len(dx))
		}
	}
}

// A convolution's bias has fewer elements than its flattened outputs: each element
// belongs to a run of outputs.
func TestTableBiasOfFlattened(t *testing.T) {
	p := quant.Params{Scale: 0.25, Bits: 6, Signed: true, NarrowRange: true}
	identity, one := func(z float64) float64 { return z }, func(_, _ float64) float64 { return 1 }
	table := tableOf(identity, one, p, []float64{0.25}, []float64{0})
	in, bias := accumulators([]int{6, 2}), array{[]int{2}, make([]float32, 2)}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return table.Apply("t", v[0], v[1], nil) }, []array{in, bias}, 0, 1)
	want := make([]float64, 2)
	for i, u := range h.upstream.Float32s() {
		want[i/6] += float64(u) / 0.25
	}
	wantExactly(t, "dbias", h.gradient(1), want)
}

// The gradient of a learned scale is taken with respect to ln scale, through the
// surrogate value scale*code with the code's rounding held fixed.
func TestTableScaleGradient(t *testing.T) {
	p := quant.Params{Scale: 0.25, ZeroPoint: 3, Bits: 3}
	for _, c := range tableCases {
		in := accumulators(c.shape)
		table := tableOf(math.Tanh, cosh2, p, c.slopes, c.offsets)
		scale := array{[]int{1}, []float32{p.Scale}}
		h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return table.Apply("t", v[0], nil, v[1]) }, []array{in, scale}, 0, 1)
		per := len(in.Data) / 3
		want := 0.0
		for i, x := range in.Data {
			ch := i / per
			y := math.Tanh(c.slopes[ch%len(c.slopes)]*float64(x) + c.offsets[ch%len(c.offsets)])
			want += float64(h.upstream.Float32s()[i]) * lsq(y, 0.25, -3, 4)
		}
		want /= math.Sqrt(float64(len(in.Data)) * 7)
		wantNear(t, "dscale", h.gradient(1), []float64{want}, 1e-6)
	}
}

// lsq is d value / d scale of value = scale * code, of Esser et al., equation 3.
func lsq(x, scale, lo, hi float64) float64 {
	switch r := x / scale; {
	case r <= lo:
		return lo
	case r >= hi:
		return hi
	default:
		return math.RoundToEven(r) - r
	}
}
