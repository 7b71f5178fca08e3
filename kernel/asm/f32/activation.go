package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// activations writes tanh and the sigmoid; the twins in activation.go of the
// package say what is computed.
func activations() {
	both(func(s isa) {
		each(s, "sigmoid", "is dst = 1/(1+exp(-x)).", []string{"dst", "x"}, "", nil, func(m []Mem) {
			x := s.value(m[1])
			e := s.exp(s.or(x, constantBits(1<<31)))
			one, zero := s.value(constant(1)), s.vec()
			s.zero(zero)
			top := s.choose(less, x, zero, e, one)
			VMOVUPS(s.div(top, s.add(one, e)), m[0])
		})
		each(s, "tanh", "is dst = tanh(x).", []string{"dst", "x"}, "", nil, func(m []Mem) {
			x := s.value(m[1])
			a := s.and(x, constantBits(1<<31-1))
			e := s.exp(s.mul(a, constant(-2)))
			one := s.value(constant(1))
			large := s.div(s.sub(one, e), s.add(one, e))
			z := s.mul(a, a)
			p := s.horner(z, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
			small := s.add(a, s.mul(s.mul(p, z), a))
			y := s.choose(less, a, s.value(constant(0.625)), small, large)
			VMOVUPS(s.or(y, s.and(x, constantBits(1<<31))), m[0])
		})
	})
}

// horner evaluates a polynomial, the highest coefficient first.
func (i isa) horner(x Op, c ...float32) reg.VecVirtual {
	sum := i.value(constant(c[0]))
	for _, a := range c[1:] {
		sum = i.add(i.mul(sum, x), constant(a))
	}
	return sum
}

// exp is e^x of x <= 0.
func (i isa) exp(x Op) reg.VecVirtual {
	const magic = 0x1.8p23
	x = i.max(i.value(constant(-104)), x)
	t := i.add(i.mul(x, constant(0x1.715476p0)), constant(magic))
	n := i.sub(t, constant(magic))
	r := i.sub(i.sub(x, i.mul(n, constant(0x1.63p-1))), i.mul(n, constant(-2.12194440e-4)))
	p := i.horner(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	p = i.add(i.add(i.mul(p, i.mul(r, r)), r), constant(1))
	// 2^n in two halves, so that neither leaves the exponents of float32.
	whole, half := i.vec(), i.vec()
	VPSLLD(Imm(10), t, whole)
	VPSRAD(Imm(10), whole, whole) // the low 22 bits of t are n
	VPSRAD(Imm(1), whole, half)
	VPSUBD(half, whole, whole)
	for _, v := range []reg.VecVirtual{whole, half} {
		VPADDD(constantBits(127), v, v)
		VPSLLD(Imm(23), v, v)
		p = i.mul(p, v)
	}
	return p
}
