package model

import (
	"slices"

	"qtool/internal/elementary"
)

// ForwardWords evaluates a network that reads words on one sentence; see Forward. Of the
// layers before the entry there are no outputs.
func (n *Network) ForwardWords(p Parameters, steps [][]int32) ([][]float64, error) {
	entered := slices.Concat(n.Entered(p, steps)...)
	server, err := n.Server()
	if err != nil {
		return nil, err
	}
	behind, err := server.Forward(p, entered)
	if err != nil {
		return nil, err
	}
	outs := make([][]float64, n.Entry(), len(n.Layers))
	x := make([]float64, len(entered))
	for i, v := range entered {
		x[i] = float64(v)
	}
	return append(append(outs, x), behind...), nil
}

// recur runs the recurrent layer on x of shape in, [steps, size], and returns its last
// state. Of an LSTM:
//
//	z_t = w x_t + u h_{t-1} + b
//	c_t = f_t c_{t-1} + i_t g_t
//	h_t = o_t v(c_t)
//
// where i, f, g and o are the layer's activations of the parts of z, and v its activation of
// c. The formulas of a GRU are at unit.
func (l Layer) recur(p Parameters, x []float64, in []int) []float64 {
	w, u, b := p.Get(l.Name+".input"), p.Get(l.Name+".hidden"), p.Get(l.Name+".bias")
	size, units := in[1], l.Units
	if l.Type == GRU {
		return l.unit(x, in, w, u, b)
	}
	h, c := make([]float64, units), make([]float64, units)
	z := make([]float64, l.gateRows())
	for t := range in[0] {
		row := x[t*size : (t+1)*size]
		for k := range z {
			z[k] = float64(b[k]) + dot(w[k*size:(k+1)*size], row) + dot(u[k*units:(k+1)*units], h)
		}
		for j := range h {
			i, f := l.gate(p, 0, z[j]), l.gate(p, 1, z[units+j])
			g, o := l.gate(p, 2, z[2*units+j]), l.gate(p, 3, z[3*units+j])
			c[j] = float64(f*c[j]) + float64(i*g)
			h[j] = o * l.gate(p, 4, c[j])
		}
	}
	return h
}

// gate is activation k of the recurrent layer at z: 0 to 3 are the activations of the
// gates i, f, g and o, 4 is the activation of the cell state.
func (l Layer) gate(p Parameters, k int, z float64) float64 {
	switch g := l.Gates; {
	case g == nil && (k == 2 || k == 4):
		return elementary.Tanh(z)
	case g == nil:
		return 1 / (1 + elementary.Exp(-z))
	case k == 4 && g.LinearOutput:
		return z
	default:
		theta := p.Get(l.Name + ".gates")[k*(g.Degree+1) : (k+1)*(g.Degree+1)]
		y := 0.0
		for j := g.Degree; j >= 0; j-- {
			y = float64(y*(z/g.Radius)) + float64(theta[j])
		}
		return y
	}
}

func dot(w []float32, x []float64) (sum float64) {
	for k, v := range x {
		sum += float64(float64(w[k]) * v)
	}
	return sum
}
