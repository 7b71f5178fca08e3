package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Tensor is a named float32 array, row-major.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Parameters are the tensors of a network, in layer order: for a conv or dense
// layer L "L.weight" and "L.bias"; for a batch norm these and the running
// "L.mean" and "L.variance", which are observed, not trained; for a trainable
// polynomial "L.coefficients" (see Layer.Radius); for an embedding and a projection
// "L.weight"; for an LSTM "L.input", "L.hidden" and "L.bias" and, where its gates are
// polynomials, "L.gates" (see Gates).
type Parameters []Tensor

// layer is the name of the layer that the tensor belongs to.
func (t Tensor) layer() string { return t.Name[:max(strings.LastIndexByte(t.Name, '.'), 0)] }

// Get is the data of the tensor called name, nil where there is none.
func (p Parameters) Get(name string) []float32 {
	for _, t := range p {
		if t.Name == name {
			return t.Data
		}
	}
	return nil
}

// Of returns the weight and bias of the named layer.
func (p Parameters) Of(layer string) (weight, bias []float32) {
	return p.Get(layer + ".weight"), p.Get(layer + ".bias")
}

// Clone is a deep copy.
func (p Parameters) Clone() Parameters {
	c := slices.Clone(p)
	for i := range c {
		c[i].Data = slices.Clone(c[i].Data)
	}
	return c
}

// Count is the number of scalars.
func (p Parameters) Count() int {
	n := 0
	for _, t := range p {
		n += len(t.Data)
	}
	return n
}

// CountOf is the number of scalars of a layer that training changes: running moments are
// none.
func (p Parameters) CountOf(l Layer) int {
	n := 0
	for _, t := range p {
		if moments := strings.HasSuffix(t.Name, ".mean") || strings.HasSuffix(t.Name, ".variance"); t.layer() == l.Name && !moments {
			n += len(t.Data)
		}
	}
	return n
}

// Check returns an error that names the tensor and the value unless p has
// exactly the tensors of n, in order, with finite values.
func (p Parameters) Check(n *Network) error {
	want, err := n.parameters()
	if err != nil {
		return err
	}
	if len(p) != len(want) {
		return fmt.Errorf("model: %d parameter tensors, the network has %d", len(p), len(want))
	}
	for i, t := range p {
		if t.Name != want[i].Name || !slices.Equal(t.Shape, want[i].Shape) || len(t.Data) != size(t.Shape) {
			return fmt.Errorf("model: tensor %q of shape %v, the network wants %q of shape %v", t.Name, t.Shape, want[i].Name, want[i].Shape)
		}
		for k, v := range t.Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("model: tensor %q: element %d is %v, not finite", t.Name, k, v)
			}
			if v < 0 && strings.HasSuffix(t.Name, ".variance") {
				return fmt.Errorf("model: tensor %q: element %d is %v, negative", t.Name, k, v)
			}
		}
	}
	return nil
}

// parameters is the network's tensors with names and shapes, but no data except
// the starting values of trainable polynomials.
func (n *Network) parameters() (Parameters, error) {
	shapes, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	var p Parameters
	for i, l := range n.Layers {
		if l.Type == Embedding && l.Words == 0 {
			return nil, fmt.Errorf("model: layer %q (%s): how many words it has is not known", l.Name, l.Type)
		}
		p = append(p, l.tensors(shapeOf(n, shapes, sources[i][0]), shapes[i])...)
	}
	return p, nil
}

// Continue gives n's parameters: the parameters that p has by name, and the starting
// values of trainable polynomials that it has not. It returns an error that
// names a tensor which p lacks or n has no use for. Data is shared with p.
func (n *Network) Continue(p Parameters) (Parameters, error) {
	all, err := n.parameters()
	if err != nil {
		return nil, err
	}
	used := 0
	for i := range all {
		for _, t := range p {
			if t.Name == all[i].Name {
				all[i] = t
				used++
			}
		}
	}
	if used != len(p) {
		return nil, fmt.Errorf("model: %d of %d parameter tensors belong to the network", used, len(p))
	}
	return all, all.Check(n)
}
