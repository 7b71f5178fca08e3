package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposes writes the transpose of 8 rows, 8 columns at a time.
func transposes() {
	s := avx2
	begin(s, "transpose", "writes tiles times 8 columns of 8 rows of x as rows of dst.",
		"func(dst *float32, dstRow int, x *float32, xRow int, tiles int)")
	dst, x, dstRow, xRow, tiles := param("dst"), param("x"), param("dstRow"), param("xRow"), param("tiles")
	SHLQ(Imm(2), dstRow)
	SHLQ(Imm(2), xRow)
	from, to := rowAddress(xRow, 8), rowAddress(dstRow, 8)
	Label("tile")
	row := s.vecs(8)
	for k, v := range row {
		VMOVUPS(from(x, k), v)
	}
	mix := func(low, high func(...Op), a, b reg.VecVirtual) (reg.VecVirtual, reg.VecVirtual) {
		l, h := s.vec(), s.vec()
		low(b, a, l)
		high(b, a, h)
		return l, h
	}
	single := func(f func(ymm, y, z Op)) func(...Op) { return func(o ...Op) { f(o[0], o[1], o[2]) } }
	t := make([]reg.VecVirtual, 8)
	for k := 0; k < 8; k += 2 {
		t[k], t[k+1] = mix(single(func(a, b, c Op) { VUNPCKLPS(a, b, c) }), single(func(a, b, c Op) { VUNPCKHPS(a, b, c) }), row[k], row[k+1])
	}
	u := make([]reg.VecVirtual, 8)
	for k := 0; k < 8; k += 4 {
		for h := range 2 {
			u[k+2*h], u[k+2*h+1] = mix(single(func(a, b, c Op) { VUNPCKLPD(a, b, c) }), single(func(a, b, c Op) { VUNPCKHPD(a, b, c) }), t[k+h], t[k+h+2])
		}
	}
	for k := range 4 {
		low, high := s.vec(), s.vec()
		VPERM2F128(Imm(0x20), u[k+4], u[k], low)
		VPERM2F128(Imm(0x31), u[k+4], u[k], high)
		VMOVUPS(low, to(dst, k))
		VMOVUPS(high, to(dst, k+4))
	}
	ADDQ(Imm(32), x)
	LEAQ(at(dst, dstRow, 8, 0), dst)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}
