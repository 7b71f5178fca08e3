package model

import (
	"fmt"
	"math"
	"math/rand/v2"
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
// polynomial "L.coefficients" (see Layer.Radius).
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
		if l.Weighted() {
			w := l.WeightShape(shapeOf(n, shapes, sources[i][0]))
			p = append(p, Tensor{Name: l.Name + ".weight", Shape: w}, Tensor{Name: l.Name + ".bias", Shape: w[:1]})
		}
		if l.Type == BatchNorm {
			for _, part := range []string{".weight", ".bias", ".mean", ".variance"} {
				p = append(p, Tensor{Name: l.Name + part, Shape: shapes[i][:1]})
			}
		}
		if l.Trainable && l.Coefficients != nil {
			p = append(p, l.coefficientTensor())
		}
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
// PCG stream that depends on seed alone. A batch norm begins with weight and
// variance 1, bias and mean 0, a trainable polynomial with its own coefficients.
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
		if p[i].Data != nil {
			continue // a polynomial
		}
		p[i].Data = make([]float32, size(p[i].Shape))
	}
	for _, l := range n.Layers {
		switch w, b := p.Of(l.Name); {
		case l.Weighted():
			bound := 1 / math.Sqrt(float64(len(w)/len(b)))
			for _, data := range [][]float32{w, b} {
				for k := range data {
					data[k] = float32(bound * (2*float64(r.Float64()) - 1))
				}
			}
		case l.Type == BatchNorm:
			for k := range w {
				w[k], p.Get(l.Name + ".variance")[k] = 1, 1
			}
		}
	}
	return p, nil
}
