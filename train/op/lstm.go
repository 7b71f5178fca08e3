package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// LSTM is a long short-term memory as one operation, with backpropagation through
// time. For x [D, T N] (column t*N+n is step t of sample n), weights w [4H, D] and
// u [4H, H] and a bias b [4H], whose rows are the gates i, f, g, o in this order:
//
//	z_t = w x_t + u h_{t-1} + b
//	c_t = f_t c_{t-1} + i_t g_t
//	h_t = o_t v(c_t)
//
// from h_0 = c_0 = 0. The result is h_T [H, N]. What the gates and v are, and in
// which numbers they are carried, is the Cell's affair.
//
// Reference: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Gers et
// al., "Learning to Forget", 2000.
type LSTM struct {
	Steps int
	Cell  Cell
	// First, if not nil, gives at each run the first step of each sample: before
	// it the sample's state stays 0, so that padding on the left changes nothing.
	First func() []int
}

// Cell is the elementwise part of an LSTM.
type Cell interface {
	// Forward computes step t of the run from its Z and C of before: Y, C, V and H.
	Forward(r *Run, t int)
	// Backward computes DZ of step t from DH and DC, which are the loss's gradients
	// by H and C after the step, and leaves in DC that by C before it.
	Backward(r *Run, t int)
	// BiasFactor turns the gradient by an element of z in row k into that by b.
	BiasFactor(k int) float32
	// Coefficients adds the gradient by the cell's own parameters to dtheta; a cell
	// without such does nothing.
	Coefficients(r *Run, dtheta []float32)
}

// Run is what one LSTM holds of its last run. All but H, C and what has their
// shape is [4H, N]; index t of a slice is step t, of H and C the state before it.
type Run struct {
	Hidden       int
	Theta        []float32 // the cell's parameters; nil for none
	Z, Y, DZ     [][]float32
	H, C, V, Sum [][]float32 // Sum is what the cell may keep of c before a table
	DH, DC       []float32

	steps
}

func newRun(steps, hidden, batch int) *Run {
	r := &Run{Hidden: hidden, steps: newSteps(batch), DH: make([]float32, hidden*batch), DC: make([]float32, hidden*batch)}
	state := func() []float32 { return make([]float32, hidden*batch) }
	// One slice over all steps, for the gradient of the weights.
	z, dz, h := make([]float32, 4*hidden*batch*steps), make([]float32, 4*hidden*batch*steps), make([]float32, hidden*batch*(steps+1))
	size := 4 * hidden * batch
	for t := range steps {
		r.Z, r.DZ = append(r.Z, z[t*size:(t+1)*size]), append(r.DZ, dz[t*size:(t+1)*size:len(dz)])
		r.Y, r.V = append(r.Y, make([]float32, size)), append(r.V, state())
		r.Sum = append(r.Sum, state())
	}
	for t := range steps + 1 {
		r.H, r.C = append(r.H, h[t*size/4:(t+1)*size/4]), append(r.C, state())
	}
	return r
}

// Gate is the part of a slice of Z, Y or DZ that belongs to gate k.
func (r *Run) Gate(z []float32, k int) []float32 {
	n := r.Hidden * r.Batch
	return z[k*n : (k+1)*n]
}

// Apply adds the LSTM to a graph. theta are the cell's own parameters, or nil.
// With inputGrad false no gradient flows to x.
func (l LSTM) Apply(x, w, u, b, theta *G.Node, inputGrad bool) (*G.Node, error) {
	xs, ws, us, bs := x.Shape(), w.Shape(), u.Shape(), b.Shape()
	if len(xs) != 2 || len(ws) != 2 || len(us) != 2 || len(bs) != 1 || l.Steps < 1 || xs[1]%l.Steps != 0 ||
		ws[1] != xs[0] || us[0] != ws[0] || us[0] != 4*us[1] || bs[0] != ws[0] {
		return nil, fmt.Errorf("op lstm: input %v of %d steps, weights %v and %v, bias %v do not fit", xs, l.Steps, ws, us, bs)
	}
	in, hidden, batch := xs[0], us[1], xs[1]/l.Steps
	r := newRun(l.Steps, hidden, batch)
	rows := 4 * hidden
	fromInput, fromState := terms(in, 1, l.Steps*batch), terms(hidden, 1, batch)
	o := operation{name: "lstm", shape: tensor.Shape{hidden, batch}, run: func(y []float32, v [][]float32) {
		x, w, u, b := v[0], v[1], v[2], v[3]
		r.Theta = nil
		if len(v) > 4 {
			r.Theta = v[4]
		}
		var first []int
		if l.First != nil {
			first = l.First()
		}
		r.begin(first, l.Steps)
		clear(r.H[r.start])
		clear(r.C[r.start])
		for t := r.start; t < l.Steps; t++ {
			z := f32.Matrix{Data: r.Z[t], Row: batch}
			f32.Product(z, b, f32.Matrix{Data: w, Row: in}, x[t*batch:], fromInput, rows, batch)
			f32.Product(z, nil, f32.Matrix{Data: u, Row: hidden}, r.H[t], fromState, rows, batch)
			l.Cell.Forward(r, t)
			r.mask(t, r.C[t+1])
			r.mask(t, r.H[t+1])
		}
		copy(y, r.H[l.Steps])
	}}
	inputs := G.Nodes{x, w, u, b}
	if theta != nil {
		inputs = append(inputs, theta)
	}
	o.pickFrom(inputs, inputGrad, func(inputs G.Nodes, sizes []int, total int, h, dh *G.Node) (*G.Node, error) {
		return l.gradients(r, inputs, sizes, total, h, dh, inputGrad)
	})
	return apply(o, inputs...)
}

// gradients goes backward through time. h is an input so that it runs after the
// forward pass, which left its values in r.
func (l LSTM) gradients(r *Run, inputs G.Nodes, sizes []int, total int, h, dh *G.Node, inputGrad bool) (*G.Node, error) {
	in, hidden, batch := inputs[0].Shape()[0], r.Hidden, r.Batch
	rows, columns := 4*hidden, l.Steps*batch
	toState, toInput := terms(rows, hidden, batch), terms(rows, in, batch)
	zeros := make([]float32, max(rows, in))
	xt, ht := make([]float32, columns*in), make([]float32, columns*hidden)
	var byInput, byState []f32.Term // over all steps and samples
	for t := range l.Steps {
		for n := range batch {
			byInput = append(byInput, f32.Term{A: t*rows*batch + n, B: (t*batch + n) * in})
			byState = append(byState, f32.Term{A: t*rows*batch + n, B: (t*batch + n) * hidden})
		}
	}
	run := func(d []float32, v [][]float32) {
		x, w, u, dy := v[0], v[1], v[2], v[4]
		part := parts(d, sizes)
		dx, dw, du, db := part[0], part[1], part[2], part[3]
		if inputGrad && r.start > 0 {
			clear(dx)
		}
		copy(r.DH, dy)
		clear(r.DC)
		for t := l.Steps - 1; t >= r.start; t-- {
			r.mask(t, r.DH)
			r.mask(t, r.DC)
			l.Cell.Backward(r, t)
			if inputGrad {
				f32.Product(f32.Matrix{Data: dx[t*batch:], Row: columns}, zeros, f32.Matrix{Data: w, Row: 1}, r.DZ[t], toInput, in, batch)
			}
			f32.Product(f32.Matrix{Data: r.DH, Row: batch}, zeros, f32.Matrix{Data: u, Row: 1}, r.DZ[t], toState, hidden, batch)
		}
		// Terms of the steps that ran.
		from := r.start * batch
		f32.Transpose(xt, x, in, columns)
		for t := r.start; t < l.Steps; t++ {
			f32.Transpose(ht[t*batch*hidden:(t+1)*batch*hidden], r.H[t], hidden, batch)
		}
		dz := f32.Matrix{Data: r.DZ[0][:cap(r.DZ[0])], Row: batch}
		f32.Product(f32.Matrix{Data: dw, Row: in}, zeros, dz, xt, byInput[from:], rows, in)
		f32.Product(f32.Matrix{Data: du, Row: hidden}, zeros, dz, ht, byState[from:], rows, hidden)
		for k := range db {
			sum := float32(0)
			for t := r.start; t < l.Steps; t++ {
				sum += f32.Sum(r.DZ[t][k*batch : (k+1)*batch])
			}
			db[k] = sum * l.Cell.BiasFactor(k)
		}
		if len(part) > 4 {
			clear(part[4])
			l.Cell.Coefficients(r, part[4])
		}
	}
	return apply(operation{name: "lstm-gradients", shape: whole(total), run: run}, append(append(G.Nodes(nil), inputs[:3]...), h, dh)...)
}
