package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// peaks writes loops that multiply and add in registers alone.
func peaks() {
	both(func(s isa) {
		begin(s, "peak", "multiplies and adds in every sum's register n times.", "func(n int)")
		sums := s.vecs(24 * s.lanes / 16)
		for _, v := range sums {
			s.zero(v)
		}
		n, factor := param("n"), s.value(constant(1))
		Label("round")
		for _, v := range sums {
			p := s.mul(factor, factor)
			VADDPS(p, v, v)
		}
		DECQ(n)
		JNZ(LabelRef("round"))
		VZEROUPPER()
		RET()
	})
}
