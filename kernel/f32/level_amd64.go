package f32

import "qtool/kernel/cpu"

func init() {
	at[cpu.AVX2] = &kernels{
		width: 8,
		product: [][]productKernel{
			{productAVX2_1x1, productAVX2_1x2},
			{productAVX2_2x1, productAVX2_2x2},
			{productAVX2_3x1, productAVX2_3x2},
			{productAVX2_4x1, productAVX2_4x2},
			{productAVX2_5x1, productAVX2_5x2},
			{productAVX2_6x1, productAVX2_6x2},
		},
		dots: [][]dotsKernel{
			{dotsAVX2_1x1, dotsAVX2_1x2},
			{dotsAVX2_2x1, dotsAVX2_2x2},
		},
	}
	at[cpu.AVX512] = &kernels{
		width: 16,
		product: [][]productKernel{
			{productAVX512_1x1, productAVX512_1x2, productAVX512_1x3},
			{productAVX512_2x1, productAVX512_2x2, productAVX512_2x3},
			{productAVX512_3x1, productAVX512_3x2, productAVX512_3x3},
			{productAVX512_4x1, productAVX512_4x2, productAVX512_4x3},
			{productAVX512_5x1, productAVX512_5x2, productAVX512_5x3},
			{productAVX512_6x1, productAVX512_6x2, productAVX512_6x3},
			{productAVX512_7x1, productAVX512_7x2, productAVX512_7x3},
			{productAVX512_8x1, productAVX512_8x2, productAVX512_8x3},
		},
		dots: [][]dotsKernel{
			{dotsAVX512_1x1, dotsAVX512_1x2, dotsAVX512_1x3, dotsAVX512_1x4, dotsAVX512_1x5},
			{dotsAVX512_2x1, dotsAVX512_2x2, dotsAVX512_2x3, dotsAVX512_2x4, dotsAVX512_2x5},
			{dotsAVX512_3x1, dotsAVX512_3x2, dotsAVX512_3x3, dotsAVX512_3x4, dotsAVX512_3x5},
			{dotsAVX512_4x1, dotsAVX512_4x2, dotsAVX512_4x3, dotsAVX512_4x4, dotsAVX512_4x5},
		},
	}
	at[cpu.IFMA] = at[cpu.AVX512]
	use(cpu.Active)
}
