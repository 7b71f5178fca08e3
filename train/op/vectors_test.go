package op

import (
	"encoding/json"
	"os"
	"testing"

	G "gorgonia.org/gorgonia"
)

// torchCase is a case of testdata/conv.json, made by PyTorch 1.13 in float64;
// see testdata/conv.py.
type torchCase struct {
	Op    string
	Attrs struct {
		Kernel, Stride, Pad []int
		Labels              []int
		CountIncludePad     *bool `json:"count_include_pad"`
	}
	Inputs, Grads    map[string]torchArray
	Output, Upstream torchArray
}

type torchArray struct {
	Shape []int
	Data  []float64
}

func (a torchArray) narrow() array {
	n := array{a.Shape, make([]float32, len(a.Data))}
	for i, x := range a.Data {
		n.Data[i] = float32(x)
	}
	return n
}

// batchLast moves the first dimension behind the others: from PyTorch's order to
// the operations'.
func (a torchArray) batchLast() torchArray {
	if len(a.Shape) < 2 {
		return a
	}
	n, per := a.Shape[0], len(a.Data)/a.Shape[0]
	b := torchArray{append(append([]int(nil), a.Shape[1:]...), n), make([]float64, len(a.Data))}
	for i, x := range a.Data {
		b.Data[i%per*n+i/per] = x
	}
	return b
}

// batchLast converts all tensors but weights.
func (c torchCase) batchLast() torchCase {
	for _, m := range []map[string]torchArray{c.Inputs, c.Grads} {
		for name, a := range m {
			if name != "w" {
				m[name] = a.batchLast()
			}
		}
	}
	c.Output, c.Upstream = c.Output.batchLast(), c.Upstream.batchLast()
	return c
}

// torchCases are the cases of an operation that filter keeps; there must be at
// least least of them.
func torchCases(t *testing.T, op string, least int, filter func(torchCase) bool) []torchCase {
	t.Helper()
	b, err := os.ReadFile("testdata/conv.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []torchCase }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	var cases []torchCase
	for _, c := range file.Cases {
		if c.Op == op && (filter == nil || filter(c)) {
			cases = append(cases, c.batchLast())
		}
	}
	if len(cases) < least {
		t.Fatalf("%d cases of %s, want at least %d", len(cases), op, least)
	}
	return cases
}

// window is the case's.
func (c torchCase) window() Window {
	a := c.Attrs
	w := Square(1, 1, 0)
	w.Kernel, w.Stride = [2]int(a.Kernel), [2]int(a.Stride)
	w.Before, w.After = [2]int(a.Pad), [2]int(a.Pad)
	return w
}

// matches runs the case and compares output and gradients of the inputs named.
func (c torchCase) matches(t *testing.T, build builder, in []array, relative float64, names ...string) {
	t.Helper()
	wrt := make([]int, len(names))
	for i := range wrt {
		wrt[i] = i
	}
	h := newHarness(t, build, in, wrt...)
	if h.upstream != nil {
		copy(h.upstream.Data().([]float32), c.Upstream.narrow().Data)
	}
	wantNear(t, c.Op, h.output(), c.Output.Data, relative)
	for i, name := range names {
		want := c.Grads[name].Data
		if h.upstream == nil { // torch's gradients are of upstream * loss
			want = append([]float64(nil), want...)
			for k := range want {
				want[k] /= c.Upstream.Data[0]
			}
		}
		wantNear(t, c.Op+" gradient of "+name, h.gradient(i), want, relative)
	}
}

// Convolutions are of small multiples of 1/16: exact in float32.
func TestConvVectors(t *testing.T) {
	for _, c := range torchCases(t, "conv2d", 8, nil) {
		w := c.Inputs["w"].narrow()
		in := []array{c.Inputs["x"].narrow(), w, {w.Shape[:1], make([]float32, w.Shape[0])}}
		c.matches(t, func(v []*G.Node) (*G.Node, error) {
			return Conv2D(v[0], v[1], v[2], c.window(), true)
		}, in, 0, "x", "w")
	}
}

// So are pools over a power of two of pixels; 1/9 is rounded to float32 and so
// is the product with it. Padding counts as zeros, so that cases which leave it out
// of the count are not ours.
func TestPoolVectors(t *testing.T) {
	for _, c := range torchCases(t, "avg_pool2d", 6, func(c torchCase) bool { return *c.Attrs.CountIncludePad }) {
		w, relative := c.window(), 0.0
		if k := w.area(); k&(k-1) != 0 {
			relative = 4 * 0x1p-23 // up to four windows add up in a gradient
		}
		c.matches(t, func(v []*G.Node) (*G.Node, error) {
			return Pool(v[0], w, 1/float32(w.area()))
		}, []array{c.Inputs["x"].narrow()}, relative, "x")
	}
}

func TestActivationVectors(t *testing.T) {
	for _, c := range []struct {
		op       string
		f        func(*G.Node) (*G.Node, error)
		relative float64
	}{
		// Exact but for the input 1e-9, which is rounded to float32.
		{"relu", ReLU, 0x1p-50},
		{"square", func(x *G.Node) (*G.Node, error) {
			return Polynomial(x, func() [][]float32 { return [][]float32{{0, 0, 1}} })
		}, 0x1p-50},
		// One rounding of y to float32, doubled in y*y, and two more operations;
		// times |upstream| <= 1.5.
		{"tanh", Tanh, 1.5 * 5 * 0x1p-24},
		{"sigmoid", Sigmoid, 1.5 * 5 * 0x1p-24},
	} {
		for _, v := range torchCases(t, c.op, 1, nil) {
			in := v.Inputs["x"].narrow()
			v.matches(t, func(n []*G.Node) (*G.Node, error) { return c.f(n[0]) }, []array{in}, c.relative, "x")
		}
	}
}

// The loss is rounded once to float32; a gradient's softmax, its division by the
// count and its difference with 1/count are three roundings.
func TestCrossEntropyVectors(t *testing.T) {
	for _, c := range torchCases(t, "softmax_cross_entropy", 4, nil) {
		if c.Upstream.Data[0] == 0 {
			t.Fatal("an upstream gradient of 0 shows nothing")
		}
		count := len(c.Attrs.Labels)
		labels := array{[]int{count}, make([]float32, count)}
		for i, l := range c.Attrs.Labels {
			labels.Data[i] = float32(l)
		}
		c.matches(t, func(v []*G.Node) (*G.Node, error) { return CrossEntropy(v[0], v[1], &count) },
			[]array{c.Inputs["logits"].narrow(), labels}, 3*0x1p-24, "logits")
	}
}
