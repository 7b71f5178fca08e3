package op

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
)

// randomWindow is one that fits an input of h x w.
func randomWindow(r *rand.Rand, h, w int, dilated bool) Window {
	for {
		win := Window{Groups: 1, Dilation: [2]int{1, 1}}
		for d := range 2 {
			win.Kernel[d], win.Stride[d] = 1+r.IntN(3), 1+r.IntN(3)
			if dilated {
				win.Dilation[d] = 1 + r.IntN(3)
			}
			win.Before[d], win.After[d] = r.IntN(win.Kernel[d]), r.IntN(win.Kernel[d])
		}
		if _, ok := win.size(h, w); ok {
			return win
		}
	}
}

// at is the padded input's value: 0, or none, outside it.
func at(x array, c, y, column, n int) (float64, bool) {
	if y < 0 || y >= x.Shape[1] || column < 0 || column >= x.Shape[2] {
		return 0, false
	}
	return float64(x.Data[((c*x.Shape[1]+y)*x.Shape[2]+column)*x.Shape[3]+n]), true
}

// windows calls f with every output element's plane, position and image.
func windows(planes int, size [2]int, n int, f func(plane, y, x, n int)) {
	for p := range planes {
		for y := range size[0] {
			for x := range size[1] {
				for n := range n {
					f(p, y, x, n)
				}
			}
		}
	}
}

// Convolutions of every kind are what the formula says, and their gradients what
// finite differences give: on multiples of 1/16 all of it exactly.
func TestConvOfEveryWindow(t *testing.T) {
	r := newRand()
	for range 60 {
		h, w, groups := 3+r.IntN(5), 3+r.IntN(5), 1+r.IntN(3)
		win := randomWindow(r, h, w, true)
		win.Groups = groups
		channels, outputs := groups*(1+r.IntN(2)), groups*(1+r.IntN(2))
		in := []array{sixteenths(r, channels, h, w, 2), sixteenths(r, outputs, channels/groups, win.Kernel[0], win.Kernel[1]), sixteenths(r, outputs)}
		t.Run(fmt.Sprintf("%+v on %v", win, in[0].Shape), func(t *testing.T) {
			harness := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Conv2D(v[0], v[1], v[2], win, true) }, in, 0, 1, 2)
			size, _ := win.size(h, w)
			var want []float64
			windows(outputs, size, 2, func(o, y, x, n int) {
				sum := float64(in[2].Data[o])
				for c := range channels / groups {
					for i := range win.Kernel[0] {
						for j := range win.Kernel[1] {
							v, _ := at(in[0], o*groups/outputs*channels/groups+c, y*win.Stride[0]+i*win.Dilation[0]-win.Before[0], x*win.Stride[1]+j*win.Dilation[1]-win.Before[1], n)
							sum += v * float64(in[1].Data[((o*(channels/groups)+c)*win.Kernel[0]+i)*win.Kernel[1]+j])
						}
					}
				}
				want = append(want, sum)
			})
			wantExactly(t, "convolution", harness.output(), want)
			harness.check(1.0/16, 0)
		})
	}
}

func TestPoolsOfEveryWindow(t *testing.T) {
	r := newRand()
	for range 60 {
		h, w := 2+r.IntN(5), 2+r.IntN(5)
		win := randomWindow(r, h, w, false)
		size, _ := win.size(h, w)
		in := sixteenths(r, 2, h, w, 2)
		// All values differ by more than the step of a difference, so that no
		// maximum changes hands.
		for i, k := range r.Perm(len(in.Data)) {
			in.Data[i] = float32(k) / 8
		}
		var sums, largest []float64
		windows(2, size, 2, func(p, y, x, n int) {
			sum, most := 0.0, math.Inf(-1)
			for i := range win.Kernel[0] {
				for j := range win.Kernel[1] {
					v, inside := at(in, p, y*win.Stride[0]+i-win.Before[0], x*win.Stride[1]+j-win.Before[1], n)
					if sum += v; inside {
						most = max(most, v)
					}
				}
			}
			sums, largest = append(sums, 0.5*sum), append(largest, most)
		})
		t.Run(fmt.Sprintf("%+v on %v", win, in.Shape), func(t *testing.T) {
			sum := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Pool(v[0], win, 0.5) }, []array{in}, 0)
			wantExactly(t, "pool", sum.output(), sums)
			sum.check(1.0/16, 0)
			most := newHarness(t, func(v []*G.Node) (*G.Node, error) { return MaxPool(v[0], win) }, []array{in}, 0)
			wantExactly(t, "maxpool", most.output(), largest)
			most.check(1.0/32, 0)
		})
	}
}

// Of equal values the first takes the whole gradient.
func TestMaxPoolTies(t *testing.T) {
	in := array{[]int{1, 2, 4, 1}, []float32{1, 3, 2, 2, 3, 3, 2, 2}}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return MaxPool(v[0], Square(2, 2, 0)) }, []array{in}, 0)
	u := h.upstream.Data().([]float32)
	wantExactly(t, "gradient", h.gradient(0), []float64{0, float64(u[0]), float64(u[1]), 0, 0, 0, 0, 0})
}

func TestJoins(t *testing.T) {
	r := newRand()
	all := []bool{true, true, true}
	in := []array{sixteenths(r, 2, 3, 2), sixteenths(r, 2, 3, 2), sixteenths(r, 2, 3, 2)}
	factors := []float32{2, -1, 0.5}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Add(v, func() []float32 { return factors }, all) }, in, 0, 1, 2)
	var want []float64
	for k := range in[0].Data {
		want = append(want, 2*float64(in[0].Data[k])-float64(in[1].Data[k])+0.5*float64(in[2].Data[k]))
	}
	wantExactly(t, "sum", h.output(), want)
	h.check(1.0/16, 0)

	product := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Mul(v[0], v[1], all) }, in[:2], 0, 1)
	for k := range want {
		want[k] = float64(in[0].Data[k]) * float64(in[1].Data[k])
	}
	wantExactly(t, "product", product.output(), want)
	product.check(1.0/16, 0)
	square := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Mul(v[0], v[0], all) }, in[:1], 0)
	square.check(1.0/16, 0)

	parts := []array{in[0], sixteenths(r, 1, 3, 2), sixteenths(r, 3, 3, 2)}
	joined := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		return Concat(v, func() []float32 { return []float32{1, 2, 1} }, all)
	}, parts, 0, 1, 2)
	second := wide(parts[1].Data)
	for k := range second {
		second[k] *= 2
	}
	wantExactly(t, "concatenation", joined.output(), slices.Concat(wide(parts[0].Data), second, wide(parts[2].Data)))
	joined.check(1.0/16, 0)
}

// A tensor that several operations read gets the sum of their gradients, and no
// operation's buffer is overwritten on the way.
func TestForks(t *testing.T) {
	in := sixteenths(newRand(), 2, 3)
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) {
		square, err := Polynomial(v[0], func() [][]float32 { return [][]float32{{0, 0, 1}} })
		if err != nil {
			return nil, err
		}
		same, err := Same(v[0])
		if err != nil {
			return nil, err
		}
		product, err := Mul(square, same, []bool{true, true})
		if err != nil {
			return nil, err
		}
		return Add([]*G.Node{product, square, same, v[0]}, func() []float32 { return []float32{1, 2, 3, 4} }, []bool{true, true, true, true})
	}, []array{in}, 0)
	// d/dx (x^3 + 2 x^2 + 7 x); multiples of 1/16 up to 1.5 keep it exact.
	u := h.upstream.Data().([]float32)
	var want []float64
	for k, x := range wide(in.Data) {
		want = append(want, float64(u[k])*(3*x*x+4*x+7))
	}
	for range 3 {
		wantExactly(t, "gradient", h.gradient(0), want)
	}
}
