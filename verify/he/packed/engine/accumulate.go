package engine

import "math/bits"

// product is one summand a*b of a sum; b is in Montgomery form.
type product struct{ a, b []uint64 }

// accumulate writes sum over products of a*b mod m to out[from:to]. Products are
// added up without reduction: in one word where 2*bits + log2(terms) is at most
// 64, else in two, and reduced once.
func (m *modulus) accumulate(out []uint64, products []product, from, to int) {
	q, r := m.Modulus, m.MRedConstant
	o := out[from:to]
	if len(products) == 0 {
		clear(o)
		return
	}
	if 2*m.bits+bits.Len(uint(len(products)-1)) <= 64 {
		first := products[0]
		a, b := first.a[from:to], first.b[from:to]
		for k := range o {
			o[k] = a[k] * b[k]
		}
		rest := products[1:]
		for ; len(rest) >= 4; rest = rest[4:] {
			a0, b0 := rest[0].a[from:to], rest[0].b[from:to]
			a1, b1 := rest[1].a[from:to], rest[1].b[from:to]
			a2, b2 := rest[2].a[from:to], rest[2].b[from:to]
			a3, b3 := rest[3].a[from:to], rest[3].b[from:to]
			for k := range o {
				o[k] += a0[k]*b0[k] + a1[k]*b1[k] + a2[k]*b2[k] + a3[k]*b3[k]
			}
		}
		for _, p := range rest {
			a, b := p.a[from:to], p.b[from:to]
			for k := range o {
				o[k] += a[k] * b[k]
			}
		}
		for k, lo := range o {
			o[k] = reduce(0, lo, q, r)
		}
		return
	}
	m.accumulateWide(o, products, from, to)
}

// accumulateWide sums in two words. A product's high word is below q^2/2^64, so
// that 2^(127 - 2 log q) of them and a reduced one stay below 2^64: as often as
// that, high words are reduced. q has at most 61 bits.
func (m *modulus) accumulateWide(o []uint64, products []product, from, to int) {
	var high [chunk]uint64
	h := high[:len(o)]
	q, r := m.Modulus, m.MRedConstant
	clear(o)
	since := 0
	often := 1 << min(20, 2*(64-m.bits)-1)
	for ; len(products) >= 2; products = products[2:] {
		a0, b0 := products[0].a[from:to], products[0].b[from:to]
		a1, b1 := products[1].a[from:to], products[1].b[from:to]
		for k := range o {
			h0, l0 := bits.Mul64(a0[k], b0[k])
			h1, l1 := bits.Mul64(a1[k], b1[k])
			l, c := bits.Add64(o[k], l0, 0)
			t := h[k] + h0 + c
			l, c = bits.Add64(l, l1, 0)
			o[k], h[k] = l, t+h1+c
		}
		if since += 2; since >= often {
			for k := range h {
				h[k] %= q
			}
			since = 0
		}
	}
	for _, p := range products {
		a, b := p.a[from:to], p.b[from:to]
		for k := range o {
			h0, l0 := bits.Mul64(a[k], b[k])
			l, c := bits.Add64(o[k], l0, 0)
			o[k], h[k] = l, h[k]+h0+c
		}
	}
	for k, lo := range o {
		o[k] = reduce(h[k], lo, q, r)
	}
}
