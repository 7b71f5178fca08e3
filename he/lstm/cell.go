package lstm

import (
	"math"
	"math/big"

	"qtool/bundle"
	"qtool/he"
)

// cell is an LSTM cell in units of the program's integers q, as reals:
//
//	z_g = x_g X + h_g H + b_g            for the gates i, f, o, g
//	g   = sum_k poly_g[u][k] z_g[u]^k    k = 0..3
//	c'  = input i g + forget f c
//	h'  = output o (sum_k cell[u][k] c'^k)
//
// All ranges are proved under the program's domains.
type cell struct {
	steps, inputs, hidden int
	gates                 [4]gate
	input, forget, output float64
	cell                  [][4]float64 // nil: c' itself
	xMax, cMax, hMax      float64
	// rounding is the variance, in the tensors' own units, that the Shifts on the
	// way add: to z in the gates, here to c', to the cubic of c', and to h'.
	roundC, roundU, roundH float64
	// logits = w h + b.
	w [][]float64
	b []float64
}

// The gates in the order of cell.gates.
const (
	gateI = iota
	gateF
	gateO
	gateG
)

type gate struct {
	x, h [][]float64
	b    []float64
	poly [][4]float64
	// zMax and max bound the magnitudes of z and of the gate's value; roundZ and
	// round are the variances of their rounding.
	zMax, max     float64
	roundZ, round float64
}

// newCell recognises the program of an LSTM with cubic gates. Magnitudes are those
// of the static bounds or, if usual, of what calibration data used of them.
func newCell(p *bundle.Program, usual bool) (*cell, error) {
	bounds, err := p.Bounds()
	if err != nil {
		return nil, err
	}
	if err := carried.Check(p); err != nil {
		return nil, &he.InsufficientError{Backend: "lstm", Cause: err}
	}
	at := 0
	in := p.Input.Bounds()
	for at < len(p.Nodes) && p.Nodes[at].Kind() == bundle.KindReshape {
		in, at = bounds[at], at+1
	}
	if at == len(p.Nodes) {
		return nil, unfit("it has no recurrent operation")
	}
	n := &p.Nodes[at]
	r, ok := n.Op.(*bundle.Recurrent)
	if !ok {
		return nil, unfit("layer %q is %s, want a Recurrent first", n.Name, n.Kind())
	}
	shape := p.InShape(at)
	m := &matcher{r: r, usual: usual}
	if m.wiring, err = r.Wire(shape); err != nil {
		return nil, err
	}
	if m.bounds, err = r.TensorBounds(in, shape); err != nil {
		return nil, err
	}
	c, err := m.cell()
	if err != nil {
		return nil, he.AtLayer(err, "lstm", n.Name)
	}
	c.steps, c.inputs = r.Steps, shape[1]
	if err := c.readLogits(p, at); err != nil {
		return nil, err
	}
	return c, nil
}

// unfit is the error of a program that no layout which this package knows can carry.
func unfit(format string, a ...any) error { return he.Insufficient("lstm", "", format, a...) }

// readLogits composes the linear operations behind node at.
func (c *cell) readLogits(p *bundle.Program, at int) error {
	c.w, c.b = make([][]float64, c.hidden), make([]float64, c.hidden)
	for u := range c.w {
		c.w[u] = make([]float64, c.hidden)
		c.w[u][u] = 1
	}
	for i := at + 1; i < len(p.Nodes); i++ {
		n := &p.Nodes[i]
		if n.Kind() == bundle.KindReshape {
			continue
		}
		op, ok := n.Op.(bundle.Linear)
		if !ok {
			return unfit("layer %q: no encrypted form of %s behind a Recurrent", n.Name, n.Kind())
		}
		f := form{c.w, c.b}.apply(op.Rows(p.InShape(i)))
		c.w, c.b = f.m, f.b
	}
	if len(c.w) > c.hidden {
		return unfit("%d outputs of %d hidden elements: want at most as many", len(c.w), c.hidden)
	}
	return nil
}

// form is m v + b.
type form struct {
	m [][]float64
	b []float64
}

// apply is rows of the form.
func (f form) apply(rows *bundle.Rows) form {
	columns := 0
	if len(f.m) > 0 {
		columns = len(f.m[0])
	}
	out := form{make([][]float64, rows.Outputs()), make([]float64, rows.Outputs())}
	for o := range out.m {
		out.m[o] = make([]float64, columns)
		out.b[o] = rows.Bias.Float(o)
		in, w := rows.Row(o)
		for k, i := range in {
			for j, x := range f.m[i] {
				out.m[o][j] += float64(float64(w[k]) * x)
			}
			out.b[o] += float64(float64(w[k]) * f.b[i])
		}
	}
	return out
}

// greatestOf is the greatest magnitude in r, at least 1.
func greatestOf(r bundle.Range) float64 {
	f, _ := new(big.Float).SetInt(r.MaxAbs()).Float64()
	return math.Max(f, 1)
}
