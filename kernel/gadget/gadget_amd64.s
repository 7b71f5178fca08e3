//go:build !purego

#include "textflag.h"

// func splitAVX512(dst **uint64, a, b *uint64, vectors uint64, c *splitting, flip, lift uint64)
//
// x = lift + (a xor flip) - b, centred, rounded, and taken apart. A negative digit
// d becomes d + q, the lesser of the two as unsigned words.
TEXT ·splitAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), BX
	MOVQ vectors+24(FP), CX
	MOVQ c+32(FP), DX
	VPBROADCASTQ flip+40(FP), Z0
	VPBROADCASTQ lift+48(FP), Z1
	VPBROADCASTQ 0(DX), Z2        // q
	VPBROADCASTQ 8(DX), Z3        // q/2
	VPBROADCASTQ 16(DX), Z4       // bias
	VPBROADCASTQ 24(DX), Z5       // B/2
	VPBROADCASTQ 32(DX), Z6       // B - 1
	MOVQ 40(DX), X7               // drop
	MOVQ 48(DX), X8               // base
	MOVQ 56(DX), R8               // lower digits
	VPXORQ Z9, Z9, Z9
	VPSUBQ Z3, Z9, Z9             // -q/2
	XORQ AX, AX                   // byte offset

loop:
	VMOVDQU64 (SI)(AX*1), Z10
	VPXORQ Z0, Z10, Z10
	VPADDQ Z1, Z10, Z10
	VPSUBQ (BX)(AX*1), Z10, Z10
	VPCMPQ $6, Z3, Z10, K1        // x > q/2
	VPSUBQ Z2, Z10, K1, Z10
	VPCMPQ $1, Z9, Z10, K1        // x < -q/2
	VPADDQ Z2, Z10, K1, Z10
	VPADDQ Z4, Z10, Z10
	VPSRAQ X7, Z10, Z10
	XORQ R9, R9

digit:
	CMPQ R9, R8
	JGE last
	VPADDQ Z5, Z10, Z11
	VPANDQ Z6, Z11, Z11
	VPSUBQ Z5, Z11, Z11           // d
	VPSUBQ Z11, Z10, Z10
	VPSRAQ X8, Z10, Z10
	VPADDQ Z2, Z11, Z12
	VPMINUQ Z11, Z12, Z12
	MOVQ (DI)(R9*8), R10
	VMOVDQU64 Z12, (R10)(AX*1)
	INCQ R9
	JMP digit

last:
	VPADDQ Z2, Z10, Z12
	VPMINUQ Z10, Z12, Z12
	MOVQ (DI)(R9*8), R10
	VMOVDQU64 Z12, (R10)(AX*1)
	ADDQ $64, AX
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET

// func innerIFMA(dst *uint64, digits, keys **uint64, rows, vectors uint64, c *reducing)
//
// Sums the products' low and high 52 bits apart, reduces them by 2^52 and takes
// the result from 2^-52 to 2^-64 by a product with a constant.
TEXT ·innerIFMA(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ digits+8(FP), SI
	MOVQ keys+16(FP), BX
	MOVQ rows+24(FP), R8
	MOVQ vectors+32(FP), CX
	MOVQ c+40(FP), DX
	VPBROADCASTQ 0(DX), Z0        // q
	VPBROADCASTQ 8(DX), Z1        // -1/q mod 2^52
	VPBROADCASTQ 16(DX), Z2       // 2^-12
	VPBROADCASTQ 24(DX), Z3       // its quotient
	MOVQ $0xfffffffffffff, R9
	VPBROADCASTQ R9, Z4           // 52 ones
	MOVQ $1, R9
	VPBROADCASTQ R9, Z5
	XORQ AX, AX

loop:
	VPXORQ Z6, Z6, Z6             // low
	VPXORQ Z7, Z7, Z7             // high
	XORQ R9, R9

row:
	MOVQ (SI)(R9*8), R10
	MOVQ (BX)(R9*8), R11
	VMOVDQU64 (R10)(AX*1), Z8
	VMOVDQU64 (R11)(AX*1), Z9
	VPMADD52LUQ Z9, Z8, Z6
	VPMADD52HUQ Z9, Z8, Z7
	INCQ R9
	CMPQ R9, R8
	JLT row

	VPSRLQ $52, Z6, Z8
	VPADDQ Z8, Z7, Z7
	VPANDQ Z4, Z6, Z6
	VPXORQ Z8, Z8, Z8
	VPMADD52LUQ Z1, Z6, Z8        // m
	VPMADD52HUQ Z0, Z8, Z7
	VPTESTMQ Z6, Z6, K1           // the low halves add up to 2^52, or to 0
	VPADDQ Z5, Z7, K1, Z7         // below 2q
	VPXORQ Z8, Z8, Z8
	VPMADD52HUQ Z3, Z7, Z8        // quotient
	VPXORQ Z9, Z9, Z9
	VPMADD52LUQ Z2, Z7, Z9
	VPXORQ Z10, Z10, Z10
	VPMADD52LUQ Z0, Z8, Z10
	VPSUBQ Z10, Z9, Z9
	VPANDQ Z4, Z9, Z9             // below 2q
	VPSUBQ Z0, Z9, Z10
	VPMINUQ Z9, Z10, Z9
	VMOVDQU64 Z9, (DI)(AX*1)
	ADDQ $64, AX
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET

// func addAVX512(dst, src *uint64, vectors, q uint64)
TEXT ·addAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX
	VPBROADCASTQ q+24(FP), Z0
	XORQ AX, AX

loop:
	VMOVDQU64 (DI)(AX*1), Z1
	VPADDQ (SI)(AX*1), Z1, Z1
	VPSUBQ Z0, Z1, Z2
	VPMINUQ Z1, Z2, Z1
	VMOVDQU64 Z1, (DI)(AX*1)
	ADDQ $64, AX
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET

// func addMulAVX512(dst, src *uint32, vectors uint64, w uint32)
TEXT ·addMulAVX512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX
	MOVL w+24(FP), R8
	VPBROADCASTD R8, Z0
	XORQ AX, AX

loop:
	VPMULLD (SI)(AX*1), Z0, Z1
	VPADDD (DI)(AX*1), Z1, Z1
	VMOVDQU32 Z1, (DI)(AX*1)
	ADDQ $64, AX
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET

// func addMulAVX2(dst, src *uint32, vectors uint64, w uint32)
TEXT ·addMulAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ vectors+16(FP), CX
	MOVL w+24(FP), R8
	VMOVD R8, X0
	VPBROADCASTD X0, Y0
	XORQ AX, AX

loop:
	VPMULLD (SI)(AX*1), Y0, Y1
	VPADDD (DI)(AX*1), Y1, Y1
	VMOVDQU Y1, (DI)(AX*1)
	ADDQ $32, AX
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET
