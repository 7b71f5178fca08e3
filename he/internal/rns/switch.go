package rns

import (
	"fmt"

	"qtool/kernel/mod"
)

// Switcher takes ciphertexts (d_0, d_1, d_2) with n limbs, whose d_2 belongs to the source
// of a key, to degree 1 and n-drop limbs, dividing by the product D of the dropped primes:
//
//	c_i = (P d_i + sum_k digit_k(d_2) key_k,i) / (P D),   rounded
//
// With drop = 0 nothing but P is divided by. d_1 may be nil, for zero. It is immutable.
type Switcher struct {
	ring    *Ring
	key     *SwitchingKey
	n, drop int
	digits  []digit
	pairs   mod.Pairs
	down    *converter // from the special and the dropped primes
	p       []mod.Factor
	inverse []mod.Factor // (P*D)^-1
}

// digit is the part of a modulus that one component of the key is for.
type digit struct {
	own     []int
	convert *converter // to all other limbs, special ones included
	target  []int      // number of a limb among the converter's targets; -1 for own
}

// NewSwitcher prepares switching with a key of the same ring, from a source.
func (r *Ring) NewSwitcher(of Source, key *SwitchingKey, n, drop int) (*Switcher, error) {
	if err := r.checkKey(key, of); err != nil {
		return nil, err
	}
	if drop < 0 || drop >= n || n > key.chain(r) {
		return nil, fmt.Errorf("rns: %d of %d limbs can't be dropped with a key of %d", drop, n, key.chain(r))
	}
	e := &Switcher{ring: r, key: key, n: n, drop: drop}
	limbs := append(span(0, n), r.special()...)
	var pairs [][2]int
	for k, group := range key.groups {
		d := digit{target: make([]int, len(r.moduli))}
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
		d.convert = r.newConverter(d.own, to)
		e.digits = append(e.digits, d)
		pairs = append(pairs, [2]int{k * r.N(), k * r.N()})
	}
	e.pairs = mod.NewPairs(nil, pairs)
	from := append(span(n-drop, n), r.special()...)
	e.down = r.newConverter(from, span(0, n-drop))
	for i := range n {
		m := r.moduli[i]
		e.p = append(e.p, m.Factor(r.product(i, r.special())))
		if i < n-drop {
			e.inverse = append(e.inverse, m.Factor(m.Inverse(r.product(i, from))))
		}
	}
	return e, nil
}

// Apply relinearises and divides. dst has n-drop limbs and may be d's first two.
func (e *Switcher) Apply(dst *[2]Poly, d *[3]Poly, s *Scratch) {
	r := e.ring
	// Digits of d_2, each followed by its rounding word.
	parts := make([][][]uint64, len(e.digits))
	at := 0
	for k := range e.digits {
		own := e.digits[k].own
		parts[k] = s.digits[at : at+len(own)+1]
		at += len(own) + 1
		for m, i := range own {
			copy(parts[k][m], d[2][i])
			r.transforms[i].Inverse(parts[k][m])
		}
		e.digits[k].convert.prepare(parts[k])
	}
	for i := range e.n {
		e.limb(i, d, parts, s)
	}
	for _, i := range r.special() {
		e.limb(i, d, parts, s)
	}
	for c := range dst {
		y := s.digits[:len(e.down.from)+1]
		for k, i := range e.down.from {
			copy(y[k], s.sums[c][i])
			r.transforms[i].Inverse(y[k])
		}
		e.down.prepare(y)
		for j := range e.n - e.drop {
			e.down.limb(s.row, y, j)
			r.transforms[j].Forward(s.row)
			r.moduli[j].SubScale(dst[c][j], s.sums[c][j], s.row, e.inverse[j])
		}
	}
}

// limb is the sum over digits modulo one prime.
func (e *Switcher) limb(i int, d *[3]Poly, parts [][][]uint64, s *Scratch) {
	m, n := e.ring.moduli[i], e.ring.N()
	for k := range e.digits {
		x := s.wide[k*n : (k+1)*n]
		if t := e.digits[k].target[i]; t < 0 {
			copy(x, d[2][i])
		} else {
			e.digits[k].convert.limb(x, parts[k], t)
			e.ring.transforms[i].Forward(x)
		}
	}
	one := m.DotFactor(1)
	at := i // the limb's number in the key
	if i >= e.ring.chain {
		at += e.key.chain(e.ring) - e.ring.chain
	}
	for c := range s.sums {
		sum := s.sums[c][i]
		m.Dot(sum, s.wide, e.key.parts[c][at], e.pairs, one)
		if i < e.n && d[c] != nil {
			m.AddScale(sum, sum, d[c][i], e.p[i])
		}
	}
}

// chain is how many primes of r's chain the key has.
func (key *SwitchingKey) chain(r *Ring) int { return len(key.primes) - (len(r.moduli) - r.chain) }
