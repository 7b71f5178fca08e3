package op

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
)

const normEpsilon = 1.0 / 1024

// normHarness is a batch norm of x [C, ..., N], whose first *rows images count.
func normHarness(t *testing.T, rows *int, m *Moments, shape ...int) *harness {
	r := newRand()
	in := []array{sixteenths(r, shape...), sixteenths(r, shape[0]), sixteenths(r, shape[0])}
	return newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return BatchNorm(v[0], v[1], v[2], normEpsilon, rows, m)
	}, in, 0, 1, 2)
}

// normalised is BatchNorm's definition on one channel's values.
func normalised(x []float64, weight, bias float64) (y []float64, mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	for _, v := range x {
		y = append(y, weight*(v-mean)/math.Sqrt(variance+normEpsilon)+bias)
	}
	return y, mean, variance
}

var normCases = []struct {
	rows  int
	shape []int
}{
	{5, []int{3, 5}}, {3, []int{3, 5}}, {1, []int{2, 4}}, {4, []int{2, 3, 2, 4}}, {2, []int{2, 3, 2, 4}}, {1, []int{1, 2, 1, 3}},
}

// Padding, the images from *rows on, neither counts nor gets a value.
func TestBatchNorm(t *testing.T) {
	for _, c := range normCases {
		var m Moments
		h := normHarness(t, &c.rows, &m, c.shape...)
		channels, n := c.shape[0], c.shape[len(c.shape)-1]
		x, y := h.in[0].Float32s(), h.output()
		per := len(x) / channels
		for ch := range channels {
			var at []int
			var values []float64
			for i := ch * per; i < (ch+1)*per; i++ {
				if i%n < c.rows {
					at, values = append(at, i), append(values, float64(x[i]))
				} else if y[i] != 0 {
					t.Errorf("%v: padding has the value %v", c, y[i])
				}
			}
			want, mean, variance := normalised(values, float64(h.in[1].Float32s()[ch]), float64(h.in[2].Float32s()[ch]))
			if m.Count != len(at) {
				t.Errorf("%v: %d elements counted, want %d", c, m.Count, len(at))
			}
			wantNear(t, "moments", []float32{m.Mean[ch], m.Variance[ch]}, []float64{mean, variance}, 0x1p-23)
			for k, i := range at {
				wantNear(t, "y", y[i:i+1], want[k:k+1], 0x1p-23) // one rounding
			}
		}
	}
}

// The reference gradient is a central difference of the float64 definition. With
// a step of 1e-4 it is off by less than 1e-6 (the variances are above 0.1, or
// there is one value and no gradient), and the gradient's roundings of values
// below 64 are too.
func TestBatchNormGradient(t *testing.T) {
	for _, c := range normCases {
		var m Moments
		h := normHarness(t, &c.rows, &m, c.shape...)
		channels, n := c.shape[0], c.shape[len(c.shape)-1]
		x, w, b := wide(h.in[0].Float32s()), wide(h.in[1].Float32s()), wide(h.in[2].Float32s())
		upstream := h.upstream.Float32s()
		per := len(x) / channels
		loss := func() (sum float64) {
			for ch := range channels {
				var values []float64
				var of []float32
				for i := ch * per; i < (ch+1)*per; i++ {
					if i%n < c.rows {
						values, of = append(values, x[i]), append(of, upstream[i])
					}
				}
				y, _, _ := normalised(values, w[ch], b[ch])
				for k, u := range of {
					sum += float64(u) * y[k]
				}
			}
			return sum
		}
		for i, at := range [][]float64{x, w, b} {
			got := h.gradient(i)
			for k := range at {
				const step = 1e-4
				keep := at[k]
				at[k] = keep + step
				above := loss()
				at[k] = keep - step
				want := (above - loss()) / (2 * step)
				at[k] = keep
				if math.Abs(float64(got[k])-want) > 2e-5 {
					t.Errorf("%v: gradient of input %d at %d is %v, finite difference %v", c, i, k, got[k], want)
				}
				if i == 0 && k%n >= c.rows && got[k] != 0 {
					t.Errorf("%v: padding has the gradient %v", c, got[k])
				}
			}
		}
	}
}

// A shard without images gives zeros, and no NaN.
func TestBatchNormOfNothing(t *testing.T) {
	var m Moments
	rows := 0
	h := normHarness(t, &rows, &m, 2, 3, 2, 4)
	zeros := make([]float64, 48)
	wantExactly(t, "y", h.output(), zeros)
	for i, size := range []int{48, 2, 2} {
		wantExactly(t, "gradient", h.gradient(i), zeros[:size])
	}
	if m.Count != 0 || !slices.Equal(m.Mean, []float32{0, 0}) || !slices.Equal(m.Variance, []float32{0, 0}) {
		t.Errorf("moments of nothing: %+v", m)
	}
	rows = 4 // read at each run
	if y := h.output(); slices.Equal(y, make([]float32, 48)) || m.Count != 24 {
		t.Errorf("%d elements counted, output %v", m.Count, y)
	}
}

// Factors are dyadic, so everything is exact.
func TestAffine(t *testing.T) {
	for _, shape := range [][]int{{3, 2}, {3, 2, 2, 2}} {
		for _, slopes := range [][]float64{{0.5}, {0.5, -2, 0}} {
			for _, offsets := range [][]float64{{0.25}, {1, -1, 0.125}} {
				in := sixteenths(newRand(), shape...)
				h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
					return Affine(v[0], func() ([]float64, []float64) { return slopes, offsets })
				}, []array{in}, 0)
				per := len(in.Data) / 3
				want := make([]float64, len(in.Data))
				for i, x := range in.Data {
					want[i] = slopes[i/per%len(slopes)]*float64(x) + offsets[i/per%len(offsets)]
				}
				wantExactly(t, "affine", h.output(), want)
				h.check(1.0/16, 0)
				offsets = []float64{0} // read at each run
				for i, x := range in.Data {
					want[i] = slopes[i/per%len(slopes)] * float64(x)
				}
				wantExactly(t, "affine", h.output(), want)
			}
		}
	}
}
