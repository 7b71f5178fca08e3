package engine

import (
	"fmt"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/kernel/mod"
)

// Digits is a polynomial split for key switching: digit j in the extended basis.
type Digits []Poly

// digits is the number of digits of a polynomial of so many limbs.
func (e *Engine) digits(limbs int) int { return (limbs + len(e.p) - 1) / len(e.p) }

// Decompose splits c, in the NTT domain. Digit j of c has the limbs of c on its
// own primes, and elsewhere the limbs of their representative of least magnitude.
// The own limbs are c's, not copies.
func (e *Engine) Decompose(c Poly) Digits { return e.decompose([]Poly{c})[0] }

// decompose splits polynomials of one number of limbs.
func (e *Engine) decompose(all []Poly) []Digits {
	limbs, alpha := len(all[0]), len(e.p)
	moduli := e.extended(limbs)
	out := make([]Digits, len(all))
	y := make([][]conversion, len(all))
	type task struct {
		y  *conversion
		to int // the number of the target among the digit's
		m  *modulus
		x  []uint64
	}
	var tasks []task
	for k, c := range all {
		d := make(Digits, e.digits(limbs))
		y[k] = make([]conversion, len(d))
		for j := range d {
			a, b := j*alpha, min((j+1)*alpha, limbs)
			d[j] = make(Poly, len(moduli))
			var to []*modulus
			for i, m := range moduli {
				if i >= a && i < b {
					d[j][i] = c[i]
					continue
				}
				d[j][i] = e.pool.limb()
				tasks = append(tasks, task{&y[k][j], len(to), m, d[j][i]})
				to = append(to, m)
			}
			y[k][j] = e.conversion(e.converter(moduli[a:b], to), nil)
		}
		out[k] = d
	}
	e.parallel(len(all)*limbs, func(t int) {
		k, i := t/limbs, t%limbs
		v := &y[k][i/alpha]
		x := v.y[i%alpha]
		e.q[i].inverse(x, all[k][i])
		v.prepare(i%alpha, x)
	})
	e.count(slices.Concat(y...))
	e.parallel(len(tasks), func(i int) {
		t := &tasks[i]
		t.y.convert(t.to, t.x, t.y.y)
		t.m.forward(t.x)
	})
	for _, list := range y {
		for _, v := range list {
			e.Free(v.y)
		}
	}
	return out
}

// conversion is a converter at work: y_i, and v behind them.
type conversion struct {
	*converter
	y Poly
}

// conversion begins with limbs x, or with ones of undefined content.
func (e *Engine) conversion(c *converter, x Poly) conversion {
	if x == nil {
		x = e.NewPoly(len(c.from))
	}
	y := append(Poly{}, x...)
	if len(c.from) > 1 {
		y = append(y, e.pool.limb())
	}
	return conversion{c, y}
}

// count fills in v of all.
func (e *Engine) count(all []conversion) {
	if len(all[0].from) > 1 { // no other has more
		e.passes(len(all), func(i, from, to int) {
			if y, n := all[i].y, len(all[i].from); n > 1 {
				all[i].count(y[n], y[:n], from, to)
			}
		})
	}
}

// freeDigits gives back what Decompose made.
func (e *Engine) freeDigits(d Digits) {
	for j, p := range d {
		a, b := j*len(e.p), min((j+1)*len(e.p), len(p)-len(e.p))
		e.Free(p[:a], p[b:])
	}
}

// checkKey refuses a key that has too few limbs or digits for a polynomial of so
// many limbs.
func (e *Engine) checkKey(key *rlwe.GadgetCiphertext, limbs int) error {
	if key == nil || len(key.Value) < e.digits(limbs) || key.LevelQ()+1 < limbs || key.LevelP()+1 != len(e.p) {
		return fmt.Errorf("engine: the evaluation key is not for ciphertexts of %d limbs and %d special primes", limbs, len(e.p))
	}
	return nil
}

// gadget writes words from up to to of limb i of the products of all digits with
// both halves of the key, added up.
func (e *Engine) gadget(d Digits, key *rlwe.GadgetCiphertext, i, limbs int, m *modulus, a, b []uint64, from int) {
	var list [16]mod.Term
	terms := list[:0]
	for j := range d {
		k := key.Value[j][0]
		if i < limbs {
			terms = append(terms, mod.Term{S: d[j][i], A: k[0].Q.Coeffs[i], B: k[1].Q.Coeffs[i]})
		} else {
			terms = append(terms, mod.Term{S: d[j][i], A: k[0].P.Coeffs[i-limbs], B: k[1].P.Coeffs[i-limbs]})
		}
	}
	m.Inner(a, b, terms, from)
}

// Switch multiplies a decomposition with a key, in the extended basis: the phase
// of the result is the special primes' product times the phase of what was
// decomposed, under the key's other secret.
func (e *Engine) Switch(d Digits, key *rlwe.GadgetCiphertext) (Ciphertext, error) {
	all, err := e.switched([]Digits{d}, key)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// switched is Switch of several, which read the key once.
func (e *Engine) switched(digits []Digits, key *rlwe.GadgetCiphertext) ([]Ciphertext, error) {
	limbs := len(digits[0][0]) - len(e.p)
	if err := e.checkKey(key, limbs); err != nil {
		return nil, err
	}
	moduli := e.extended(limbs)
	out := make([]Ciphertext, len(digits))
	for k := range out {
		out[k] = Ciphertext{e.NewPoly(len(moduli)), e.NewPoly(len(moduli))}
	}
	e.passes(len(moduli), func(i, from, to int) {
		for k, d := range digits {
			e.gadget(d, key, i, limbs, moduli[i], out[k][0][i][from:to], out[k][1][i][from:to], from)
		}
	})
	return out, nil
}

// Drop divides polynomials, whose basis is limbs primes and the special ones if
// extended, by the special primes and by the last rescale primes, rounding once,
// in place: it returns their first limbs-rescale limbs and gives back the others.
func (e *Engine) Drop(polys []Poly, limbs int, extended bool, rescale int) []Poly {
	left := limbs - rescale
	if !extended && rescale == 0 {
		return polys
	}
	all := e.q[:limbs]
	if extended {
		all = e.extended(limbs)
	}
	from, to := all[left:], all[:left]
	c := e.converter(from, to)
	y := make([]conversion, len(polys))
	for i, p := range polys {
		y[i] = e.conversion(c, p[left:])
	}
	f := len(from)
	e.parallel(f*len(polys), func(t int) {
		x := y[t/f].y[t%f]
		from[t%f].inverse(x, x)
		c.prepare(t%f, x)
	})
	e.count(y)
	e.parallel(left*len(polys), func(t int) {
		p, i := t/left, t%left
		m, x, o := to[i], polys[p][i], e.pool.limb()
		c.convert(i, o, y[p].y)
		m.forward(o)
		m.SubScale(x, x, o, c.quotient[i])
		e.Free(Poly{o})
	})
	out := make([]Poly, len(polys))
	for i, p := range polys {
		out[i] = p[:left:left]
		e.Free(y[i].y)
	}
	return out
}
