package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reducerIFMA brings any words into [0, q), for q in 2^12..2^50. With the
// quotient floor((v >> 12) barrett / 2^52), barrett = floor(2^64 / q), the
// remainder is below 3q.
func reducerIFMA(q, barrett reg.VecVirtual) func(v reg.VecVirtual) {
	mask, twice := lowBits(), ZMM()
	VPADDQ(q, q, twice)
	return func(v reg.VecVirtual) {
		t, h, l := ZMM(), ZMM(), ZMM()
		VPSRLQ(U8(12), v, t)
		zero(h)
		VPMADD52HUQ(barrett, t, h)
		zero(l)
		VPMADD52LUQ(q, h, l)
		VPSUBQ(l, v, v)
		VPANDQ(mask, v, v)
		shrink(v, twice)
		shrink(v, q)
	}
}

// reducerAVX512 brings any words into [0, q), for q of 20 to 61 bits. The
// quotient in floating point is wrong by one at most.
func reducerAVX512(q reg.VecVirtual) func(v reg.VecVirtual) {
	one, r := ZMM(), GP64()
	MOVQ(U64(0x3ff0000000000000), r)
	VPBROADCASTQ(r, one)
	inverse := ZMM()
	VCVTUQQ2PD(q, inverse)
	VDIVPD(inverse, one, inverse)
	return func(v reg.VecVirtual) {
		h, t := ZMM(), ZMM()
		VCVTUQQ2PD(v, h)
		VMULPD(inverse, h, h)
		VCVTTPD2UQQ(h, h)
		VPMULLQ(q, h, h)
		VPSUBQ(h, v, v)
		VPADDQ(q, v, t) // positive if v is not
		VPMINUQ(t, v, v)
		shrink(v, q)
	}
}

// reducerAVX2 brings any words into [0, q), for q of at most 62 bits, by the
// quotient floor(v barrett / 2^64), barrett = floor(2^64 / q), from products of
// half words.
func reducerAVX2(q, barrett reg.VecVirtual) func(v reg.VecVirtual) {
	return func(v reg.VecVirtual) {
		top, a, b, c := YMM(), YMM(), YMM(), YMM()
		VPSRLQ(U8(32), barrett, top)
		VPSRLQ(U8(32), v, c)
		VPMULUDQ(barrett, v, a) // low low
		VPSRLQ(U8(32), a, a)
		VPMULUDQ(barrett, c, b) // high low
		VPADDQ(b, a, a)         // below 2^64
		VPMULUDQ(top, v, b)     // low high
		t := YMM()
		VPSLLQ(U8(32), a, t)
		VPSRLQ(U8(32), t, t) // low half of a
		VPADDQ(t, b, b)
		VPSRLQ(U8(32), b, b)
		VPSRLQ(U8(32), a, a)
		VPADDQ(b, a, a)
		VPMULUDQ(top, c, b) // high high
		VPADDQ(b, a, a)     // the quotient
		// v -= a q
		VPMULUDQ(q, a, b)
		VPSUBQ(b, v, v)
		VPSRLQ(U8(32), a, b)
		VPMULUDQ(q, b, b)
		VPSRLQ(U8(32), q, t)
		VPMULUDQ(t, a, t)
		VPADDQ(t, b, b)
		VPSLLQ(U8(32), b, b)
		VPSUBQ(b, v, v)
		VPSUBQ(q, v, t)
		VBLENDVPD(t, v, t, v) // v where v - q is negative
	}
}
