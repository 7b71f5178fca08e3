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

// Conjugate is the image of x under X -> X^-1, which takes a ciphertext of s to one of
// s(X^-1). Words k and N-1-k of the transform domain are the values at a root and at its
// inverse. dst must not overlap x.
func (r *Ring) Conjugate(dst, x Poly) {
	for i, limb := range x {
		n := len(limb)
		to := dst[i][:n]
		for k, v := range limb {
			to[n-1-k] = v
		}
	}
}

// Unit is the image of X^(N/2) in limb i's transform domain: u in the first half of the
// words, -u in the second; u^2 = -1.
func (r *Ring) Unit(i int) uint64 {
	x := make([]uint64, r.N())
	x[len(x)/2] = 1
	r.transforms[i].Forward(x)
	return x[0]
}
