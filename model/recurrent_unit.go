package model

import (
	"math"

	"qtool/internal/elementary"
)

// unitGrid has the constants of a GRU of tables in b bits: z and r are codes 0..gate of
// scale 1/gate, n and h codes -state..state of scale 1/state.
//
//	gate = 2^b - 1,   state = 2^(b-1) - 1
//
// Products of a gate and a state are rounded quarter squares, as the products of a grid
// are, with K = reset for r h, so that it has about the codes of a state, and K = mix for z h and
// (1 - z) n, whose sum a table turns into the next state. Both are powers of two.
type unitGrid struct{ gate, state, reset, mix int }

func (r *Recurrence) unitGrid() unitGrid {
	b := r.Quantizer.StateBits
	return unitGrid{gate: 1<<b - 1, state: 1<<(b-1) - 1, reset: 1 << b, mix: 1 << (b / 2)}
}

// products counts the codes of products, as grid does.
func (g unitGrid) products() grid { return grid{gate: g.gate, state: g.state} }

// resetScale is the real value of a product r h of 1.
func (g unitGrid) resetScale() float64 { return float64(g.reset) / float64(g.gate*g.state) }

// sumScale is the real value of a sum z h + (1 - z) n of 1.
func (g unitGrid) sumScale() float64 { return float64(g.mix) / float64(g.gate*g.state) }

// updateUnit computes the tables of a GRU, whose weights are there already:
//
//	a      = W x + U h, of n W x + U (r h)       one table a row: z, r, n
//	r h    = R1(r+h) - R1(r-h)
//	sum    = R2(z+h) - R2(z-h) + R2(u+n) - R2(u-n),   u = Full - z
//	h'     = Cell(sum)
func (t *CellTables) updateUnit(r *Recurrence) {
	g, units := r.unitGrid(), r.Layer.Units
	half := float64(int(1) << (r.Input.Bits - 1))
	t.Full = float32(g.gate)
	for k := range r.Rows() {
		met := float64(g.state)
		if k >= 2*units {
			met = float64(g.products().product(g.reset))
		}
		lo, hi := reach(t.W[k*r.Size:(k+1)*r.Size], -half, half-1)
		l, h := reach(t.U[k*units:(k+1)*units], -met, met)
		slope, offset := float64(r.Weights.Scales[k]), float64(r.Bias[k])
		t.Slope[k] = slope
		t.Gates[k].fill(int(lo+l), int(hi+h), func(a float64) (y, d float64) {
			z := float64(slope*a) + offset
			if k >= 2*units {
				y = elementary.Tanh(z)
				return y * float64(g.state), slope * (1 - float64(y*y)) * float64(g.state)
			}
			y = 1 / (1 + elementary.Exp(-z))
			return y * float64(g.gate), slope * y * (1 - y) * float64(g.gate)
		})
	}
	for i, k := range []int{g.reset, g.mix} {
		t.Divisors[i] = float32(k)
		t.Squares[i].fill(-g.state, g.gate+g.state, func(s float64) (float64, float64) {
			return float64(g.products().square(k, int(s))), 0
		})
	}
	most, state := 2*g.products().product(g.mix), float64(g.state)
	t.SumScale = g.sumScale()
	unit := t.SumScale * state // codes of h for a sum of 1
	t.Cell.fill(-most, most, func(a float64) (float64, float64) {
		h := a * unit
		if c := math.RoundToEven(h); c < -state || c > state {
			return min(max(h, -state), state), 0
		}
		return h, unit
	})
}

// unit runs a GRU in float64 on x of shape in, [steps, size], and returns its last state:
//
//	z_t, r_t = sigmoid(w x_t + u h_{t-1} + b)
//	n_t      = tanh(w x_t + u (r_t h_{t-1}) + b)
//	h_t      = z_t h_{t-1} + (1 - z_t) n_t
func (l Layer) unit(x []float64, in []int, w, u, b []float32) []float64 {
	size, units := in[1], l.Units
	h, reset := make([]float64, units), make([]float64, units)
	for t := range in[0] {
		row := x[t*size : (t+1)*size]
		sum := func(k int, state []float64) float64 {
			return float64(b[k]) + dot(w[k*size:(k+1)*size], row) + dot(u[k*units:(k+1)*units], state)
		}
		next := make([]float64, units)
		for j := range h {
			reset[j] = h[j] / (1 + elementary.Exp(-sum(units+j, h)))
		}
		for j := range h {
			z := 1 / (1 + elementary.Exp(-sum(j, h)))
			n := elementary.Tanh(sum(2*units+j, reset))
			next[j] = n + float64(z*(h[j]-n))
		}
		h = next
	}
	return h
}
