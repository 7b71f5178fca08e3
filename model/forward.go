package model

import (
	"slices"

	"qtool/internal/elementary"
)

// Forward evaluates the network on one image, or the vectors of a sequence, in float64 and
// returns every layer's output; of words see ForwardWords. It is the plain definition that training's fast operations
// are tested against, and the real-valued side of a layer's SQNR.
func (n *Network) Forward(p Parameters, image []float32) ([][]float64, error) {
	shapes, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(image))
	for i, v := range image {
		x[i] = float64(v)
	}
	outs := make([][]float64, len(n.Layers))
	for i, l := range n.Layers {
		ins := make([][]float64, len(sources[i]))
		for k, from := range sources[i] {
			if ins[k] = x; from != Input {
				ins[k] = outs[from]
			}
		}
		w, b := p.Of(l.Name)
		if l.Type == BatchNorm {
			outs[i] = normalise(p, l.Name, ins[0])
		} else if l.Recurrent() {
			outs[i] = l.recur(p, ins[0], shapeOf(n, shapes, sources[i][0]))
		} else {
			outs[i] = p.Trained(l).Forward(ins, shapeOf(n, shapes, sources[i][0]), shapes[i], w, b)
		}
	}
	return outs, nil
}

// Forward evaluates the layer on one image's tensors ins, the first of shape in,
// to one of shape out, which Network.Shapes gives; w and b are for weighted layers
// alone. A layer that changes nothing returns its input itself.
func (l Layer) Forward(ins [][]float64, in, out []int, w, b []float32) []float64 {
	x := ins[0]
	switch l.Type {
	case Conv:
		return convolve(l, x, in, out, w, b)
	case Dense:
		y := make([]float64, l.Units)
		for o := range y {
			y[o] = float64(b[o])
			for k, v := range x {
				y[o] += float64(float64(w[o*len(x)+k]) * v)
			}
		}
		return y
	case AvgPool, GlobalAvgPool:
		return average(l, x, in, out)
	case MaxPool, GlobalMaxPool:
		return largest(l, x, in, out)
	case Flatten, Dropout:
		return x
	case Add, Mul:
		y := slices.Clone(x)
		for _, x := range ins[1:] {
			for k, v := range x {
				if l.Type == Add {
					y[k] += v
				} else {
					y[k] *= v
				}
			}
		}
		return y
	case Concat:
		return slices.Concat(ins...)
	}
	y := make([]float64, len(x))
	for k, v := range x {
		y[k] = l.Apply(v)
	}
	return y
}

// normalise applies a batch norm's running moments.
func normalise(p Parameters, name string, x []float64) []float64 {
	slope, offset := p.Normalisation(name)
	y := make([]float64, len(x))
	for k, v := range x {
		c := k * len(slope) / len(x)
		y[k] = float64(slope[c]*v) + offset[c]
	}
	return y
}

// Apply is the activation at x.
func (l Layer) Apply(x float64) float64 {
	switch l.Function() {
	case Square:
		return x * x
	case Tanh:
		return elementary.Tanh(x)
	case Sigmoid:
		return 1 / (1 + elementary.Exp(-x))
	case ReLU:
		return max(x, 0)
	case SiLU:
		return x / (1 + elementary.Exp(-x))
	case Sign:
		if x < 0 {
			return -1
		}
		return 1
	case Polynomial:
		y := 0.0
		for k := len(l.Coefficients) - 1; k >= 0; k-- {
			y = float64(y*x) + l.Coefficients[k]
		}
		return y
	}
	return x
}
