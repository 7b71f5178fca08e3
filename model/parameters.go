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
// layer L the tensors "L.weight" and "L.bias".
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

// parameters is the network's tensors with names and shapes but no data.
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
		in = shapes[i]
	}
	return p, nil
}

// Initialise draws weights and biases uniformly from +-1/sqrt(fan in), from a
// PCG stream that depends on seed alone.
//
// Reference: He et al., arXiv 1502.01852, with a = sqrt(5), the default of
// PyTorch's linear and convolution layers.
func (n *Network) Initialise(seed uint64) (Parameters, error) {
	p, err := n.parameters()
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, 0x696e6974)) // "init"
	for i := range p {
		fanIn := size(p[i&^1].Shape[1:]) // a bias follows its weight
		bound := 1 / math.Sqrt(float64(fanIn))
		p[i].Data = make([]float32, size(p[i].Shape))
		for k := range p[i].Data {
			p[i].Data[k] = float32(bound * (2*r.Float64() - 1))
		}
	}
	return p, nil
}
