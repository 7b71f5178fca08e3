package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// linear writes the kernels of linear maps: sums of some rows at once over the
// same inputs, each held in registers for some vectors of coefficients.
func linear() {
	for _, shape := range [][2]int{{8, 2}, {4, 4}, {2, 4}, {1, 8}} {
		sums("IFMA", shape[0], shape[1])
		sums("AVX512", shape[0], shape[1])
	}
	for _, shape := range [][2]int{{4, 1}, {2, 2}, {1, 2}} {
		sums("AVX2", shape[0], shape[1])
	}
}

// sums writes
//
//	dst[r] = base[r] + sum_k w[k][r] x[offsets[k]] - lift sum_k x[offsets[k]]  mod q
//
// for all words of so many rounds of vectors. Offsets are in words, and rows of
// dst are stride bytes apart. Sums are exact modulo 2^64, which must hold them; IFMA takes weights
// from 0, for which lift makes up.
func sums(level string, rows, vectors int) {
	TEXT(fmt.Sprintf("sums%d%s", rows, level), NOSPLIT, "func(dst *uint64, stride uint64, x *uint64, offsets *int64, w *int64, taps, rounds uint64, base *uint64, lift, q, barrett uint64)")
	Pragma("noescape")
	vector, bytes := ZMM, 64
	if level == "AVX2" {
		vector, bytes = YMM, 32
	}
	dst, x, offsets, w, base := loadPointer("dst"), loadPointer("x"), loadPointer("offsets"), loadPointer("w"), loadPointer("base")
	rounds := loadPointer("rounds")
	loop("round", rounds, func() {
		var low reg.VecVirtual // AVX2: 31 ones
		if level == "AVX2" {
			ones := YMM()
			VPCMPEQD(ones, ones, ones)
			low = YMM()
			VPSRLQ(U8(33), ones, low)
		}
		acc := make([][]reg.VecVirtual, rows)
		high := make([][]reg.VecVirtual, rows) // AVX2: of x >> 31
		total := make([]reg.VecVirtual, vectors)
		clear := func(v reg.VecVirtual) {
			if level == "AVX2" {
				VPXOR(v, v, v)
			} else {
				zero(v)
			}
		}
		for r := range rows {
			for range vectors {
				v := vector()
				clear(v)
				acc[r] = append(acc[r], v)
				if level == "AVX2" {
					h := vector()
					clear(h)
					high[r] = append(high[r], h)
				}
			}
		}
		if level == "IFMA" {
			for v := range total {
				total[v] = vector()
				clear(total[v])
			}
		}
		n, o, c := Load(Param("taps"), GP64()).(reg.GPVirtual), GP64(), GP64()
		MOVQ(offsets, o)
		MOVQ(w, c)
		loop("tap", n, func() {
			p := GP64()
			MOVQ(Mem{Base: o}, p)
			xs := make([]reg.VecVirtual, vectors)
			tops := make([]reg.VecVirtual, vectors)
			for v := range xs {
				xs[v] = vector()
				move(level, Mem{Base: x, Index: p, Scale: words, Disp: v * bytes}, xs[v])
				switch level {
				case "IFMA":
					VPADDQ(xs[v], total[v], total[v])
				case "AVX2":
					tops[v] = vector()
					VPSRLQ(U8(31), xs[v], tops[v])
					VPAND(low, xs[v], xs[v])
				}
			}
			for r := range rows {
				weight := vector()
				VPBROADCASTQ(Mem{Base: c, Disp: r * words}, weight)
				for v := range xs {
					switch level {
					case "IFMA":
						VPMADD52LUQ(xs[v], weight, acc[r][v])
					case "AVX512":
						t := vector()
						VPMULLQ(xs[v], weight, t)
						VPADDQ(t, acc[r][v], acc[r][v])
					case "AVX2":
						t := vector()
						VPMULDQ(xs[v], weight, t)
						VPADDQ(t, acc[r][v], acc[r][v])
						t = vector()
						VPMULDQ(tops[v], weight, t)
						VPADDQ(t, high[r][v], high[r][v])
					}
				}
			}
			ADDQ(U8(words), o)
			ADDQ(U8(rows*words), c)
		})
		finish(level, bytes, vector, dst, base, acc, high, total)
		ADDQ(U32(vectors*bytes), x)
		ADDQ(U32(vectors*bytes), dst)
	})
	VZEROUPPER()
	RET()
}

// move loads or stores a vector.
func move(level string, from, to Op) {
	if level == "AVX2" {
		VMOVDQU(from, to)
	} else {
		VMOVDQU64(from, to)
	}
}

// finish adds the bases, reduces and stores.
func finish(level string, bytes int, vector func() reg.VecVirtual, dst, base reg.GPVirtual, acc, high [][]reg.VecVirtual, total []reg.VecVirtual) {
	constant := func(name string) reg.VecVirtual {
		v := vector()
		VPBROADCASTQ(NewParamAddr(name, offsetOf(name)), v)
		return v
	}
	q := constant("q")
	var reduce func(v reg.VecVirtual)
	switch level {
	case "IFMA":
		lift := constant("lift")
		for _, t := range total {
			VPMULLQ(lift, t, t)
		}
		reduce = reducerIFMA(q, constant("barrett"))
	case "AVX512":
		reduce = reducerAVX512(q)
	case "AVX2":
		reduce = reducerAVX2(q, constant("barrett"))
	}
	row := GP64()
	MOVQ(dst, row)
	for r := range acc {
		start := vector()
		VPBROADCASTQ(Mem{Base: base, Disp: r * words}, start)
		for v, a := range acc[r] {
			switch level {
			case "IFMA":
				VPSUBQ(total[v], a, a)
			case "AVX2":
				VPSLLQ(U8(31), high[r][v], high[r][v])
				VPADDQ(high[r][v], a, a)
			}
			VPADDQ(start, a, a)
			reduce(a)
			move(level, a, Mem{Base: row, Disp: v * bytes})
		}
		if r+1 < len(acc) {
			stride := Load(Param("stride"), GP64()).(reg.GPVirtual)
			ADDQ(stride, row)
		}
	}
}

// offsetOf is where a parameter of sums lies.
func offsetOf(name string) int {
	for i, p := range []string{"dst", "stride", "x", "offsets", "w", "taps", "rounds", "base", "lift", "q", "barrett"} {
		if p == name {
			return i * words
		}
	}
	panic(name)
}
