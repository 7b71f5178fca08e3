package engine

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
)

// Digits is a polynomial split for key switching: digit j in the extended basis.
type Digits []Poly

// digits is the number of digits of a polynomial of so many limbs.
func (e *Engine) digits(limbs int) int { return (limbs + len(e.p) - 1) / len(e.p) }

// Decompose splits c, in the NTT domain. Digit j of c has the limbs of c on its
// own primes, and those of their representative of least magnitude elsewhere.
// The own limbs are c's, not copies.
func (e *Engine) Decompose(c Poly) Digits {
	limbs := len(c)
	plain := e.NewPoly(limbs)
	e.parallel(limbs, func(i int) { e.q[i].INTT(c[i], plain[i]) })
	d := make(Digits, e.digits(limbs))
	all := e.extended(limbs)
	type job struct {
		c    *converter
		x, y [][]uint64
	}
	jobs := make([]job, len(d))
	type transform struct {
		m *modulus
		x []uint64
	}
	var transforms []transform
	for j := range d {
		a, b := j*len(e.p), min((j+1)*len(e.p), limbs)
		d[j] = make(Poly, len(all))
		var to []*modulus
		var y [][]uint64
		for i, m := range all {
			if i >= a && i < b {
				d[j][i] = c[i]
				continue
			}
			d[j][i] = e.pool.limb()
			to, y = append(to, m), append(y, d[j][i])
			transforms = append(transforms, transform{m, d[j][i]})
		}
		jobs[j] = job{e.converter(all[a:b], to), plain[a:b], y}
	}
	e.parallel(len(d)*e.chunks(), func(i int) {
		j, k := jobs[i/e.chunks()], i%e.chunks()
		j.c.convert(j.x, j.y, k*chunk, min((k+1)*chunk, e.n))
	})
	e.Free(plain)
	e.parallel(len(transforms), func(i int) { t := transforms[i]; t.m.NTT(t.x, t.x) })
	return d
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

// gadgetLimb adds up the products of limb i of all digits with both halves of
// the key, and writes them to out[0], out[1].
func (e *Engine) gadgetLimb(d Digits, key *rlwe.GadgetCiphertext, i, limbs int, m *modulus, out [2][]uint64, from, to int) {
	var list [16]product
	for half := range out {
		products := list[:0]
		for j := range d {
			k := key.Value[j][0][half]
			if i < limbs {
				products = append(products, product{d[j][i], k.Q.Coeffs[i]})
			} else {
				products = append(products, product{d[j][i], k.P.Coeffs[i-limbs]})
			}
		}
		m.accumulate(out[half], products, from, to)
	}
}

// Switch multiplies a decomposition with a key, in the extended basis: the phase
// of the result is the special primes' product times that of what was
// decomposed under the key's other secret.
func (e *Engine) Switch(d Digits, key *rlwe.GadgetCiphertext) (Ciphertext, error) {
	limbs := len(d[0]) - len(e.p)
	if err := e.checkKey(key, limbs); err != nil {
		return nil, err
	}
	all := e.extended(limbs)
	out := Ciphertext{e.NewPoly(len(all)), e.NewPoly(len(all))}
	e.parallel(len(all)*e.chunks(), func(t int) {
		i, k := t/e.chunks(), t%e.chunks()
		e.gadgetLimb(d, key, i, limbs, all[i], [2][]uint64{out[0][i], out[1][i]}, k*chunk, min((k+1)*chunk, e.n))
	})
	return out, nil
}

// Drop divides polynomials, whose basis is limbs primes and the special ones if
// extended, by the special primes and by the last rescale primes, rounding once.
// It returns polynomials of limbs-rescale limbs and gives back the old ones.
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
	out := make([]Poly, len(polys))
	for i := range out {
		out[i] = e.NewPoly(left)
	}
	f := len(from)
	e.parallel(f*len(polys), func(t int) {
		x := polys[t/f][left+t%f]
		from[t%f].INTT(x, x)
	})
	e.parallel(len(polys)*e.chunks(), func(t int) {
		i, k := t/e.chunks(), t%e.chunks()
		c.convert(polys[i][left:], out[i], k*chunk, min((k+1)*chunk, e.n))
	})
	e.parallel(left*len(polys), func(t int) {
		p, i := t/left, t%left
		m, o := to[i], out[p][i]
		m.NTT(o, o)
		m.SubThenMulScalarMontgomeryTwoModulus(o, polys[p][i], m.Modulus-c.quotient[i], o)
	})
	e.Free(polys...)
	return out
}
