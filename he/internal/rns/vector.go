package rns

import "qtool/kernel/mod"

// onePair is a product of two whole vectors.
var onePair = mod.NewPairs(nil, [][2]int{{0, 0}})

// productBlock is the words that Tensor does at once.
const productBlock = 512

// Tensor is the product of two ciphertexts of degree 1 on so many limbs,
//
//	d = T (a_0 b_0, a_0 b_1 + a_1 b_0, a_1 b_1)
//
// or adds that to d. d must not overlap a or b.
func (r *Ring) Tensor(d *[3]Poly, a, b *[2]Poly, limbs int, add bool) {
	var x [productBlock]uint64
	for i := range limbs {
		m := r.moduli[i]
		t, one := m.DotFactor(r.t), m.Factor(1)
		for at := 0; at < r.N(); at += productBlock {
			cut := func(p Poly) []uint64 { return p[i][at : at+productBlock] }
			first := true
			for _, k := range [4][3]int{{0, 0, 0}, {1, 0, 1}, {1, 1, 0}, {2, 1, 1}} {
				to, u, v := cut(d[k[0]]), cut(a[k[1]]), cut(b[k[2]])
				if sum := add || k[0] == 1 && !first; !sum {
					m.Dot(to, u, v, onePair, t)
				} else {
					m.Dot(x[:], u, v, onePair, t)
					m.AddScale(to, to, x[:], one)
				}
				first = first && k[0] != 1
			}
		}
	}
}

// Add is dst += x on dst's limbs.
func (r *Ring) Add(dst, x Poly) {
	for i := range dst {
		m := r.moduli[i]
		m.AddScale(dst[i], dst[i], x[i], m.Factor(1))
	}
}
