package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
)

// GRU is a gated recurrent unit as one operation, with backpropagation through time. For
// x [D, T N] (column t*N+n is step t of sample n), weights w [3H, D] and u [3H, H] and a
// bias b [3H], whose rows are the update gate z, the reset gate r and the candidate n in
// this order:
//
//	z_t, r_t from w x_t + u h_{t-1} + b
//	n_t      from w x_t + u (r_t h_{t-1}) + b
//	h_t = z_t h_{t-1} + (1 - z_t) n_t
//
// from h_0 = 0. The result is h_T [H, N]. In which numbers gates and states are carried is
// the GRUCell's affair.
//
// Reference: Cho et al., arXiv 1406.1078, equations 5 to 8, with the roles of z and 1 - z
// as there.
type GRU struct {
	Steps int
	Cell  GRUCell
	// First, if not nil, gives at each run the first step of each sample; see LSTM.
	First func() []int
}

// GRUCell is the elementwise part of a GRU.
type GRUCell interface {
	// Reset computes, at step t, the gates z and r of Y from their arguments in A, and the product
	// RH of r and the state before.
	Reset(r *GRURun, t int)
	// Output computes the candidate of Y from its argument in A, and the state after step t.
	Output(r *GRURun, t int)
	// BackOutput computes from DH, the loss's gradient by the state after step t, the
	// parts of DA of the candidate and of z, and leaves in DH what goes straight to the state
	// before.
	BackOutput(r *GRURun, t int)
	// BackReset computes r's part of DA from DRH, the gradient by RH, and adds to DH what
	// goes to the state before.
	BackReset(r *GRURun, t int)
	// BiasFactor turns the gradient by an element of a in row k into that by b.
	BiasFactor(k int) float32
}

// GRURun is what one GRU holds of its last run. A are the pre-activations, Y the gates and
// the candidate, DA the gradients by A, all [3H, N]; H, RH and Sum are [H, N]. Index t of a
// slice is step t, of H the state before it.
type GRURun struct {
	Hidden      int
	A, Y, DA    [][]float32
	H, RH, Sum  [][]float32 // Sum is what the cell may keep of a step before a table
	DH, DRH, du []float32

	steps
}

func newGRURun(count, hidden, batch int) *GRURun {
	n := hidden * batch
	r := &GRURun{Hidden: hidden, steps: newSteps(batch), DH: make([]float32, n), DRH: make([]float32, n), du: make([]float32, n)}
	da := make([]float32, 3*n*count) // one slice over all steps, for the gradient of the weights
	for t := range count {
		r.A, r.Y = append(r.A, make([]float32, 3*n)), append(r.Y, make([]float32, 3*n))
		r.DA = append(r.DA, da[t*3*n:(t+1)*3*n:len(da)])
		r.RH, r.Sum = append(r.RH, make([]float32, n)), append(r.Sum, make([]float32, n))
	}
	for range count + 1 {
		r.H = append(r.H, make([]float32, n))
	}
	return r
}

// Gate is the part of a slice of A, Y or DA that belongs to z, r or n: 0, 1 or 2.
func (r *GRURun) Gate(a []float32, k int) []float32 {
	n := r.Hidden * r.Batch
	return a[k*n : (k+1)*n]
}

// Apply adds the GRU to a graph. With inputGrad false no gradient flows to x.
func (l GRU) Apply(x, w, u, b *G.Node, inputGrad bool) (*G.Node, error) {
	xs, ws, us, bs := x.Shape(), w.Shape(), u.Shape(), b.Shape()
	if len(xs) != 2 || len(ws) != 2 || len(us) != 2 || len(bs) != 1 || l.Steps < 1 || xs[1]%l.Steps != 0 ||
		ws[1] != xs[0] || us[0] != ws[0] || us[0] != 3*us[1] || bs[0] != ws[0] {
		return nil, fmt.Errorf("op gru: input %v of %d steps, weights %v and %v, bias %v do not fit", xs, l.Steps, ws, us, bs)
	}
	in, hidden, batch := xs[0], us[1], xs[1]/l.Steps
	r := newGRURun(l.Steps, hidden, batch)
	fromInput, fromState := terms(in, 1, l.Steps*batch), terms(hidden, 1, batch)
	o := operation{name: "gru", shape: tensor.Shape{hidden, batch}, run: func(y []float32, v [][]float32) {
		x, w, u, b := v[0], v[1], v[2], v[3]
		var first []int
		if l.First != nil {
			first = l.First()
		}
		r.begin(first, l.Steps)
		clear(r.H[r.start])
		for t := r.start; t < l.Steps; t++ {
			f32.Product(f32.Matrix{Data: r.A[t], Row: batch}, b, f32.Matrix{Data: w, Row: in}, x[t*batch:], fromInput, 3*hidden, batch)
			f32.Product(f32.Matrix{Data: r.A[t], Row: batch}, nil, f32.Matrix{Data: u, Row: hidden}, r.H[t], fromState, 2*hidden, batch)
			l.Cell.Reset(r, t)
			f32.Product(f32.Matrix{Data: r.Gate(r.A[t], 2), Row: batch}, nil, f32.Matrix{Data: u[2*hidden*hidden:], Row: hidden}, r.RH[t], fromState, hidden, batch)
			l.Cell.Output(r, t)
			r.mask(t, r.H[t+1])
		}
		copy(y, r.H[l.Steps])
	}}
	inputs := G.Nodes{x, w, u, b}
	o.pickFrom(inputs, inputGrad, func(inputs G.Nodes, sizes []int, total int, h, dh *G.Node) (*G.Node, error) {
		run := l.gradients(r, in, sizes, inputGrad)
		return apply(operation{name: "gru-gradients", shape: whole(total), run: run}, append(append(G.Nodes(nil), inputs[:3]...), h, dh)...)
	})
	return apply(o, inputs...)
}

// gradients goes backward through time. The state h is an input of the operation so that it
// runs after the forward pass, which left its values in r.
func (l GRU) gradients(r *GRURun, in int, sizes []int, inputGrad bool) func(d []float32, v [][]float32) {
	hidden, batch := r.Hidden, r.Batch
	rows, columns := 3*hidden, l.Steps*batch
	toState, toReset, toInput := terms(2*hidden, hidden, batch), terms(hidden, hidden, batch), terms(rows, in, batch)
	zeros := make([]float32, max(rows, in))
	xt, ht, rt := make([]float32, columns*in), make([]float32, columns*hidden), make([]float32, columns*hidden)
	var byInput, byState []f32.Term // over all steps and samples
	for t := range l.Steps {
		for n := range batch {
			byInput = append(byInput, f32.Term{A: t*rows*batch + n, B: (t*batch + n) * in})
			byState = append(byState, f32.Term{A: t*rows*batch + n, B: (t*batch + n) * hidden})
		}
	}
	return func(d []float32, v [][]float32) {
		x, w, u, dy := v[0], v[1], v[2], v[4]
		part := parts(d, sizes)
		dx, dw, du, db := part[0], part[1], part[2], part[3]
		if inputGrad && r.start > 0 {
			clear(dx)
		}
		copy(r.DH, dy)
		for t := l.Steps - 1; t >= r.start; t-- {
			r.mask(t, r.DH)
			l.Cell.BackOutput(r, t)
			f32.Product(f32.Matrix{Data: r.DRH, Row: batch}, zeros, f32.Matrix{Data: u[2*hidden*hidden:], Row: 1}, r.Gate(r.DA[t], 2), toReset, hidden, batch)
			l.Cell.BackReset(r, t)
			f32.Product(f32.Matrix{Data: r.DH, Row: batch}, nil, f32.Matrix{Data: u, Row: 1}, r.DA[t], toState, hidden, batch)
			if inputGrad {
				f32.Product(f32.Matrix{Data: dx[t*batch:], Row: columns}, zeros, f32.Matrix{Data: w, Row: 1}, r.DA[t], toInput, in, batch)
			}
		}
		from := r.start * batch // terms of the steps that ran
		f32.Transpose(xt, x, in, columns)
		for t := r.start; t < l.Steps; t++ {
			f32.Transpose(ht[t*batch*hidden:(t+1)*batch*hidden], r.H[t], hidden, batch)
			f32.Transpose(rt[t*batch*hidden:(t+1)*batch*hidden], r.RH[t], hidden, batch)
		}
		da := r.DA[0][:cap(r.DA[0])]
		f32.Product(f32.Matrix{Data: dw, Row: in}, zeros, f32.Matrix{Data: da, Row: batch}, xt, byInput[from:], rows, in)
		f32.Product(f32.Matrix{Data: du, Row: hidden}, zeros, f32.Matrix{Data: da, Row: batch}, ht, byState[from:], 2*hidden, hidden)
		f32.Product(f32.Matrix{Data: du[2*hidden*hidden:], Row: hidden}, zeros, f32.Matrix{Data: da[2*hidden*batch:], Row: batch}, rt, byState[from:], hidden, hidden)
		for k := range db {
			sum := float32(0)
			for t := r.start; t < l.Steps; t++ {
				sum += f32.Sum(r.DA[t][k*batch : (k+1)*batch])
			}
			db[k] = sum * l.Cell.BiasFactor(k)
		}
	}
}
