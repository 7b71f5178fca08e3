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
// for constants of each element. In front of a square the slots hold
// v = unit (y + shift), where y is the program's integer; behind it u = v^2. The
// factors of a product are v = unit y and w = unit' y', the product is u = v w.
type values[T any] struct {
	stage *lower.Stage
	f     numbers[T]
	units []T // of the map's outputs: one, or of both factors of a product
	in    []T // gain of each input of the map
	bias  []T // of each output of the map, as it stands in the slots
	// gain and offset are the factor and the offset of each output of the stage.
	gain, offset []T
	least        []float64 // see leastWeights; packed-ckks alone
}

// unit is the unit of output o of the map.
func (v *values[T]) unit(o int) T {
	if len(v.units) == 1 || 2*o < v.stage.Map.Matrix.Outputs() {
		return v.units[0]
	}
	return v.units[1]
}

// weight is weight k of a map's row o as a diagonal holds it.
func (v *values[T]) weight(o, k int) T {
	m := v.stage.Map.Matrix
	return v.f.mul(v.f.mul(v.unit(o), v.f.integer(m.W[k])), v.in[m.In[k]])
}

// stageValues computes the numbers of every stage. unit gives each stage's unit of a
// factor (0, or 1 for the second of a product) and, at -1, the input's: the slots hold
// the integer times unit.
func stageValues[T any](ctx context.Context, plan *lower.Plan, f numbers[T], unit func(stage, factor int) T) ([]values[T], error) {
	first, err := invert(f, "the input's unit", unit(lower.Input, 0))
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
		*v = values[T]{stage: st, f: f, units: []T{unit(i, 0)}}
		var offsets []T
		for _, r := range st.Reads {
			switch {
			case r.Stage == lower.Input:
				v.in, offsets = joined(v.in, gain), joined(offsets, offset)
			case r.Folded:
				g, o := folded(f, &all[r.Stage])
				v.in, offsets = joined(v.in, g), joined(offsets, o)
			default:
				v.in, offsets = joined(v.in, all[r.Stage].gain), joined(offsets, all[r.Stage].offset)
			}
		}
		if st.Product {
			v.units = append(v.units, unit(i, 1))
		}
		if err := v.finish(offsets); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// joined is a with b behind it, and b itself where a is empty.
func joined[T any](a, b []T) []T {
	if len(a) == 0 {
		return b
	}
	return append(a[:len(a):len(a)], b...)
}

func invert[T any](f numbers[T], what string, x T) (T, error) {
	v, ok := f.inverse(x)
	if !ok {
		return v, fmt.Errorf("packed: %s is zero", what)
	}
	return v, nil
}

// finish computes biases, gains and offsets of what the map reads with offsets.
func (v *values[T]) finish(offsets []T) error {
	st, f, m := v.stage, v.f, v.stage.Map.Matrix
	gain := f.integer(1) // 1 over the units
	for _, unit := range v.units {
		inverse, err := invert(f, "the unit of "+st.Name, unit)
		if err != nil {
			return err
		}
		gain = f.mul(gain, inverse)
	}
	rows, err := quadratics(f, st)
	if err != nil {
		return err
	}
	n := m.Outputs()
	v.bias = make([]T, n)
	if st.Product {
		n /= 2
	}
	v.gain, v.offset = make([]T, n), make([]T, n)
	for o := range v.bias {
		b := f.wide(m.Bias[o])
		for k := m.Start[o]; k < m.Start[o+1]; k++ {
			b = f.add(b, f.mul(f.integer(m.W[k]), offsets[m.In[k]]))
		}
		if rows != nil {
			b = f.add(b, rows[o*len(rows)/n].shift)
		}
		v.bias[o] = f.mul(v.unit(o), b)
	}
	for o := range v.gain {
		v.gain[o], v.offset[o] = gain, f.integer(0)
		if rows != nil {
			q := &rows[o*len(rows)/n]
			v.gain[o], v.offset[o] = f.mul(q.lead, f.mul(gain, gain)), q.rest
		}
	}
	return nil
}

// quadratics are the rows of a stage's polynomial, nil where it has none.
func quadratics[T any](f numbers[T], st *lower.Stage) ([]quadratic[T], error) {
	if st.Poly == nil {
		return nil, nil
	}
	var rows []quadratic[T]
	for _, row := range st.Poly.Coeffs {
		q, err := complete(f, row)
		if err != nil {
			return nil, fmt.Errorf("packed: layer %q: %w", st.Activation, err)
		}
		rows = append(rows, q)
	}
	return rows, nil
}

// folded are the constants of class sums. All members of a class are of one
// channel, hence have one gain.
func folded[T any](f numbers[T], v *values[T]) (gain, offset []T) {
	s := v.stage.Pool
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
