package rns

import (
	"github.com/tuneinsight/lattigo/v5/ring"
)

// Tensor is the raw product of two ciphertexts of degree 1 on so many limbs:
//
//	d = (a_0 b_0, a_0 b_1 + a_1 b_0, a_1 b_1) / 2^64
//
// or adds that to d. d must not overlap a or b.
func (r *Ring) Tensor(d *[3]Poly, a, b *[2]Poly, limbs int, add bool) {
	for i := range limbs {
		q, inverse := r.subs[i].Modulus, r.subs[i].MRedConstant
		d0, d1, d2 := d[0][i], d[1][i], d[2][i]
		a0, a1, b0, b1 := a[0][i], a[1][i], b[0][i], b[1][i]
		a0, a1, b0, b1 = a0[:len(d0)], a1[:len(d0)], b0[:len(d0)], b1[:len(d0)]
		d1, d2 = d1[:len(d0)], d2[:len(d0)]
		if add {
			for k := range d0 {
				d0[k] = ring.CRed(d0[k]+ring.MRed(a0[k], b0[k], q, inverse), q)
				mixed := ring.CRed(ring.MRed(a0[k], b1[k], q, inverse)+ring.MRed(a1[k], b0[k], q, inverse), q)
				d1[k] = ring.CRed(d1[k]+mixed, q)
				d2[k] = ring.CRed(d2[k]+ring.MRed(a1[k], b1[k], q, inverse), q)
			}
			continue
		}
		for k := range d0 {
			d0[k] = ring.MRed(a0[k], b0[k], q, inverse)
			d1[k] = ring.CRed(ring.MRed(a0[k], b1[k], q, inverse)+ring.MRed(a1[k], b0[k], q, inverse), q)
			d2[k] = ring.MRed(a1[k], b1[k], q, inverse)
		}
	}
}

// AddToRaw adds a ciphertext to a raw tensor: its polynomials over F.
func (r *Ring) AddToRaw(d *[3]Poly, c *[2]Poly, limbs int) {
	for i := range limbs {
		inverse := r.mont(i, r.inverse(i, r.f[i]))
		for k := range c {
			r.subs[i].MulScalarMontgomeryThenAdd(c[k][i], inverse, d[k][i])
		}
	}
}

// subtractScaled is dst -= x*c, for c in Montgomery form.
func subtractScaled(dst, x []uint64, c uint64, s *ring.SubRing) {
	q, inverse := s.Modulus, s.MRedConstant
	x = x[:len(dst)]
	for k := range dst {
		dst[k] = ring.CRed(dst[k]+q-ring.MRed(x[k], c, q, inverse), q)
	}
}

// subtractThenScale is dst = (x-y)*c, for c in Montgomery form, x and y
// reduced.
func subtractThenScale(dst, x, y []uint64, c uint64, s *ring.SubRing) {
	q, inverse := s.Modulus, s.MRedConstant
	x, y = x[:len(dst)], y[:len(dst)]
	for k := range dst {
		dst[k] = ring.MRed(x[k]+q-y[k], c, q, inverse)
	}
}
