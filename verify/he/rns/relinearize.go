package rns

import "fmt"

// Relinearizer takes raw tensors (d_0, d_1, d_2) with n limbs to ciphertexts of
// degree 1 with n-drop limbs, dividing by the product D of the dropped primes:
//
//	c_i = (P F d_i + sum_k digit_k(d_2) key_k,i) / (P D),   rounded
//
// It is immutable.
type Relinearizer struct {
	ring    *Ring
	key     *RelinearizationKey
	n, drop int
	digits  []digit
	down    *converter // from the special and the dropped primes
	pf      []uint64   // P*F in Montgomery form
	inverse []uint64   // (P*D)^-1 in Montgomery form
}

// digit is the part of a modulus that one component of the key is for.
type digit struct {
	own     []int
	convert *converter // to all other limbs, special ones included
	target  []int      // number of a limb among the converter's targets; -1 for own
}

// NewRelinearizer prepares relinearisation with a key of the same ring.
func (r *Ring) NewRelinearizer(key *RelinearizationKey, n, drop int) (*Relinearizer, error) {
	if err := r.checkKey(key); err != nil {
		return nil, err
	}
	if drop < 1 || drop >= n || n > r.chain {
		return nil, fmt.Errorf("rns: %d of %d limbs can't be dropped", drop, n)
	}
	e := &Relinearizer{ring: r, key: key, n: n, drop: drop}
	limbs := append(span(0, n), r.special()...)
	for _, group := range key.groups {
		d := digit{target: make([]int, len(r.subs))}
		for _, i := range group {
			if i < n {
				d.own = append(d.own, i)
			}
		}
		if len(d.own) == 0 {
			break
		}
		var to []int
		for i := range d.target {
			d.target[i] = -1
		}
		for _, i := range limbs {
			if i < d.own[0] || i > d.own[len(d.own)-1] {
				d.target[i] = len(to)
				to = append(to, i)
			}
		}
		d.convert = r.newConverter(d.own, to, func(int) uint64 { return 1 })
		e.digits = append(e.digits, d)
	}
	from := append(span(n-drop, n), r.special()...)
	e.down = r.newConverter(from, span(0, n-drop), func(int) uint64 { return 1 })
	for i := range n {
		p := r.product(i, r.special())
		e.pf = append(e.pf, r.mont(i, r.mul(i, p, r.f[i])))
		if i < n-drop {
			e.inverse = append(e.inverse, r.mont(i, r.inverse(i, r.product(i, from))))
		}
	}
	return e, nil
}

// Apply relinearises and divides. dst has n-drop limbs and may be d's first two.
func (e *Relinearizer) Apply(dst *[2]Poly, d *[3]Poly, s *Scratch) {
	r := e.ring
	// Digits of d_2, each followed by its rounding word.
	parts := make([][][]uint64, len(e.digits))
	at := 0
	for k := range e.digits {
		own := e.digits[k].own
		parts[k] = s.digits[at : at+len(own)+1]
		at += len(own) + 1
		for m, i := range own {
			r.subs[i].INTT(d[2][i], parts[k][m])
		}
		e.digits[k].convert.prepare(parts[k])
	}
	for _, i := range append(span(0, e.n), r.special()...) {
		e.limb(i, d, parts, s)
	}
	for c := range 2 {
		y := s.digits[:len(e.down.from)+1]
		for k, i := range e.down.from {
			r.subs[i].INTT(s.sums[c][i], y[k])
		}
		e.down.prepare(y)
		for j := range e.n - e.drop {
			sub := r.subs[j]
			e.down.limb(s.row, y, j)
			sub.NTT(s.row, s.row)
			subtractThenScale(dst[c][j], s.sums[c][j], s.row, e.inverse[j], sub)
		}
	}
}

// limb is the sum over digits modulo one prime.
func (e *Relinearizer) limb(i int, d *[3]Poly, parts [][][]uint64, s *Scratch) {
	sub := e.ring.subs[i]
	sums := [2][]uint64{s.sums[0][i], s.sums[1][i]}
	for k := range e.digits {
		x := s.row
		if t := e.digits[k].target[i]; t < 0 {
			x = d[2][i]
		} else {
			e.digits[k].convert.limb(x, parts[k], t)
			sub.NTT(x, x)
		}
		for c := range 2 {
			if k == 0 {
				sub.MulCoeffsMontgomery(x, e.key.parts[k][c][i], sums[c])
			} else {
				sub.MulCoeffsMontgomeryThenAdd(x, e.key.parts[k][c][i], sums[c])
			}
		}
	}
	if i < e.n {
		for c := range 2 {
			sub.MulScalarMontgomeryThenAdd(d[c][i], e.pf[i], sums[c])
		}
	}
}
