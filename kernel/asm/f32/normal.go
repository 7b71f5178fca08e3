package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// normalisations writes what batch normalisation needs, in float64.
func normalisations() {
	both(func(s isa) {
		products64(s)
		line64(s)
		plane64(s)
	})
}

// double64 is a register full of a float64 argument.
func (i isa) double64(name string) reg.VecVirtual {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := i.vec()
	VBROADCASTSD(p.Addr, v)
	return v
}

// widened is a register of float64 values read from float32.
func (i isa) widened(m Mem) reg.VecVirtual {
	v := i.vec()
	VCVTPS2PD(m, v)
	return v
}

// narrow writes v as float32.
func (i isa) narrow(v reg.VecVirtual, m Mem) {
	if i.lanes == 16 {
		y := YMM()
		VCVTPD2PS(v, y)
		VMOVUPS(y, m)
		return
	}
	x := XMM()
	VCVTPD2PSY(v, x)
	VMOVUPS(x, m)
}

// products64 adds to 16 float64 lanes twice.
func products64(s isa) {
	begin(s, "products", "adds y-b to 16 lanes, and (x-a)(y-b) to 16 more, for n values.", "func(sums *float64, x, y *float32, n int, a, b float64)")
	to, x, y, n := param("sums"), param("x"), param("y"), param("n")
	a, b := s.double64("a"), s.double64("b")
	parts := 32 / s.lanes
	at64 := func(part int) Mem { return Mem{Base: to, Disp: 4 * s.lanes * part} }
	sums := s.vecs(2 * parts)
	for p, v := range sums {
		VMOVUPD(at64(p), v)
	}
	Label("step")
	for p := range parts {
		u, v := s.widened(Mem{Base: x, Disp: 2 * s.lanes * p}), s.widened(Mem{Base: y, Disp: 2 * s.lanes * p})
		VSUBPD(a, u, u)
		VSUBPD(b, v, v)
		VADDPD(v, sums[p], sums[p])
		VMULPD(v, u, u)
		VADDPD(u, sums[parts+p], sums[parts+p])
	}
	ADDQ(Imm(64), x)
	ADDQ(Imm(64), y)
	SUBQ(Imm(16), n)
	JG(LabelRef("step"))
	for p, v := range sums {
		VMOVUPD(v, at64(p))
	}
	VZEROUPPER()
	RET()
}

// halves runs step on each half of the vectors at m: as many float64 values.
func (i isa) halves(m []Mem, step func(m []Mem)) {
	for half := range 2 {
		at := make([]Mem, len(m))
		for k := range m {
			at[k] = m[k].Offset(2 * i.lanes * half)
		}
		step(at)
	}
}

func line64(s isa) {
	var p, r reg.VecVirtual
	each(s, "line", "is dst = p*x + r of n values, in float64.", []string{"dst", "x"}, ", p, r float64",
		func() { p, r = s.double64("p"), s.double64("r") },
		func(m []Mem) {
			s.halves(m, func(m []Mem) {
				x := s.widened(m[1])
				VMULPD(p, x, x)
				VADDPD(r, x, x)
				s.narrow(x, m[0])
			})
		})
}

func plane64(s isa) {
	var p, q, r reg.VecVirtual
	each(s, "plane", "is dst = (p*x + q*y) + r of n values, in float64.", []string{"dst", "x", "y"}, ", p, q, r float64",
		func() { p, q, r = s.double64("p"), s.double64("q"), s.double64("r") },
		func(m []Mem) {
			s.halves(m, func(m []Mem) {
				x, y := s.widened(m[1]), s.widened(m[2])
				VMULPD(p, x, x)
				VMULPD(q, y, y)
				VADDPD(y, x, x)
				VADDPD(r, x, x)
				s.narrow(x, m[0])
			})
		})
}
