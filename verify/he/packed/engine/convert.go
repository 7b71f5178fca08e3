package engine

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// basis names a conversion: residues modulo the moduli from (indices, special
// ones counted after all of q) to others.
type basis struct{ from, to string }

// converter takes a polynomial's residues modulo d_0..d_k, whose product is D,
// to those of its representative of least magnitude modulo other primes t:
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
	inverse  []uint64   // (D/d_i)^-1 mod d_i, Montgomery form
	share    []float64  // 1/d_i
	weight   [][]uint64 // [to][from] D/d_i mod t, Montgomery form
	product  []uint64   // D mod t, Montgomery form
	quotient []uint64   // D^-1 mod t, Montgomery form
}

func (e *Engine) converter(from, to []*modulus) *converter {
	key := basis{e.name(from), e.name(to)}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.converters[key]; c != nil {
		return c
	}
	c := &converter{from: from, to: to}
	for i, d := range from {
		rest := uint64(1)
		for j, o := range from {
			if i != j {
				rest = mulMod(rest, o.Modulus, d.Modulus)
			}
		}
		c.inverse = append(c.inverse, d.montgomery(inverse(rest, d.Modulus)))
		c.share = append(c.share, 1/float64(d.Modulus))
	}
	for _, t := range to {
		all := uint64(1)
		var w []uint64
		for i, d := range from {
			all = mulMod(all, d.Modulus, t.Modulus)
			rest := uint64(1)
			for j, o := range from {
				if i != j {
					rest = mulMod(rest, o.Modulus, t.Modulus)
				}
			}
			w = append(w, t.montgomery(rest))
		}
		c.weight = append(c.weight, w)
		c.product = append(c.product, t.montgomery(all))
		c.quotient = append(c.quotient, t.montgomery(inverse(all, t.Modulus)))
	}
	e.converters[key] = c
	return c
}

func (e *Engine) name(list []*modulus) string {
	b := make([]byte, 0, 8*len(list))
	for _, m := range list {
		for s := 0; s < 64; s += 8 {
			b = append(b, byte(m.Modulus>>s))
		}
	}
	return string(b)
}

// convert writes the residues of coefficients a..b of x to out. x is in
// coefficient form. out[i] may be nil: that modulus is left out.
func (c *converter) convert(x, out [][]uint64, a, b int) {
	var buffer [8][chunk]uint64
	var quotients [chunk]uint64
	y := make([][]uint64, len(c.from))
	n := b - a
	if len(c.from) == 1 {
		y[0] = x[0][a:b]
		half := c.from[0].Modulus >> 1
		for k, v := range y[0] {
			quotients[k] = (half - v) >> 63
		}
	} else {
		var sums [chunk]float64
		for i, d := range c.from {
			y[i] = buffer[i][:n]
			inv, q, r, share := c.inverse[i], d.Modulus, d.MRedConstant, c.share[i]
			for k, v := range x[i][a:b] {
				v = ring.MRed(v, inv, q, r)
				y[i][k] = v
				sums[k] += float64(v) * share
			}
		}
		for k := range n {
			quotients[k] = uint64(sums[k] + 0.5)
		}
	}
	for j, t := range c.to {
		if out[j] == nil {
			continue
		}
		o := out[j][a:b]
		q, r, w, minus := t.Modulus, t.MRedConstant, c.weight[j], t.Modulus-c.product[j]
		switch len(y) {
		case 1:
			y0, w0 := y[0], w[0]
			for k := range o {
				h0, l0 := bits.Mul64(y0[k], w0)
				h1, l1 := bits.Mul64(quotients[k], minus)
				l, carry := bits.Add64(l0, l1, 0)
				o[k] = reduce(h0+h1+carry, l, q, r)
			}
		case 2:
			y0, y1, w0, w1 := y[0], y[1][:len(y[0])], w[0], w[1]
			for k := range o {
				h0, l0 := bits.Mul64(y0[k], w0)
				h1, l1 := bits.Mul64(y1[k], w1)
				l, carry := bits.Add64(l0, l1, 0)
				h := h0 + h1 + carry
				h1, l1 = bits.Mul64(quotients[k], minus)
				l, carry = bits.Add64(l, l1, 0)
				o[k] = reduce(h+h1+carry, l, q, r)
			}
		default:
			for k := range o {
				h, l := bits.Mul64(quotients[k], minus)
				for i := range y {
					h1, l1 := bits.Mul64(y[i][k], w[i])
					var carry uint64
					l, carry = bits.Add64(l, l1, 0)
					h += h1 + carry
				}
				o[k] = reduce(h, l, q, r)
			}
		}
	}
}

// reduce is the Montgomery reduction of hi 2^64 + lo. The words must be below
// q 2^64, or a small multiple of it: hi is taken modulo q first.
func reduce(hi, lo, q, r uint64) uint64 {
	for hi >= q {
		if hi >= q<<4 {
			hi %= q
			break
		}
		hi -= q
	}
	h, _ := bits.Mul64(lo*r, q)
	v := hi - h
	if hi < h {
		v += q
	}
	return v
}

func (m *modulus) montgomery(x uint64) uint64 {
	return ring.MForm(x, m.Modulus, m.BRedConstant)
}

func mulMod(a, b, q uint64) uint64 {
	hi, lo := bits.Mul64(a%q, b%q)
	_, rem := bits.Div64(hi, lo, q)
	return rem
}

func inverse(x, q uint64) uint64 { return ring.ModExp(x%q, q-2, q) }
