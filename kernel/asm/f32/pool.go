package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pools writes window sums over runs of n values, and their gradients.
func pools() {
	both(func(s isa) {
		pool(s)
		poolGrad(s, false)
		poolGrad(s, true)
	})
}

// eachRun calls step for every vector of count runs of n values; a run of dst is
// dstStep after the one before, and of x xStep.
func eachRun(s isa, step func(dst, x Mem, t *tail)) {
	dst, x, last := param("dst"), param("x"), param("n")
	bulk, rest, n := GP64(), GP64(), GP64()
	MOVQ(last, bulk)
	ANDQ(Imm(uint64(s.lanes-1)), last)
	SUBQ(last, bulk)
	MOVQ(last, n)
	t := s.mask(n)
	MOVQ(last, rest)
	count, j := param("count"), GP64()
	Label("run")
	XORQ(j, j)
	CMPQ(j, bulk)
	JGE(LabelRef("rest"))
	Label("vector")
	step(at(dst, j, 4, 0), at(x, j, 4, 0), nil)
	ADDQ(Imm(uint64(s.lanes)), j)
	CMPQ(j, bulk)
	JLT(LabelRef("vector"))
	Label("rest")
	TESTQ(rest, rest)
	JZ(LabelRef("next"))
	step(at(dst, j, 4, 0), at(x, j, 4, 0), &t)
	Label("next")
	dstStep, xStep := param("dstStep"), param("xStep")
	LEAQ(at(dst, dstStep, 4, 0), dst)
	LEAQ(at(x, xStep, 4, 0), x)
	DECQ(count)
	JNZ(LabelRef("run"))
	VZEROUPPER()
	RET()
}

func pool(s isa) {
	begin(s, "pool", "is dst = factor * the sum of x at taps offsets.",
		"func(dst *float32, dstStep int, x *float32, xStep int, off *int, taps, n, count int, factor float32)")
	factor := s.broadcast("factor")
	label := labels("tap")
	eachRun(s, func(dst, x Mem, t *tail) {
		sum, in, p, off, taps := s.vec(), s.vec(), GP64(), param("off"), param("taps")
		s.zero(sum)
		LEAQ(x, p)
		next := label()
		Label(next)
		o := GP64()
		MOVQ(Mem{Base: off}, o)
		s.load(at(p, o, 4, 0), t, in)
		VADDPS(in, sum, sum)
		ADDQ(Imm(8), off)
		DECQ(taps)
		JNZ(LabelRef(next))
		VMULPS(factor, sum, sum)
		s.store(sum, t, dst)
	})
}

// poolGrad has dst for dy and x for dx.
func poolGrad(s isa, add bool) {
	name, doc := "poolGrad", "sets x at taps offsets to factor * dst."
	if add {
		name, doc = "poolGradAdd", "adds factor * dst to x at taps offsets."
	}
	begin(s, name, doc, "func(dst *float32, dstStep int, x *float32, xStep int, off *int, taps, n, count int, factor float32)")
	factor := s.broadcast("factor")
	label := labels("tap")
	eachRun(s, func(dst, x Mem, t *tail) {
		in, p, off, taps := s.vec(), GP64(), param("off"), param("taps")
		s.load(dst, t, in)
		VMULPS(factor, in, in)
		if !add {
			zero := s.vec()
			s.zero(zero)
			VADDPS(zero, in, in) // -0 becomes 0, as it does in a sum
		}
		LEAQ(x, p)
		next := label()
		Label(next)
		o := GP64()
		MOVQ(Mem{Base: off}, o)
		out := in
		if add {
			out = s.vec()
			s.load(at(p, o, 4, 0), t, out)
			VADDPS(in, out, out)
		}
		s.store(out, t, at(p, o, 4, 0))
		ADDQ(Imm(8), off)
		DECQ(taps)
		JNZ(LabelRef(next))
	})
}

// labels numbers the uses of a label.
func labels(name string) func() string {
	n := 0
	return func() string { n++; return name + string(rune('0'+n)) }
}
