package packed

import (
	"context"
	"fmt"

	"qtool/he/packed/lower"
)

// values are a stage's numbers. What stands in the slots is not the program's
// integer x but u with
//
//	x = gain u + offset
//
// for constants of each element. In front of an activation the slots hold
// v = unit (y + shift), where y is the program's integer; behind it u = v^2.
type values[T any] struct {
	stage *lower.Stage
	f     numbers[T]
	unit  T
	in    []T // gain of each input of the map
	bias  []T // of each output, as it stands in the slots
	// gain and offset are those of each output.
	gain, offset []T
}

// weight is weight k of a map's row as a diagonal holds it.
func (v *values[T]) weight(k int) T {
	m := v.stage.Map.Matrix
	return v.f.mul(v.f.mul(v.unit, v.f.integer(m.W[k])), v.in[m.In[k]])
}

// stageValues computes the numbers of every stage. unit gives each stage's unit
// and, at -1, the input's: the slots hold the integer times unit.
func stageValues[T any](ctx context.Context, plan *lower.Plan, f numbers[T], unit func(stage int) T) ([]values[T], error) {
	invert := func(what string, x T) (T, error) {
		v, ok := f.inverse(x)
		if !ok {
			return v, fmt.Errorf("packed: %s is zero", what)
		}
		return v, nil
	}
	first, err := invert("the input's unit", unit(-1))
	if err != nil {
		return nil, err
	}
	gain, offset := make([]T, plan.Inputs), make([]T, plan.Inputs)
	for i := range gain {
		gain[i], offset[i] = first, f.integer(0)
	}
	all := make([]values[T], len(plan.Stages))
	for i := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		st := &plan.Stages[i]
		v := &all[i]
		*v = values[T]{stage: st, f: f, unit: unit(i), in: gain}
		m := st.Map.Matrix
		n := m.Outputs()
		v.bias, v.gain, v.offset = make([]T, n), make([]T, n), make([]T, n)
		linear, err := invert("the unit of "+st.Name, v.unit)
		if err != nil {
			return nil, err
		}
		var rows []quadratic[T]
		if st.Poly != nil {
			for _, row := range st.Poly.Coeffs {
				q, err := complete(f, row)
				if err != nil {
					return nil, fmt.Errorf("packed: layer %q: %w", st.Activation, err)
				}
				rows = append(rows, q)
			}
		}
		for o := range n {
			b := f.wide(m.Bias[o])
			for k := m.Start[o]; k < m.Start[o+1]; k++ {
				b = f.add(b, f.mul(f.integer(m.W[k]), offset[m.In[k]]))
			}
			v.gain[o], v.offset[o] = linear, f.integer(0)
			if rows != nil {
				q := &rows[o*len(rows)/n]
				b = f.add(b, q.shift)
				v.gain[o], v.offset[o] = f.mul(q.lead, f.mul(linear, linear)), q.rest
			}
			v.bias[o] = f.mul(v.unit, b)
		}
		gain, offset = v.gain, v.offset
		if st.Layout.Fold != nil {
			gain, offset = folded(f, v, plan.Stages[i+1].Sum)
		}
	}
	return all, nil
}

// folded are the constants of class sums. All members of a class are of one
// channel, hence have one gain.
func folded[T any](f numbers[T], v *values[T], s *lower.Sum) (gain, offset []T) {
	n := 0
	for _, c := range s.Class {
		n = max(n, int(c)+1)
	}
	gain, offset = make([]T, n), make([]T, n)
	for e, c := range s.Class {
		if c >= 0 {
			gain[c], offset[c] = v.gain[e], f.add(offset[c], v.offset[e])
		}
	}
	return gain, offset
}
