package bundletest

import (
	"cmp"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// Wiring builds a graph by hand: nodes with names and inputs, weights within
// -Largest..Largest and biases within -LargestBias..LargestBias, and the scale 1 unless
// another is given.
type Wiring struct {
	Program     *bundle.Program
	Largest     int32      // 0 means 7
	LargestBias int32      // 0 means Largest
	Random      *rand.Rand // draws weights and biases; nil takes a fixed pattern

	drawn int32
}

// Wire begins a program on integers of so many bits, less zero.
func Wire(bits int, zero int32, shape ...int) *Wiring {
	q := quant.Params{Scale: 1, Bits: quant.BitWidth(bits), ZeroPoint: zero}
	return &Wiring{Program: &bundle.Program{Input: bundle.Input{Shape: shape, Quantizer: q}}}
}

// Add appends a node that reads the named tensors, or the one before it.
func (w *Wiring) Add(name string, op bundle.Op, in ...string) *Wiring {
	return w.Scaled(1, name, op, in...)
}

// Scaled is Add with an output of that scale.
func (w *Wiring) Scaled(scale float64, name string, op bundle.Op, in ...string) *Wiring {
	n := bundle.Node{Name: name, Op: op, Inputs: in, Scale: []float64{scale}}
	if _, ok := op.(bundle.Weighted); ok {
		n.Bits = 4
	}
	w.Program.Nodes = append(w.Program.Nodes, n)
	return w
}

// draw gives n numbers within -most..most.
func (w *Wiring) draw(n int, most int32) []int32 {
	v := make([]int32, n)
	for i := range v {
		if w.Random != nil {
			v[i] = w.Random.Int32N(2*most+1) - most
			continue
		}
		w.drawn = (w.drawn*5 + 3) % 1009
		v[i] = w.drawn%(2*most+1) - most
	}
	return v
}

func (w *Wiring) weights(n int) []int32 { return w.draw(n, cmp.Or(w.Largest, 7)) }

func (w *Wiring) bias(n int) bundle.Vec {
	v := make([]int64, n)
	for i, x := range w.draw(n, cmp.Or(w.LargestBias, w.Largest, 7)) {
		v[i] = int64(x)
	}
	return bundle.Vec{Small: v}
}

// Conv is a convolution with strides of 1 and no padding, which the caller may change.
func (w *Wiring) Conv(outputs, channels, groups, height, width int) *bundle.Conv2D {
	return &bundle.Conv2D{
		Outputs: outputs, Channels: channels, Groups: groups, Kernel: bundle.Pair{height, width}, Stride: bundle.Both(1),
		Weight: w.weights(outputs * channels / max(1, groups) * height * width), Bias: w.bias(outputs),
	}
}

// Same is a convolution of 3x3 whose pictures keep their size.
func (w *Wiring) Same(outputs, channels int) *bundle.Conv2D {
	c := w.Conv(outputs, channels, 1, 3, 3)
	KeepSize(c)
	return c
}

// Dense is a dense map.
func (w *Wiring) Dense(units, inputs int) *bundle.Dense {
	return &bundle.Dense{Units: units, Inputs: inputs, Weight: w.weights(units * inputs), Bias: w.bias(units)}
}

// Table appends a table over the static bound of a tensor, whose entries are the indices
// modulo 3.
func (w *Wiring) Table(t testing.TB, name, in string) *Wiring {
	t.Helper()
	b, err := w.Program.TensorBounds(in)
	if err != nil {
		t.Fatal(err)
	}
	r := b.Range()
	table := bundle.Table{Lo: r.Lo.Int64()}
	for q := table.Lo; q <= r.Hi.Int64(); q++ {
		table.Values = append(table.Values, int32((q%3+3)%3))
	}
	return w.Add(name, &bundle.LookupTable{Tables: []bundle.Table{table}}, in)
}

// Done has so many outputs and proves the ranges.
func (w *Wiring) Done(t testing.TB, labels int) *bundle.Program {
	t.Helper()
	w.Program.Labels = make([]string, labels)
	if err := w.Program.Prove(); err != nil {
		t.Fatal(err)
	}
	return w.Program
}

// Samples are n inputs of random bytes for p, quantized, the same each time.
func Samples(p *bundle.Program, n int) []bundle.Sample {
	r := Rand(31)
	all := make([][]uint8, n)
	for i := range all {
		all[i] = make([]uint8, bundle.Size(p.Input.Shape))
		for k := range all[i] {
			all[i][k] = uint8(r.UintN(256))
		}
	}
	return p.Input.Samples(all)
}
