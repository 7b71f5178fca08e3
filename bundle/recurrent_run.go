package bundle

import (
	"errors"
	"fmt"
)

// ErrDomain marks inputs that make a value leave the interval of a Domain.
var ErrDomain = errors.New("value outside its domain")

// loop is a Recurrent made ready to run.
type loop struct {
	r      *Recurrent
	wiring *Wiring
	rows   []*Rows // per body node; nil where it is not linear
	bounds []Bounds
}

func newLoop(r *Recurrent, in Bounds, shape []int) (*loop, error) {
	w, err := r.Wire(shape)
	if err != nil {
		return nil, err
	}
	l := &loop{r: r, wiring: w}
	_, err = r.propagate(in, shape, func(n *Node, _ []int, b Bounds) error {
		l.bounds = append(l.bounds, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range r.Body {
		var rows *Rows
		if op, ok := r.Body[i].Op.(Linear); ok {
			rows = op.Rows([]int{w.InSize(i)})
		}
		l.rows = append(l.rows, rows)
	}
	return l, nil
}

// run is the output for the sequence in. visit, if not nil, sees every body
// node's tensor of every step.
func (l *loop) run(in Vec, visit func(step, node int, out Vec)) (Vec, error) {
	r, w := l.r, l.wiring
	d := w.Sizes[0]
	states := make([]Vec, len(r.States))
	for i := range states {
		states[i] = Vec{Small: make([]int64, r.States[i].Size)}
	}
	all := make([]Vec, len(w.Sizes))
	for t := range r.Steps {
		all[0] = in.Slice(t*d, (t+1)*d)
		copy(all[1:], states)
		for i := range r.Body {
			n := &r.Body[i]
			v := gather(all, w.Inputs[i])
			if rows := l.rows[i]; rows != nil {
				v = rows.apply(v)
			} else {
				v = n.Op.apply(v, [][]int{{v.Len()}})
			}
			if at, ok := l.bounds[i].Contains(v); !ok {
				if d, ok := n.Op.(*Domain); ok {
					return Vec{}, fmt.Errorf("step %d, body node %q: element %d is %v, outside [%d, %d]: %w", t+1, n.Name, at, v.At(at), d.Lo, d.Hi, ErrDomain)
				}
				return Vec{}, fmt.Errorf("step %d, body node %q: element %d is %v, outside its static bound", t+1, n.Name, at, v.At(at))
			}
			if visit != nil {
				visit(t, i, v)
			}
			all[r.body()+i] = v
		}
		for i := range states {
			states[i] = all[w.Next[i]]
		}
	}
	return states[w.Output], nil
}

// apply runs the loop. A Runner runs it without lowering it again, and says what
// went wrong.
func (r *Recurrent) apply(in Vec, shapes [][]int) Vec {
	b := Bounds{in, in}
	l, err := newLoop(r, b, shapes[0])
	if err == nil {
		in, err = l.run(in, nil)
	}
	if err != nil {
		panic(fmt.Sprintf("bundle: Recurrent on an input that was not checked: %v", err))
	}
	return in
}

// RunRecurrent is Run that also shows the inside of Recurrent nodes: inner is
// called with every body node's tensor of every step, before visit is with the
// node's own. Both may be nil and must not keep or change what they see.
func (r *Runner) RunRecurrent(in Vec, visit func(node int, out Vec), inner func(node, step, body int, out Vec)) (Vec, error) {
	return r.run(in, visit, inner)
}
