package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Tensor is a named float32 array, row-major.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Parameters are the weights and biases of a network, in layer order: for a
// layer L the tensors "L.weight" and "L.bias", for a trainable polynomial
// "L.coefficients" (see Layer.Radius).
type Parameters []Tensor

// Of returns the weight and bias of the named layer.
func (p Parameters) Of(layer string) (weight, bias []float32) {
	for _, t := range p {
		switch t.Name {
		case layer + ".weight":
			weight = t.Data
		case layer + ".bias":
			bias = t.Data
		}
	}
	return weight, bias
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
	var p Parameters
	in := n.Input
	for i, l := range n.Layers {
		if l.Weighted() {
			w := l.WeightShape(in)
			p = append(p, Tensor{Name: l.Name + ".weight", Shape: w}, Tensor{Name: l.Name + ".bias", Shape: w[:1]})
		}
		if l.Trainable && l.Coefficients != nil {
			p = append(p, l.coefficientTensor())
		}
		in = shapes[i]
	}
	return p, nil
}

// Continue gives n's parameters: those that p has by name, and the starting
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

// Initialise draws weights and biases uniformly from +-1/sqrt(fan in), from a
// PCG stream that depends on seed alone. Trainable polynomials start at their
// own coefficients.
//
// Reference: He et al., arXiv 1502.01852, with a = sqrt(5), the default of
// PyTorch's linear and convolution layers.
func (n *Network) Initialise(seed uint64) (Parameters, error) {
	p, err := n.parameters()
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, 0x696e6974)) // "init"
	fanIn := 0
	for i := range p {
		if p[i].Data != nil {
			continue // a polynomial
		}
		if s := p[i].Shape; len(s) > 1 { // a bias follows its weight
			fanIn = size(s[1:])
		}
		bound := 1 / math.Sqrt(float64(fanIn))
		p[i].Data = make([]float32, size(p[i].Shape))
		for k := range p[i].Data {
			p[i].Data[k] = float32(bound * (2*r.Float64() - 1))
		}
	}
	return p, nil
}
