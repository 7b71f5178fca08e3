// Package export turns a quantized network into an integer program.
package export

import (
	"errors"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/model"
)

// ErrTooWide marks a network whose integers are too large to export.
var ErrTooWide = errors.New("too wide")

// Program builds the integer program of q: the integers of its weights and
// biases, its activations as integer polynomials, its average pools as sums,
// with every range proved. It returns an error that names the layer for an
// activation that is no polynomial and for one whose table would be too large.
func Program(q *model.Quantized, labels []string) (*bundle.Program, error) {
	scaling, err := q.Scaling()
	if err != nil {
		return nil, err
	}
	if err := q.Params.Check(q.Network); err != nil {
		return nil, err
	}
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	p := &bundle.Program{Input: bundle.Input{Shape: q.Network.Input, Quantizer: q.Input}, Labels: labels}
	in, weighted := q.Network.Input, 0
	for i, l := range q.Network.Layers {
		n := bundle.Node{Name: l.Name, Scale: scaling[i].Out}
		switch {
		case l.Type == model.BatchNorm: // the table after it holds it
			in = shapes[i]
			continue
		case l.Weighted():
			n.Bits = q.Weights[weighted].Bits
			weighted++
		case l.Tabled():
			if n.Op, err = table(p, l, &scaling[i], in); err != nil {
				return nil, fmt.Errorf("export: layer %q: %w", l.Name, err)
			}
			p.Nodes = append(p.Nodes, n)
			continue
		}
		if n.Op, err = operation(q, l, &scaling[i], in, shapes[i]); err != nil {
			return nil, fmt.Errorf("export: layer %q: %w", l.Name, err)
		}
		p.Nodes = append(p.Nodes, n)
		in = shapes[i]
	}
	if err := p.Prove(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return p, nil
}

func operation(q *model.Quantized, l model.Layer, s *model.LayerScaling, in, out []int) (bundle.Op, error) {
	switch {
	case l.Type == model.Flatten:
		return &bundle.Reshape{Shape: out}, nil
	case l.Type == model.AvgPool:
		return &bundle.SumPool{Kernel: bundle.Both(l.Kernel), Stride: bundle.Both(l.Steps())}, nil
	case l.Activation():
		p := &bundle.Polynomial{}
		for _, row := range s.Coeffs {
			p.Coeffs = append(p.Coeffs, bundle.NewInts(row))
		}
		return p, nil
	}
	w, b := q.Params.Of(l.Name)
	shape := l.WeightShape(in)
	weight, bias, err := integers(s, w, b, shape[0])
	if err != nil {
		return nil, err
	}
	if l.Type == model.Dense {
		return &bundle.Dense{Units: shape[0], Inputs: shape[1], Weight: weight, Bias: bias}, nil
	}
	return &bundle.Conv2D{
		Outputs: shape[0], Channels: shape[1], Kernel: [2]int{l.Kernel, l.Kernel},
		Stride: bundle.Both(l.Steps()), Padding: bundle.Around(l.Padding), Weight: weight, Bias: bias,
	}, nil
}

// integers are the weight and bias codes, the very ones that fake quantization
// computes.
func integers(s *model.LayerScaling, w, b []float32, outputs int) ([]int32, bundle.Vec, error) {
	codes := make([]float32, len(w))
	s.WeightCodes(codes, w, outputs)
	weight := make([]int32, len(w))
	for i, c := range codes {
		weight[i] = int32(c)
	}
	biases := make([]float64, len(b))
	if !s.Deferred {
		s.BiasCodes(biases, b)
	}
	for i, c := range biases {
		if math.IsInf(c, 0) {
			return nil, bundle.Vec{}, fmt.Errorf("bias %d is %v at scale %v: %w: its integer passes float64", i, b[i], s.Out[i%len(s.Out)], ErrTooWide)
		}
	}
	return weight, bundle.NewInts(biases), nil
}
