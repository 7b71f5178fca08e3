package lstm

import (
	"math"

	"qtool/bundle"
	"qtool/internal/elementary"
)

// matcher reads the body of a Recurrent. Tensors go by the numbers of its wiring.
type matcher struct {
	r      *bundle.Recurrent
	wiring *bundle.Wiring
	bounds []bundle.Bounds
	usual  bool
}

// largest is the greatest magnitude of tensor k.
func (m *matcher) largest(k int) float64 {
	if n := m.node(k); m.usual && n != nil && n.Seen.Lo != nil && n.Seen.MaxAbs().Sign() > 0 {
		return greatestOf(n.Seen)
	}
	return greatestOf(m.bounds[k].Range())
}

// node is the body node that makes tensor k, or nil.
func (m *matcher) node(k int) *bundle.Node {
	if i := k - 1 - len(m.r.States); i >= 0 {
		return &m.r.Body[i]
	}
	return nil
}

func (m *matcher) inputs(k int) []int { return m.wiring.Inputs[k-1-len(m.r.States)] }

func (m *matcher) name(k int) string {
	switch n := m.node(k); {
	case n != nil:
		return n.Name
	case k == 0:
		return bundle.SequenceName
	}
	return m.r.States[k-1].Name
}

// strip goes from a tensor through Shift and Domain to what they are of. The
// tensor is factor times that, and variance what rounding adds to it, a unit's
// twelfth a Shift, in the tensor's units.
func (m *matcher) strip(k int) (of int, factor, variance float64) {
	factor = 1
	for n := m.node(k); n != nil; n = m.node(k) {
		switch op := n.Op.(type) {
		case *bundle.Shift:
			if op.Bits > 0 {
				variance += factor * factor / 12
			}
			factor *= elementary.Exp2(-float64(op.Bits))
		case *bundle.Domain:
		default:
			return k, factor, variance
		}
		k = m.inputs(k)[0]
	}
	return k, factor, variance
}

// cell matches the body, from its output state backwards.
func (m *matcher) cell() (*cell, error) {
	if len(m.r.States) != 2 {
		return nil, unfit("%d states, want the 2 of an LSTM", len(m.r.States))
	}
	h := 1 + m.wiring.Output
	c := 3 - h
	out := &cell{hidden: m.wiring.Sizes[h], xMax: m.largest(0), hMax: m.largest(m.wiring.Next[h-1]), cMax: m.largest(m.wiring.Next[c-1])}
	if m.wiring.Sizes[c] != out.hidden {
		return nil, unfit("state %q has %d elements and %q %d: want as many", m.name(c), m.wiring.Sizes[c], m.name(h), out.hidden)
	}
	if err := m.newC(out, h, c); err != nil {
		return nil, err
	}
	return out, m.newH(out, h, c)
}

// newC matches c' = input i g + forget f c.
func (m *matcher) newC(out *cell, h, c int) error {
	sum, factor, variance := m.strip(m.wiring.Next[c-1])
	out.roundC = variance
	n := m.node(sum)
	if n == nil {
		return unfit("state %q: %q is not a sum of two products", m.name(c), m.name(sum))
	}
	op, ok := n.Op.(*bundle.Add)
	if !ok || len(op.Weights) != 2 {
		return unfit("body node %q is not a sum of two products", n.Name)
	}
	var seen [2]bool
	for i, k := range m.inputs(sum) {
		product, f, v := m.strip(k)
		x, y, shift, err := m.product(product)
		if err != nil {
			return err
		}
		weight := factor * float64(op.Weights[i])
		out.roundC += float64(weight * weight * (v + float64(f*f*shiftVariance(shift))))
		weight *= f * elementary.Exp2(-float64(shift))
		if y == c {
			x, y = y, x
		}
		if x == c {
			seen[1], out.forget = true, weight
			if err := m.gate(&out.gates[gateF], y, h); err != nil {
				return err
			}
			continue
		}
		seen[0], out.input = true, weight
		if err := m.gate(&out.gates[gateI], x, h); err != nil {
			return err
		}
		if err := m.gate(&out.gates[gateG], y, h); err != nil {
			return err
		}
	}
	if !seen[0] || !seen[1] || out.input == 0 || out.forget == 0 {
		return unfit("body node %q is not input i g + forget f %s", n.Name, m.name(c))
	}
	return nil
}

// shiftVariance is the variance that a Mul's own rounding of two quarter squares adds.
func shiftVariance(shift uint8) float64 {
	if shift == 0 {
		return 0
	}
	return 2. / 12
}

// newH matches h' = output o u with u a cubic of c', or c'.
func (m *matcher) newH(out *cell, h, c int) error {
	product, factor, variance := m.strip(m.wiring.Next[h-1])
	o, u, shift, err := m.product(product)
	if err != nil {
		return err
	}
	out.roundH = variance + float64(factor*factor*shiftVariance(shift))
	out.output = factor * elementary.Exp2(-float64(shift))
	next, _, _ := m.strip(m.wiring.Next[c-1])
	if of, _, _ := m.cellInput(o); of == next {
		o, u = u, o
	}
	of, poly, v := m.cellInput(u)
	if of != next {
		return unfit("body node %q: neither factor is a function of the new %q", m.name(product), m.name(c))
	}
	// All that reads the sum must read the same integers.
	_, want, _ := m.strip(m.wiring.Next[c-1])
	n := m.polynomial(u)
	read := u
	if n != nil {
		k, _, _ := m.strip(u)
		read = m.inputs(k)[0]
	}
	if _, got, _ := m.strip(read); got != want {
		return unfit("body node %q reads %g of the sum, the state %q %g of it", m.name(read), got, m.name(c), want)
	}
	out.roundU = v
	if n != nil {
		out.cell = poly
	} else {
		out.roundU = 0
	}
	return m.gate(&out.gates[gateO], o, h)
}

// cellInput is the sum that u is a cubic of, or is itself, with the cubic.
func (m *matcher) cellInput(u int) (of int, poly [][4]float64, variance float64) {
	n := m.polynomial(u)
	if n == nil {
		of, _, variance = m.strip(u)
		return of, nil, variance
	}
	k, factor, variance := m.strip(u)
	poly, err := cubic(n.Op.(*bundle.Polynomial), m.wiring.Sizes[k], factor)
	if err != nil {
		return -1, nil, 0
	}
	of, _, _ = m.strip(m.inputs(k)[0])
	return of, poly, variance
}

// polynomial is the node of the polynomial that tensor k is, through shifts.
func (m *matcher) polynomial(k int) *bundle.Node {
	k, _, _ = m.strip(k)
	if n := m.node(k); n != nil {
		if _, ok := n.Op.(*bundle.Polynomial); ok {
			return n
		}
	}
	return nil
}

// product is the factors of tensor k.
func (m *matcher) product(k int) (x, y int, shift uint8, err error) {
	n := m.node(k)
	if n == nil {
		return 0, 0, 0, unfit("%q is not a product", m.name(k))
	}
	op, ok := n.Op.(*bundle.Mul)
	if !ok || len(m.inputs(k)) != 2 {
		return 0, 0, 0, unfit("body node %q is not the product of two tensors", n.Name)
	}
	return m.inputs(k)[0], m.inputs(k)[1], op.Shift, nil
}

// gate matches a cubic of an affine map of x and h.
func (m *matcher) gate(g *gate, k, h int) error {
	n := m.polynomial(k)
	if n == nil {
		return unfit("%q is not a polynomial of a linear map", m.name(k))
	}
	p, factor, variance := m.strip(k)
	g.max, g.round = m.largest(k), variance
	var err error
	if g.poly, err = cubic(n.Op.(*bundle.Polynomial), m.wiring.Sizes[p], factor); err != nil {
		return unfit("body node %q: %v", n.Name, err)
	}
	z := m.inputs(p)
	if len(z) != 1 {
		return unfit("body node %q reads %d tensors, want 1", n.Name, len(z))
	}
	g.zMax = m.largest(z[0])
	f, variance, err := m.affine(z[0], h)
	if err != nil {
		return err
	}
	g.roundZ = variance
	d := m.wiring.Sizes[0]
	g.b = f.b
	for _, row := range f.m {
		g.x, g.h = append(g.x, row[:d]), append(g.h, row[d:])
	}
	return nil
}

// affine is tensor k as a map of x and h together.
func (m *matcher) affine(k, h int) (f form, variance float64, err error) {
	of, factor, variance := m.strip(k)
	d, n := m.wiring.Sizes[0], m.wiring.Sizes[h]
	unit := func(from, size int) form {
		f := form{make([][]float64, size), make([]float64, size)}
		for i := range f.m {
			f.m[i] = make([]float64, d+n)
			f.m[i][from+i] = 1
		}
		return f
	}
	switch node := m.node(of); {
	case of == 0:
		f = unit(0, d)
	case of == h:
		f = unit(d, n)
	case node == nil:
		return f, 0, unfit("a gate reads state %q: want x and %q alone", m.name(of), m.name(h))
	default:
		op, ok := node.Op.(bundle.Linear)
		if !ok {
			return f, 0, unfit("body node %q on the way to a gate is not linear", node.Name)
		}
		var all form
		largest := 0.0
		for _, i := range m.inputs(of) {
			part, v, err := m.affine(i, h)
			if err != nil {
				return f, 0, err
			}
			all.m, all.b, largest = append(all.m, part.m...), append(all.b, part.b...), math.Max(largest, v)
		}
		rows := op.Rows([]int{len(all.m)})
		f = all.apply(rows)
		variance += float64(factor * factor * largest * norm(rows))
	}
	for i := range f.m {
		for j := range f.m[i] {
			f.m[i][j] *= factor
		}
		f.b[i] *= factor
	}
	return f, variance, nil
}

// norm is the largest squared L2 norm of a row.
func norm(rows *bundle.Rows) float64 {
	most := 0.0
	for o := range rows.Outputs() {
		_, w := rows.Row(o)
		sum := 0.0
		for _, x := range w {
			sum += float64(float64(x) * float64(x))
		}
		most = math.Max(most, sum)
	}
	return most
}

// cubic is the coefficients of each of n elements, times factor. It wants degree
// 3 exactly.
func cubic(p *bundle.Polynomial, n int, factor float64) ([][4]float64, error) {
	all := make([][4]float64, n)
	for u := range all {
		c := p.Channel(u, n)
		if c.Len() != 4 {
			return nil, unfit("degree %d, want 3", c.Len()-1)
		}
		for k := range 4 {
			all[u][k] = factor * c.Float(k)
		}
	}
	return all, nil
}
