package rns

// Divider divides polynomials with n limbs by the product D of the last drop
// primes and rounds each coefficient:
//
//	(x - [x]_D) / D,   [x]_D in [-D/2, D/2)
//
// The plaintext is multiplied by D^-1 mod T, V divided by D, and a noise of
// variance (1 + N 2/3 + ...)/12 added. A divider of raw tensors reads and writes
// raw tensors, but divides their phase. It is immutable.
type Divider struct {
	ring    *Ring
	n, drop int
	convert *converter
	a, b    []uint64 // out = a x - b [x]_D, in Montgomery form
}

// NewDivider prepares the division; raw says that the polynomials belong to raw
// tensors.
func (r *Ring) NewDivider(n, drop int, raw bool) *Divider {
	dropped := span(n-drop, n)
	factor := func(prime int) uint64 {
		if raw {
			return r.f[prime]
		}
		return 1
	}
	d := &Divider{ring: r, n: n, drop: drop, convert: r.newConverter(dropped, span(0, n-drop), factor)}
	for i := range n - drop {
		inverse := r.inverse(i, r.product(i, dropped))
		d.a = append(d.a, r.mont(i, inverse))
		d.b = append(d.b, r.mont(i, r.mul(i, inverse, r.inverse(i, factor(i)))))
	}
	return d
}

// Apply divides x into dst, which has n-drop limbs and may be x's first. It
// costs drop inverse transforms and n-drop forward ones.
func (d *Divider) Apply(dst, x Poly, s *Scratch) {
	y := s.digits[:d.drop+1]
	for k, i := range d.convert.from {
		d.ring.subs[i].INTT(x[i], y[k])
	}
	d.convert.prepare(y)
	for j := range d.n - d.drop {
		sub := d.ring.subs[j]
		d.convert.limb(s.row, y, j)
		sub.NTT(s.row, s.row)
		sub.MulScalarMontgomery(x[j], d.a[j], dst[j])
		subtractScaled(dst[j], s.row, d.b[j], sub)
	}
}

// Scratch is one goroutine's memory.
type Scratch struct {
	digits [][]uint64 // coefficients of all limbs, and a word of each digit
	sums   [2]Poly    // modulo QP
	row    []uint64
}

// NewScratch allocates memory for any operation of r.
func (r *Ring) NewScratch() *Scratch {
	s := &Scratch{row: make([]uint64, r.N())}
	s.digits = r.rows(2*len(r.subs) + 1)
	for k := range s.sums {
		s.sums[k] = r.rows(len(r.subs))
	}
	return s
}

func (r *Ring) rows(n int) [][]uint64 {
	all := make([][]uint64, n)
	for i := range all {
		all[i] = make([]uint64, r.N())
	}
	return all
}
