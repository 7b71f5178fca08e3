package op

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
)

// The output is linear in the coefficients: with powers of two for scales the
// central difference is exact, and the sums are short enough for float32.
func TestTrainableGradient(t *testing.T) {
	for _, shape := range [][]int{{3, 2}, {3, 2, 2, 2}} {
		in := array{shape, sixteenths(newRand(), shape...).Data}
		for i := range in.Data {
			in.Data[i] = float32(math.Round(float64(in.Data[i]) * 4)) // integers up to 6
		}
		for _, c := range []struct{ in, out []float64 }{
			{[]float64{1}, []float64{1}},
			{[]float64{0.25}, []float64{0.5}},
			{[]float64{0.25, 0.5, -1}, []float64{2, -0.5, 0.25}},
		} {
			theta := array{[]int{4}, []float32{0.5, -1, 0.25, 2}}
			var h *harness
			// The polynomial that theta stands for, in the units of x and y.
			rows := func() [][]float32 {
				v := h.in[1].Data().([]float32)
				all := make([][]float32, len(c.in))
				for ch := range all {
					power := 1.0
					for _, a := range v {
						all[ch] = append(all[ch], float32(float64(a)*power/c.out[ch]))
						power *= c.in[ch]
					}
				}
				return all
			}
			h = newHarness(t, func(v []*G.Node) (*G.Node, error) {
				y, err := Polynomial(v[0], rows)
				if err != nil {
					return nil, err
				}
				return Trainable(y, v[0], v[1], func() ([]float64, []float64) { return c.in, c.out })
			}, []array{in, theta}, 0, 1)
			for k, got := range h.gradient(1) {
				if want := h.difference(1, k, 1.0/16); float64(got) != want {
					t.Errorf("scales %v: gradient of theta_%d is %v, finite difference %v", c, k, got, want)
				}
			}
			// The gradient of x is the polynomial's alone.
			plain := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Polynomial(v[0], rows) }, []array{in}, 0)
			wantExactly(t, "gradient of x", h.gradient(0), wide(plain.gradient(0)))
			wantExactly(t, "output", h.output(), wide(plain.output()))
		}
	}
}

func TestTrainableErrors(t *testing.T) {
	g := G.NewGraph()
	x := G.NewMatrix(g, G.Float32, G.WithShape(2, 3), G.WithName("x"))
	y := G.NewMatrix(g, G.Float32, G.WithShape(3, 2), G.WithName("y"))
	if _, err := Trainable(y, x, x, nil); err == nil {
		t.Error("shapes that do not fit are accepted")
	}
}

// The penalty is quadratic where it is not 0: off the interval's ends the
// central difference is exact but for the rounding of a loss below 16.
func TestOverflowGradient(t *testing.T) {
	const step = 1.0 / 32
	for _, shape := range [][]int{{3, 4}, {3, 2, 2, 4}} {
		for _, scales := range [][]float64{{1}, {2, -1, 0.5}} {
			x := sixteenths(newRand(), shape...)
			labels := array{[]int{4}, []float32{0, -1, 2, 1}}
			count := 3
			o := Overflow{Lo: -0.5, Hi: 0.75, Weight: 2, Scales: func() []float64 { return scales }}
			h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return o.Penalise(v[0], v[1], v[2], &count) },
				[]array{{nil, []float32{1.5}}, x, labels}, 0, 1)
			want, per := 0.0, len(x.Data)/4
			outside := 0
			scale := func(i int) float64 { return scales[i/(len(x.Data)/3)%len(scales)] }
			for i, v := range x.Data {
				z := scale(i) * float64(v)
				if labels.Data[i%4] >= 0 {
					want += math.Pow(math.Max(z-o.Hi, 0), 2) + math.Pow(math.Max(o.Lo-z, 0), 2)
					if z > o.Hi || z < o.Lo {
						outside++
					}
				}
			}
			want = 1.5 + 2*want/float64(3*per)
			if got := h.output()[0]; math.Abs(float64(got)-want) > 0x1p-20 || outside < per/2 {
				t.Errorf("loss %v, want %v, with %d elements outside", got, want, outside)
			}
			for i, got := range h.gradient(1) {
				z := scale(i) * float64(x.Data[i])
				s := math.Abs(scale(i)) * step
				if math.Abs(z-o.Hi) <= s || math.Abs(z-o.Lo) <= s {
					continue // the difference would straddle an end
				}
				if d := h.difference(1, i, step); math.Abs(float64(got)-d) > 0x1p-19/step {
					t.Errorf("gradient at %d (z = %v) is %v, finite difference %v", i, z, got, d)
				}
			}
		}
	}
}

func TestWatch(t *testing.T) {
	x := sixteenths(newRand(), 2, 3)
	var seen []float32
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return Watch(v[0], func(x []float32) { seen = append(seen, x...) })
	}, []array{x})
	wantExactly(t, "output", h.output(), wide(x.Data))
	wantExactly(t, "seen", seen, wide(x.Data))
}
