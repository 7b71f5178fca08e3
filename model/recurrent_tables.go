package model

import (
	"math"

	"qtool/internal/elementary"
)

// grid has the constants of a cell of tables in b bits: gates i, f and o are codes
// 0..gate of scale 1/gate, and g, v, c and h codes -state..state.
//
//	gate = 2^b - 1,   state = 2^(b-1) - 1
//	c = cellRange/state * code,   h = hidden() * code
//
// A product of a gate and a state is the difference of two rounded quarter squares,
//
//	x y / K ~ R(x+y) - R(x-y),   R(s) = round(s^2 / 4K)
//
// with K = forget for f c, input for i g (so that both are multiples of one unit;
// powers of two, as bundle.Mul has them) and output for o v (so that |h| <= state
// needs no table of its own).
type grid struct{ gate, state, cellRange, forget, input, output int }

func (r *Recurrence) grid() grid {
	q := &r.Quantizer
	g := grid{gate: 1<<q.StateBits - 1, state: 1<<(q.StateBits-1) - 1, cellRange: q.CellRange}
	g.forget = 1 << (q.StateBits / 2)
	g.input = g.forget * g.cellRange
	for g.output = 1; g.square(g.output, g.gate+g.state) > g.state; {
		g.output++
	}
	return g
}

// square is R of the product with constant k.
func (g grid) square(k, s int) int { return int(math.RoundToEven(float64(s*s) / float64(4*k))) }

// provedPairs is up to how many pairs of factors a program proves the exact range of their
// products; see bundle.Mul.
const provedPairs = 1 << 10

// product is the largest magnitude of R(x+y) - R(x-y) for a gate x and a state y, as the
// program proves it: where there are many of them, k being a power of two, it is the
// largest magnitude of x y / k, and 1 more.
func (g grid) product(k int) int {
	if (g.gate+1)*(2*g.state+1) > provedPairs {
		return (g.gate*g.state+k-1)/k + 1
	}
	most := 0
	for x := 0; x <= g.gate; x++ {
		for y := 0; y <= g.state; y++ {
			most = max(most, g.square(k, x+y)-g.square(k, x-y))
		}
	}
	return most
}

// hidden is the real value of a hidden state of 1: K / (gate state).
func (g grid) hidden() float64 { return float64(g.output) / float64(g.gate*g.state) }

// sum is the real value of a cell sum of 1: what K f c has for a unit.
func (g grid) sum() float64 {
	return float64(g.forget*g.cellRange) / float64(g.gate*g.state)
}

// LookupTable holds the codes of the indices Lo, Lo+1, ..., and the slopes that training
// takes them to have there.
type LookupTable struct {
	Lo            int
	Codes, Slopes []float32
}

// At is the entry of x.
func (t *LookupTable) At(x float32) float32 { return t.Codes[int(x)-t.Lo] }

// SlopeAt is the slope at x.
func (t *LookupTable) SlopeAt(x float32) float32 { return t.Slopes[int(x)-t.Lo] }

// CellTables is the integer cell of a recurrent layer of tables: the very integers that
// training computes with and that the bundle holds. Of an LSTM:
//
//	z      = W x + U h                                 one table a row: i, f, g, o
//	sum    = R1(i+g) - R1(i-g) + R2(f+c) - R2(f-c)
//	c'     = Cell(sum),   v = Out(sum)
//	h'     = R3(o+v) - R3(o-v)
type CellTables struct {
	W, U []float32 // [4 Units, Size] and [4 Units, Units]
	// Gates has a table a row. Its slopes are by the accumulator; Slope[r] is the
	// accumulator's unit.
	Gates []LookupTable
	Slope []float64
	// Squares are R1, R2 and R3, Divisors their constants K; the first two are
	// powers of two.
	Squares   [3]LookupTable
	Divisors  [3]float32
	Cell, Out LookupTable
	// SumScale is the real value of a sum of 1.
	SumScale float64
	// Full is the code of 1 of a gate; of a GRU, whose tables unitGrid describes.
	Full float32
}

// Update computes the tables of r, into t's memory where it has some.
func (t *CellTables) Update(r *Recurrence) {
	units := r.Layer.Units
	rows := r.Rows()
	if len(t.Gates) != rows {
		t.W, t.U = make([]float32, rows*r.Size), make([]float32, rows*units)
		t.Gates, t.Slope = make([]LookupTable, rows), make([]float64, rows)
	}
	r.Codes(t.W, t.U)
	if r.Layer.Type == GRU {
		t.updateUnit(r)
		return
	}
	g := r.grid()
	half := float64(int(1) << (r.Input.Bits - 1))
	for k := range rows {
		lo, hi := reach(t.W[k*r.Size:(k+1)*r.Size], -half, half-1)
		l, h := reach(t.U[k*units:(k+1)*units], -float64(g.state), float64(g.state))
		lo, hi = lo+l, hi+h
		slope, offset := float64(r.Weights.Scales[k]), float64(r.Bias[k])
		t.Slope[k] = slope
		if k/units == 2 {
			t.Gates[k].fill(int(lo), int(hi), func(a float64) (float64, float64) {
				y := elementary.Tanh(float64(slope*a) + offset)
				return y * float64(g.state), slope * (1 - float64(y*y)) * float64(g.state)
			})
			continue
		}
		t.Gates[k].fill(int(lo), int(hi), func(a float64) (float64, float64) {
			y := 1 / (1 + elementary.Exp(-(float64(slope*a) + offset)))
			return y * float64(g.gate), slope * y * (1 - y) * float64(g.gate)
		})
	}
	most := 0
	for i, k := range []int{g.input, g.forget, g.output} {
		t.Divisors[i] = float32(k)
		t.Squares[i].fill(-g.state, g.gate+g.state, func(s float64) (float64, float64) {
			return float64(g.square(k, int(s))), 0
		})
		if i < 2 {
			most += g.product(k)
		}
	}
	t.SumScale = g.sum()
	unit, state := t.SumScale, float64(g.state)
	code := state / float64(g.cellRange) // codes of c for a real
	t.Cell.fill(-most, most, func(a float64) (float64, float64) {
		c := a * unit * code
		if r := math.RoundToEven(c); r < -state || r > state {
			return min(max(c, -state), state), 0
		}
		return c, unit * code
	})
	t.Out.fill(-most, most, func(a float64) (float64, float64) {
		y := elementary.Tanh(a * unit)
		return y * state, unit * (1 - float64(y*y)) * state
	})
}

// reach is the range of a weighted sum of values in [lo, hi].
func reach(weights []float32, lo, hi float64) (least, most float64) {
	for _, w := range weights {
		a, b := float64(w)*lo, float64(w)*hi
		least, most = least+min(a, b), most+max(a, b)
	}
	return least, most
}

// fill sets the entries of lo..hi to the rounded value and slope of f.
func (t *LookupTable) fill(lo, hi int, f func(x float64) (y, slope float64)) {
	t.Lo = lo
	t.Codes, t.Slopes = t.Codes[:0], t.Slopes[:0]
	for x := lo; x <= hi; x++ {
		y, slope := f(float64(x))
		t.Codes, t.Slopes = append(t.Codes, float32(math.RoundToEven(y))), append(t.Slopes, float32(slope))
	}
}
