package model

import "qtool/internal/elementary"

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
		if l.Type == BatchNorm {
			x = normalise(p, l.Name, x)
		} else {
			x = p.Trained(l).Forward(x, in, shapes[i], w, b)
		}
		outs[i], in = x, shapes[i]
	}
	return outs, nil
}

// Forward evaluates the layer on one image x of shape in to one of shape out,
// which Network.Shapes gives; w and b are for weighted layers alone. A layer
// that changes nothing returns x itself.
func (l Layer) Forward(x []float64, in, out []int, w, b []float32) []float64 {
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
	case AvgPool:
		return average(l, x, in, out)
	case Flatten:
		return x
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

// convolve goes over a row of outputs for each weight: every output still adds its
// products in the order of the weights.
func convolve(l Layer, x []float64, in, out []int, w, b []float32) []float64 {
	y := make([]float64, size(out))
	k, stride := l.Kernel, l.Steps()
	for o := range out[0] {
		for r := range out[1] {
			row := y[(o*out[1]+r)*out[2]:][:out[2]]
			for c := range row {
				row[c] = float64(b[o])
			}
			for ch := range in[0] {
				for i := range k {
					rr := r*stride + i - l.Padding
					if rr < 0 || rr >= in[1] {
						continue
					}
					src := x[(ch*in[1]+rr)*in[2]:][:in[2]]
					for j := range k {
						f := float64(w[((o*in[0]+ch)*k+i)*k+j])
						// Columns c with 0 <= c*stride+j-padding < width.
						from := max(0, (l.Padding-j+stride-1)/stride)
						for c, cc := from, from*stride+j-l.Padding; c < len(row) && cc < len(src); c, cc = c+1, cc+stride {
							row[c] += float64(f * src[cc])
						}
					}
				}
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
