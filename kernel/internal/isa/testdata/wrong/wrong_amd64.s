#include "textflag.h"

// highAVX2 has a register that VEX cannot name.
TEXT ·highAVX2(SB), NOSPLIT, $0-0
	VADDPS Y16, Y1, Y1
	RET

// evexAVX2 has a shift of AVX-512 on registers of AVX2.
TEXT ·evexAVX2(SB), NOSPLIT, $0-0
	VPSRAQ $3, Y1, Y2
	RET

// broadcastAVX2 has a memory operand of EVEX.
TEXT ·broadcastAVX2(SB), NOSPLIT, $0-0
	VADDPS.BCST (SP), Y1, Y2
	RET

// maskAVX2 has a mask.
TEXT ·maskAVX2(SB), NOSPLIT, $0-0
	VCMPPS $1, Y1, Y2, K1
	RET

// zmmAVX2_2x1 has a register of 64 bytes in a tile.
TEXT ·zmmAVX2_2x1(SB), NOSPLIT, $0-0
	VADDPS Z1, Z2, Z3
	RET

// f16cAVX2 has half precision, which nothing asks for.
TEXT ·f16cAVX2(SB), NOSPLIT, $0-0
	VCVTPH2PS X1, Y2
	RET

// sse4AVX2 has SSE4.1 without VEX.
TEXT ·sse4AVX2(SB), NOSPLIT, $0-0
	PMULLD X1, X2
	RET

// vexSSE2 has VEX.
TEXT ·vexSSE2(SB), NOSPLIT, $0-0
	VADDPS X1, X2, X3
	RET

// popcntSSE2 has a count of bits, which the first amd64 processors lack.
TEXT ·popcntSSE2(SB), NOSPLIT, $0-0
	POPCNTQ AX, BX
	RET

// ifmaAVX512 has the 52-bit multiply-add.
TEXT ·ifmaAVX512(SB), NOSPLIT, $0-0
	VPMADD52LUQ Z1, Z2, Z3
	RET

// vbmiIFMA has a permutation of bytes.
TEXT ·vbmiIFMA(SB), NOSPLIT, $0-0
	VPERMB Z1, Z2, Z3
	RET

// vnniIFMA has a dot product of bytes.
TEXT ·vnniIFMA(SB), NOSPLIT, $0-0
	VPDPBUSD Z1, Z2, Z3
	RET

// bytesAVX2 has VADDPS Z1, Z2, Z3 as bytes.
TEXT ·bytesAVX2(SB), NOSPLIT, $0-0
	BYTE $0x62; BYTE $0xf1; BYTE $0x6c; BYTE $0x48; BYTE $0x58; BYTE $0xd9
	RET

// rightAVX2 is right.
TEXT ·rightAVX2(SB), NOSPLIT, $0-0
	VFMADD231PD 8(SP)(AX*8), Y1, Y15
	SHLXQ AX, BX, CX
	VPGATHERQQ Y1, (SP)(Y2*1), Y3
	RET

// rightAVX512 is right.
TEXT ·rightAVX512(SB), NOSPLIT, $0-0
	VADDPS.BCST (SP), Y17, Y2
	VPMULLQ Z1, Z31, Z3
	KXNORW K1, K1, K1
	RET

// rightIFMA is right.
TEXT ·rightIFMA(SB), NOSPLIT, $0-0
	VPMADD52LUQ Z1, Z2, Z3
	RET

// rightSSE2 is right.
TEXT ·rightSSE2(SB), NOSPLIT, $0-0
	MOVUPS X1, X2
	ADDPD X1, X15
	CMOVQGT AX, BX
	RET

// unnamed has no level.
TEXT ·unnamed(SB), NOSPLIT, $0-0
	RET
