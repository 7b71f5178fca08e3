package bundletest

import (
	"fmt"

	"qtool/bundle"
)

// Shape is the shape of the tensor called name. It panics if there is none, as it does
// where a node's inputs do not meet: graphs of tests are right.
func (w *Wiring) Shape(name string) []int {
	shapes, last := map[string][]int{bundle.InputName: w.Program.Input.Shape}, bundle.InputName
	for _, n := range w.Program.Nodes {
		from := n.Inputs
		if from == nil {
			from = []string{last}
		}
		var in [][]int
		for _, f := range from {
			in = append(in, shapes[f])
		}
		shape, err := n.Op.OutShape(in...)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", n.Name, err))
		}
		shapes[n.Name], last = shape, n.Name
	}
	if shapes[name] == nil {
		panic(fmt.Sprintf("no tensor %q", name))
	}
	return shapes[name]
}

// ConvOf appends a convolution of from, with strides of 1 and no padding unless edit, if
// not nil, changes them. Groups must be a multiple that from has.
func (w *Wiring) ConvOf(name, from string, outputs int, kernel bundle.Pair, edit func(*bundle.Conv2D)) *Wiring {
	channels := w.Shape(from)[0]
	shape := &bundle.Conv2D{}
	if edit != nil {
		edit(shape)
	}
	c := w.Conv(outputs, channels, shape.Groups, kernel[0], kernel[1])
	if edit != nil {
		edit(c)
	}
	return w.Add(name, c, from)
}

// KeepSize makes a convolution of 3x3 keep its picture's size.
func KeepSize(c *bundle.Conv2D) { c.Padding = bundle.Around(1) }

// SquareOf appends the squares of from.
func (w *Wiring) SquareOf(name, from string) *Wiring { return w.Add(name, bundle.Square(), from) }

// PoolOf appends the sums of from's windows of 2x2.
func (w *Wiring) PoolOf(name, from string) *Wiring {
	return w.Add(name, &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}, from)
}

// SumOf appends the sum of tensors.
func (w *Wiring) SumOf(name string, from ...string) *Wiring {
	ones := make([]int32, len(from))
	for i := range ones {
		ones[i] = 1
	}
	return w.Add(name, &bundle.Add{Weights: ones}, from...)
}

// DenseOf appends a dense map of from, behind a reshape where that is a picture.
func (w *Wiring) DenseOf(name, from string, units int) *Wiring {
	shape := w.Shape(from)
	n := bundle.Size(shape)
	if len(shape) > 1 {
		w.Add(name+" flat", &bundle.Reshape{Shape: []int{n}}, from)
		from = name + " flat"
	}
	return w.Add(name, w.Dense(units, n), from)
}

// Observe fills in the ranges that the nodes' tensors show for samples.
func Observe(p *bundle.Program, samples []bundle.Sample) error {
	run, err := bundle.NewRunner(p)
	if err != nil {
		return err
	}
	for _, s := range samples {
		_, err := run.Run(s.Vec(), func(i int, v bundle.Vec) {
			r := bundle.RangeOf(v)
			if n := &p.Nodes[i]; n.Seen.Lo == nil {
				n.Seen = r
			} else {
				n.Seen = n.Seen.Union(r)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
