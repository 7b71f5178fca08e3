package engine

import "qtool/kernel/mod"

// basis names a conversion: residues modulo the moduli from (indices, special
// ones counted after all of q) to others.
type basis struct{ from, to string }

// converter takes a polynomial's residues modulo d_0..d_k, whose product is D,
// to the residues of its representative of least magnitude modulo other primes t:
//
//	y_i = x_i (D/d_i)^-1 mod d_i,   v = round(sum y_i / d_i),
//	x mod t = sum y_i (D/d_i mod t) - v D mod t
//
// v is computed in float64. Where the sum is within 2^-50 of a half the other
// neighbour may be taken: the representative is then larger than D/2 by that
// much, which no bound notices.
//
// Reference: Halevi, Polyakov and Shoup, "An Improved RNS Variant of the BFV
// Homomorphic Encryption Scheme", CT-RSA 2019, section 2.
type converter struct {
	from, to []*modulus
	inverse  []mod.Factor   // (D/d_i)^-1 mod d_i
	share    []float64      // 1/d_i
	weights  []mod.Weighing // of each target: D/d_i mod t, then -D mod t
	quotient []mod.Factor   // D^-1 mod t
	short    bool           // the residues are below 2^50
}

func (e *Engine) converter(from, to []*modulus) *converter {
	key := basis{e.name(from), e.name(to)}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.converters[key]; c != nil {
		return c
	}
	// others is the product of all of from but the i-th modulo t.
	others := func(i int, t *modulus) uint64 {
		rest := uint64(1)
		for j, d := range from {
			if i != j {
				rest = t.Mul(rest, d.Q%t.Q)
			}
		}
		return rest
	}
	c := &converter{from: from, to: to, short: true}
	for i, d := range from {
		c.inverse = append(c.inverse, d.Factor(d.Inverse(others(i, d))))
		c.share = append(c.share, 1/float64(d.Q))
		c.short = c.short && d.Q>>50 == 0
	}
	for _, t := range to {
		var w []uint64
		for i := range from {
			w = append(w, others(i, t))
		}
		all := others(-1, t)
		c.weights = append(c.weights, t.Weighing(append(w, t.Q-all)))
		c.quotient = append(c.quotient, t.Factor(t.Inverse(all)))
	}
	e.converters[key] = c
	return c
}

func (e *Engine) name(list []*modulus) string {
	b := make([]byte, 0, 8*len(list))
	for _, m := range list {
		for s := 0; s < 64; s += 8 {
			b = append(b, byte(m.Q>>s))
		}
	}
	return string(b)
}

// prepare takes residue i of x, in coefficient form, to y_i, in place.
func (c *converter) prepare(i int, x []uint64) {
	if len(c.from) > 1 {
		c.from[i].Scale(x, x, c.inverse[i])
	}
}

// count writes v for the words of y from up to to. It does nothing for a single
// prime, whose residues say what v is.
func (c *converter) count(v []uint64, y [][]uint64, from, to int) {
	if len(c.from) > 1 {
		mod.Nearest(v[from:to], y, from, c.share)
	}
}

// convert writes residues modulo prime j of c.to. The last of y is v.
func (c *converter) convert(j int, out []uint64, y [][]uint64) {
	if len(c.from) == 1 {
		c.to[j].Center(out, y[0], c.from[0].Q)
	} else {
		c.to[j].Combine(out, y, 0, c.weights[j], c.short)
	}
}
