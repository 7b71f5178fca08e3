package model

import "math"

// Forward evaluates the network on one image in float64 and returns every
// layer's output. It is the plain definition that training's fast operations
// are tested against, and the real-valued side of a layer's SQNR.
func (n *Network) Forward(p Parameters, image []float32) ([][]float64, error) {
	shapes, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(image))
	for i, v := range image {
		x[i] = float64(v)
	}
	in := n.Input
	outs := make([][]float64, len(n.Layers))
	for i, l := range n.Layers {
		w, b := p.Of(l.Name)
		switch l.Type {
		case Conv:
			x = convolve(l, x, in, shapes[i], w, b)
		case Dense:
			y := make([]float64, l.Units)
			for o := range y {
				y[o] = float64(b[o])
				for k, v := range x {
					y[o] += float64(w[o*len(x)+k]) * v
				}
			}
			x = y
		case AvgPool:
			x = average(l, x, in, shapes[i])
		case Flatten:
		default:
			l := p.Trained(l)
			y := make([]float64, len(x))
			for k, v := range x {
				y[k] = l.Apply(v)
			}
			x = y
		}
		outs[i], in = x, shapes[i]
	}
	return outs, nil
}

// Apply is the activation at x.
func (l Layer) Apply(x float64) float64 {
	switch l.Function() {
	case Square:
		return x * x
	case Tanh:
		return math.Tanh(x)
	case Sigmoid:
		return 1 / (1 + math.Exp(-x))
	case ReLU:
		return max(x, 0)
	case SiLU:
		return x / (1 + math.Exp(-x))
	case Polynomial:
		y := 0.0
		for k := len(l.Coefficients) - 1; k >= 0; k-- {
			y = y*x + l.Coefficients[k]
		}
		return y
	}
	return x
}

func convolve(l Layer, x []float64, in, out []int, w, b []float32) []float64 {
	y := make([]float64, size(out))
	k := l.Kernel
	for o := range out[0] {
		for r := range out[1] {
			for c := range out[2] {
				acc := float64(b[o])
				for ch := range in[0] {
					for i := range k {
						for j := range k {
							rr, cc := r*l.Steps()+i-l.Padding, c*l.Steps()+j-l.Padding
							if rr >= 0 && rr < in[1] && cc >= 0 && cc < in[2] {
								acc += float64(w[((o*in[0]+ch)*k+i)*k+j]) * x[(ch*in[1]+rr)*in[2]+cc]
							}
						}
					}
				}
				y[(o*out[1]+r)*out[2]+c] = acc
			}
		}
	}
	return y
}

func average(l Layer, x []float64, in, out []int) []float64 {
	y := make([]float64, size(out))
	k := l.Kernel
	for ch := range out[0] {
		for r := range out[1] {
			for c := range out[2] {
				acc := 0.0
				for i := range k {
					for j := range k {
						acc += x[(ch*in[1]+r*l.Steps()+i)*in[2]+c*l.Steps()+j]
					}
				}
				y[(ch*out[1]+r)*out[2]+c] = acc / float64(k*k)
			}
		}
	}
	return y
}
