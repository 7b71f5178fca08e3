package op

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
)

// small draws numbers in +-0.6.
func small(r *rand.Rand, shape ...int) array {
	a := sixteenths(r, shape...)
	for i := range a.Data {
		a.Data[i] *= 0.4
	}
	return a
}

type lstmCase struct{ steps, in, hidden, batch int }

var lstmCases = []lstmCase{{1, 1, 1, 1}, {3, 2, 3, 4}, {5, 4, 2, 3}}

func (c lstmCase) inputs(theta int) []array {
	r := newRand()
	in := []array{small(r, c.in, c.steps*c.batch), small(r, 4*c.hidden, c.in), small(r, 4*c.hidden, c.hidden), small(r, 4*c.hidden)}
	if theta > 0 {
		in = append(in, small(r, 5, theta))
	}
	return in
}

func (c lstmCase) build(cell func() Cell, first []int) builder {
	return func(v []*G.Node) (*G.Node, error) {
		l := LSTM{Steps: c.steps, Cell: cell()}
		if first != nil {
			l.First = func() []int { return first }
		}
		var theta *G.Node
		if len(v) > 4 {
			theta = v[4]
		}
		return l.Apply(v[0], v[1], v[2], v[3], theta, true)
	}
}

// gates is function k of a pre-activation z: the cell's gates, or its output function.
type gates func(k int, z float64) float64

func floatGates(k int, z float64) float64 {
	if k == 2 || k == 4 {
		return math.Tanh(z)
	}
	return 1 / (1 + math.Exp(-z))
}

// naiveLSTM is the definition, one sample at a time.
func naiveLSTM(c lstmCase, in []array, first []int, gate gates) []float64 {
	out := make([]float64, c.hidden*c.batch)
	x, w, u, b := in[0].Data, in[1].Data, in[2].Data, in[3].Data
	for n := range c.batch {
		h, cell := make([]float64, c.hidden), make([]float64, c.hidden)
		for t := range c.steps {
			if first != nil && t < first[n] {
				continue
			}
			before := append([]float64(nil), h...)
			for j := range c.hidden {
				var y [4]float64
				for k := range y {
					row := k*c.hidden + j
					z := float64(b[row])
					for d := range c.in {
						z += float64(w[row*c.in+d]) * float64(x[d*c.steps*c.batch+t*c.batch+n])
					}
					for i := range c.hidden {
						z += float64(u[row*c.hidden+i]) * before[i]
					}
					y[k] = gate(k, z)
				}
				cell[j] = y[1]*cell[j] + y[0]*y[2]
				h[j] = y[3] * gate(4, cell[j])
			}
		}
		for j := range h {
			out[j*c.batch+n] = h[j]
		}
	}
	return out
}

func TestLSTM(t *testing.T) {
	for _, c := range lstmCases {
		for _, first := range [][]int{nil, starts(c)} {
			t.Run(fmt.Sprint(c, first), func(t *testing.T) {
				in := c.inputs(0)
				h := newHarness(t, c.build(func() Cell { return FloatCell{} }, first), in, 0, 1, 2, 3)
				wantNear(t, "state", h.output(), naiveLSTM(c, in, first, floatGates), 1e-6)
				h.check(1.0/64, 2e-3)
			})
		}
	}
}

// starts are first steps of the samples, the largest of which never begins.
func starts(c lstmCase) []int {
	first := make([]int, c.batch)
	for n := range first {
		first[n] = (n + 1) % (c.steps + 1)
	}
	return first
}

func TestPolynomialLSTM(t *testing.T) {
	for _, c := range lstmCases {
		for _, linear := range []bool{false, true} {
			for _, first := range [][]int{nil, starts(c)} {
				t.Run(fmt.Sprint(c, linear, first), func(t *testing.T) {
					in := c.inputs(4)
					const radius = 2
					cell := func() Cell { return NewPolynomialCell(3, radius, linear) }
					h := newHarness(t, c.build(cell, first), in, 0, 1, 2, 3, 4)
					theta := in[4].Data
					gate := func(k int, z float64) float64 {
						if k == 4 && linear {
							return z
						}
						y := 0.0
						for j := 3; j >= 0; j-- {
							y = y*z/radius + float64(theta[k*4+j])
						}
						return y
					}
					wantNear(t, "state", h.output(), naiveLSTM(c, in, first, gate), 1e-6)
					h.check(1.0/64, 2e-3)
				})
			}
		}
	}
}

// Gradients are the upstream gradient's and the penalty's together. With an upstream
// gradient of 0 they are the gradient of LastPenalty alone.
func TestLSTMPenalty(t *testing.T) {
	c, count := lstmCase{2, 2, 2, 3}, 3
	in := c.inputs(4)
	cell := NewPolynomialCell(3, 1, false)
	cell.Penalty, cell.Inside, cell.Count = 10, 0.25, &count
	h := newHarness(t, c.build(func() Cell { return cell }, nil), in, 0, 1, 2, 3, 4)
	clear(h.upstream.Data().([]float32))
	for _, i := range h.wrt {
		x := h.in[i].Data().([]float32)
		for k, got := range h.gradient(i) {
			const step = 1.0 / 128
			keep, ends := x[k], [2]float64{}
			for e, v := range []float32{keep + step, keep - step} {
				x[k] = v
				h.run()
				ends[e] = cell.LastPenalty
			}
			x[k] = keep
			want := (ends[0] - ends[1]) / (2 * step)
			if math.Abs(float64(got)-want) > 2e-3*max(1, math.Abs(want)) {
				t.Errorf("gradient of input %d at %d is %v, finite difference %v", i, k, got, want)
			}
		}
	}
	if cell.LastPenalty == 0 {
		t.Error("no pre-activation was outside: the test tests nothing")
	}
}

func TestBinaryCrossEntropy(t *testing.T) {
	count := 3
	in := []array{{[]int{1, 4}, []float32{-2, 0.5, 30, 7}}, {[]int{4}, []float32{1, 0, 1, -1}}}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return BinaryCrossEntropy(v[0], v[1], &count) }, in, 0)
	want := (math.Log1p(math.Exp(2)) + math.Log1p(math.Exp(0.5)) + math.Log1p(math.Exp(-30))) / 3
	wantNear(t, "loss", h.output(), []float64{want}, 1e-6)
	wantNear(t, "gradient", h.gradient(0), []float64{(1/(1+math.Exp(2)) - 1) / 3, 1 / (1 + math.Exp(-0.5)) / 3, -math.Exp(-30) / 3, 0}, 1e-6)
}

func TestMasked(t *testing.T) {
	mask := []float32{0, 2, 1, 0, 3, 1}
	h := newHarness(t, func(v []*G.Node) (*G.Node, error) { return Masked(v[0], func() []float32 { return mask }) }, []array{sixteenths(newRand(), 2, 3)}, 0)
	h.check(1.0/16, 0)
}

func TestLSTMShapes(t *testing.T) {
	c := lstmCase{2, 3, 2, 2}
	for i := range 4 {
		in := c.inputs(0)
		in[i] = sixteenths(newRand(), append([]int(nil), 5)...)
		g := G.NewGraph()
		var nodes G.Nodes
		for k, a := range in {
			nodes = append(nodes, G.NewTensor(g, G.Float32, len(a.Shape), G.WithShape(a.Shape...), G.WithName(fmt.Sprint(k))))
		}
		if _, err := (LSTM{Steps: 2, Cell: FloatCell{}}).Apply(nodes[0], nodes[1], nodes[2], nodes[3], nil, true); err == nil {
			t.Errorf("input %d of shape %v was taken", i, in[i].Shape)
		}
	}
}

// BenchmarkLSTM trains on 60,000 samples an iteration, 100 a step, without loss or
// optimiser: inputs of 16 numbers.
func BenchmarkLSTM(b *testing.B) {
	for _, c := range []lstmCase{{5, 16, 16, 100}, {10, 16, 32, 100}, {20, 16, 64, 100}} {
		b.Run(fmt.Sprintf("steps=%d/hidden=%d", c.steps, c.hidden), func(b *testing.B) {
			h := newHarness(&testing.T{}, c.build(func() Cell { return FloatCell{} }, nil), c.inputs(0), 0, 1, 2, 3)
			b.ReportAllocs()
			for b.Loop() {
				for range 600 {
					h.vm.Reset()
					if err := h.vm.RunAll(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
