// Package op holds qtool's own Gorgonia operations: layers whose stock
// versions are slow or wrong, and the building blocks of fake quantization.
//
// Every operation is an instance of one generic type with a kernel on flat
// float32 slices. It owns its output buffer, which is overwritten by the next
// run of its graph, and has a hash of its own, so that Gorgonia never merges
// two of them. Shapes, batch included, are fixed when the graph is built. The
// batch is the last dimension of every tensor but parameters: see kernel/f32.
package op

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"sync/atomic"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// operation implements gorgonia.Op and gorgonia.SDOp.
type operation struct {
	name  string
	id    uint64
	in    []tensor.Shape // nil entry: a scalar
	shape tensor.Shape   // of the output; scalar where empty
	out   *tensor.Dense  // nil for a scalar

	values [][]float32 // of the inputs, in a run; kept to allocate nothing
	// run computes the output from the inputs, all row-major. It may keep
	// scratch of its own between runs but no state.
	run func(out []float32, in [][]float32)
	// diff[i] builds the gradient of input i, or is nil where none is wanted.
	diff []func(inputs G.Nodes, output, grad *G.Node) (*G.Node, error)
}

var instances atomic.Uint64

// apply adds an operation to the graph of its inputs.
func apply(o operation, inputs ...*G.Node) (*G.Node, error) {
	o.id = instances.Add(1)
	for _, n := range inputs {
		o.in = append(o.in, n.Shape())
	}
	o.values = make([][]float32, len(inputs))
	if len(o.shape) > 0 {
		o.out = tensor.New(tensor.WithShape(o.shape...), tensor.Of(tensor.Float32))
	}
	if o.diff == nil {
		o.diff = make([]func(G.Nodes, *G.Node, *G.Node) (*G.Node, error), len(inputs))
	}
	return G.ApplyOp(&o, inputs...)
}

func (o *operation) Arity() int { return len(o.in) }

func (o *operation) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.in)+1)
	for _, s := range append(append([]tensor.Shape(nil), o.in...), o.shape) {
		if len(s) == 0 {
			types = append(types, hm.TypeVariable('a'))
		} else {
			types = append(types, G.TensorType{Dims: len(s), Of: hm.TypeVariable('a')})
		}
	}
	return hm.NewFnType(types...)
}

func (o *operation) InferShape(...G.DimSizer) (tensor.Shape, error) {
	if len(o.shape) == 0 {
		return tensor.ScalarShape(), nil
	}
	return o.shape.Clone(), nil
}

// Do runs the kernel. A panic inside it comes back as an error, because the
// tape machine would let it kill the process.
func (o *operation) Do(values ...G.Value) (result G.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("op %s: %v", o.name, r)
		}
	}()
	for i, v := range values {
		switch v := v.(type) {
		case *tensor.Dense:
			if v.Dtype() != tensor.Float32 {
				return nil, fmt.Errorf("op %s: input %d holds %v, want float32", o.name, i, v.Dtype())
			}
			o.values[i] = v.Float32s()
		case *G.F32:
			o.values[i] = append(o.values[i][:0], float32(*v))
		default:
			return nil, fmt.Errorf("op %s: input %d is %T, want float32", o.name, i, v)
		}
		if want := o.in[i].TotalSize(); len(o.in[i]) > 0 && len(o.values[i]) != want {
			return nil, fmt.Errorf("op %s: input %d has %d elements, want %d", o.name, i, len(o.values[i]), want)
		}
	}
	if o.out == nil {
		var scalar [1]float32
		o.run(scalar[:], o.values)
		return G.NewF32(scalar[0]), nil
	}
	o.run(o.out.Float32s(), o.values)
	return o.out, nil
}

func (o *operation) ReturnsPtr() bool     { return false }
func (o *operation) CallsExtern() bool    { return false }
func (o *operation) OverwritesInput() int { return -1 }
func (o *operation) String() string       { return fmt.Sprintf("%s#%d", o.name, o.id) }

func (o *operation) WriteHash(h hash.Hash) {
	h.Write([]byte("qtool/" + o.name))
	binary.Write(h, binary.LittleEndian, o.id)
}

func (o *operation) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *operation) DiffWRT(int) []bool {
	wrt := make([]bool, len(o.diff))
	for i, d := range o.diff {
		wrt[i] = d != nil
	}
	return wrt
}

func (o *operation) SymDiff(inputs G.Nodes, output, grad *G.Node) (G.Nodes, error) {
	grads := make(G.Nodes, len(inputs))
	for i, d := range o.diff {
		if d == nil {
			continue
		}
		var err error
		if grads[i], err = d(inputs, output, grad); err != nil {
			return nil, fmt.Errorf("op %s: gradient of input %d: %w", o.name, i, err)
		}
	}
	return grads, nil
}

// gradients is shorthand for the diff field.
type gradients = []func(inputs G.Nodes, output, grad *G.Node) (*G.Node, error)
