package rns

import "qtool/kernel/mod"

// Divider divides polynomials with n limbs by the product D of the last drop
// primes and rounds each coefficient:
//
//	(x - [x]_D) / D,   [x]_D in [-D/2, D/2)
//
// The plaintext is multiplied by D^-1 mod T, V divided by D, and a noise of
// variance (1 + N 2/3 + ...)/12 added. It is immutable.
type Divider struct {
	ring    *Ring
	n, drop int
	convert *converter
	inverse []mod.Factor // D^-1
}

// NewDivider prepares the division.
func (r *Ring) NewDivider(n, drop int) *Divider {
	dropped := span(n-drop, n)
	d := &Divider{ring: r, n: n, drop: drop, convert: r.newConverter(dropped, span(0, n-drop))}
	for i := range n - drop {
		m := r.moduli[i]
		d.inverse = append(d.inverse, m.Factor(m.Inverse(r.product(i, dropped))))
	}
	return d
}

// Apply divides x into dst, which has n-drop limbs and may be x's first. It
// costs drop inverse transforms and n-drop forward ones.
func (d *Divider) Apply(dst, x Poly, s *Scratch) {
	y := s.digits[:d.drop+1]
	for k, i := range d.convert.from {
		copy(y[k], x[i])
		d.ring.transforms[i].Inverse(y[k])
	}
	d.convert.prepare(y)
	for j := range d.n - d.drop {
		d.convert.limb(s.row, y, j)
		d.ring.transforms[j].Forward(s.row)
		d.ring.moduli[j].SubScale(dst[j], x[j], s.row, d.inverse[j])
	}
}

// Scratch is one goroutine's memory.
type Scratch struct {
	digits [][]uint64 // coefficients of all limbs, and a word of each digit
	sums   [2]Poly    // modulo QP
	row    []uint64
	wide   []uint64 // a limb of every digit
	terms  []mod.Term
}

// NewScratch allocates memory for any operation of r with so many digits.
func (r *Ring) NewScratch(digits int) *Scratch {
	s := &Scratch{row: make([]uint64, r.N()), wide: make([]uint64, digits*r.N())}
	s.digits = r.rows(len(r.moduli) + digits + 1)
	for k := range s.sums {
		s.sums[k] = r.rows(len(r.moduli))
	}
	return s
}
