package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quarters writes the kernels of linear maps with weights of 16 bits: words are
// taken as four quarters of 16 bits, of two inputs at once, and one instruction
// multiplies 16 or 32 quarters and adds the products of two inputs up.
func quarters() {
	for _, shape := range [][2]int{{4, 1}, {2, 2}, {1, 4}} {
		quarterSums("AVX2", shape[0], shape[1])
	}
	for _, shape := range [][2]int{{8, 1}, {4, 2}, {2, 4}, {1, 4}} {
		quarterSums("AVX512", shape[0], shape[1])
	}
}

// quarterSums writes
//
//	dst[r] = base[r] + sum_i 2^(16 i) (2^31 + sum_k w[k][r] s_i(x[offsets[k]]))  mod q
//
// for all words of so many rounds of vectors, where s_0, ..., s_3 are the signed
// quarters of a word x below 2^63:
//
//	x = sum_i 2^(16 i) s_i + 2^15 (1 + 2^16 + 2^32),   -2^15 <= s_i < 2^15
//
// Offsets are in words, and rows of dst are stride bytes apart. w holds the weights
// of two inputs in a word of 32 bits, the first in the lower half, row by row for
// each pair of inputs; the second is 0 where the number of inputs is odd. Sums of a
// quarter are exact in 32 bits where the weights' magnitudes add up to less than 2^16,
// the total in 64 bits where it lies in [0, 2^64), and the remainder for q in
// 2^34..2^61; ratio is the float64 nearest to 2^32/q.
func quarterSums(level string, rows, vectors int) {
	TEXT(fmt.Sprintf("quarters%d%s", rows, level), NOSPLIT, "func(dst *uint64, stride uint64, x *uint64, offsets *int64, w *uint32, taps, rounds uint64, base *uint64, q uint64, ratio float64)")
	Pragma("noescape")
	k := quarterKernel{level: level, rows: rows, vectors: vectors}
	k.bytes = 32
	if level == "AVX512" {
		k.bytes = 64
	}
	dst, x, offsets, w := loadPointer("dst"), loadPointer("x"), loadPointer("offsets"), loadPointer("w")
	rounds := loadPointer("rounds")
	signs := k.constant(0x800080008000)
	loop("round", rounds, func() {
		k.acc = nil
		half := k.constant(1<<31 | 1<<63)
		for range rows * vectors {
			var pair [2]reg.VecVirtual
			for i := range pair {
				pair[i] = k.vector()
				k.move(half, pair[i])
			}
			k.acc = append(k.acc, pair)
		}
		n, o, c := loadPointer("taps"), GP64(), GP64()
		MOVQ(offsets, o)
		MOVQ(w, c)
		first, second := GP64(), GP64()
		SHRQ(U8(1), n)
		JZ(LabelRef("single"))
		loop("pair", n, func() {
			MOVQ(Mem{Base: o}, first)
			MOVQ(Mem{Base: o, Disp: words}, second)
			k.add(x, first, second, c, signs)
			ADDQ(U8(2*words), o)
			ADDQ(U8(rows*4), c)
		})
		Label("single")
		odd := loadPointer("taps")
		TESTQ(U32(1), odd)
		JZ(LabelRef("finish"))
		MOVQ(Mem{Base: o}, first)
		k.add(x, first, first, c, signs)
		Label("finish")
		k.finish(dst)
		ADDQ(U32(vectors*k.bytes), x)
		ADDQ(U32(vectors*k.bytes), dst)
	})
	VZEROUPPER()
	RET()
}

// quarterKernel is one kernel's shape and accumulators: of row r and vector v,
// number r vectors + v, the quarters of the lower and of the upper word in each 16
// bytes.
type quarterKernel struct {
	level         string
	rows, vectors int
	bytes         int
	acc           [][2]reg.VecVirtual
}

func (k *quarterKernel) vector() reg.VecVirtual {
	if k.level == "AVX512" {
		return ZMM()
	}
	return YMM()
}

// constant is a word in all lanes.
func (k *quarterKernel) constant(word uint64) reg.VecVirtual {
	r, v := GP64(), k.vector()
	MOVQ(U64(word), r)
	if k.level == "AVX512" {
		VPBROADCASTQ(r, v)
	} else {
		x := XMM()
		VMOVQ(r, x)
		VPBROADCASTQ(x, v)
	}
	return v
}

func (k *quarterKernel) move(from, to Op) { move(k.level, from, to) }

func (k *quarterKernel) xor(a, b, to Op) {
	if k.level == "AVX512" {
		VPXORQ(a, b, to)
	} else {
		VPXOR(a, b, to)
	}
}

func (k *quarterKernel) and(a, b, to Op) {
	if k.level == "AVX512" {
		VPANDQ(a, b, to)
	} else {
		VPAND(a, b, to)
	}
}

// add adds the products of two inputs, at words first and second.
func (k *quarterKernel) add(x, first, second, w reg.GPVirtual, signs reg.VecVirtual) {
	for v := range k.vectors {
		a, b, low := k.vector(), k.vector(), k.vector()
		k.xor(Mem{Base: x, Index: first, Scale: words, Disp: v * k.bytes}, signs, a)
		k.xor(Mem{Base: x, Index: second, Scale: words, Disp: v * k.bytes}, signs, b)
		VPUNPCKLWD(b, a, low)
		VPUNPCKHWD(b, a, b)
		for r := range k.rows {
			weights := k.vector()
			VPBROADCASTD(Mem{Base: w, Disp: 4 * r}, weights)
			for i, s := range []reg.VecVirtual{low, b} {
				t, acc := k.vector(), k.acc[r*k.vectors+v][i]
				VPMADDWD(s, weights, t)
				VPADDD(t, acc, acc)
			}
		}
	}
}

// finish puts the quarters' sums together, adds the bases, reduces and stores:
//
//	t = floor(v / 2^32),  k = round(t ratio),  v - k q,  + q if that is negative
//
// for v below 2^64. |t ratio - v/q| <= 2^32/q + 2^30 2^-53, as ratio is at most 1/4
// and off by a part of 2^-53; k is within 1/2 of t ratio, so that |v - k q| <= q (3/4
// + 2^-23), and k <= 2^30 + 1 has half a word: k q takes two products.
func (k *quarterKernel) finish(dst reg.GPVirtual) {
	argument := func(name string, i int) reg.VecVirtual {
		v := k.vector()
		VPBROADCASTQ(NewParamAddr(name, i*words), v)
		return v
	}
	q, ratio := argument("q", 8), argument("ratio", 9)
	top, exponent, low := k.vector(), k.constant(0x433<<52), k.constant(1<<32-1)
	VPSRLQ(U8(32), q, top)
	row, base := GP64(), loadPointer("base")
	MOVQ(dst, row)
	for r := range k.rows {
		start := k.vector()
		VPBROADCASTQ(Mem{Base: base, Disp: r * words}, start)
		for v := range k.vectors {
			acc := k.acc[r*k.vectors+v]
			sum, upper, t := k.vector(), k.vector(), k.vector()
			VPUNPCKLQDQ(acc[1], acc[0], sum)   // s_0 + 2^32 s_1
			VPUNPCKHQDQ(acc[1], acc[0], upper) // s_2 + 2^32 s_3
			VPSRLQ(U8(32), upper, t)
			VPSLLQ(U8(16), t, t)
			VPADDQ(t, upper, upper) // in its lower half, s_2 + 2^16 s_3
			VPSLLQ(U8(32), upper, upper)
			VPSRLQ(U8(32), sum, t)
			VPSLLQ(U8(16), t, t)
			k.and(low, sum, sum)
			VPADDQ(t, sum, sum)
			VPADDQ(upper, sum, sum)
			VPADDQ(start, sum, sum)

			VPSRLQ(U8(32), sum, t)
			k.xor(exponent, t, t) // 2^52 + t
			VSUBPD(exponent, t, t)
			VFMADD213PD(exponent, ratio, t) // the lower half of its bits is k
			VPMULUDQ(q, t, upper)
			VPMULUDQ(top, t, t)
			VPSLLQ(U8(32), t, t)
			VPSUBQ(upper, sum, sum)
			VPSUBQ(t, sum, sum)
			VPADDQ(q, sum, t)
			if k.level == "AVX512" {
				VPMINUQ(t, sum, sum)
			} else {
				VBLENDVPD(sum, t, sum, sum)
			}
			k.move(sum, Mem{Base: row, Disp: v * k.bytes})
		}
		if r+1 < k.rows {
			stride := loadPointer("stride")
			ADDQ(stride, row)
		}
	}
}
