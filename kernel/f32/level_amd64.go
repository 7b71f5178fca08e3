//go:build !purego

package f32

import (
	"math"

	"qtool/kernel/cpu"
)

func init() {
	at[cpu.AVX2] = &kernels{
		width: 8, blockTerms: 128, blockValues: 6144, // 24 KiB: the first-level cache
		product: [][]productKernel{
			{productAVX2_1x1, productAVX2_1x2},
			{productAVX2_2x1, productAVX2_2x2},
			{productAVX2_3x1, productAVX2_3x2},
			{productAVX2_4x1, productAVX2_4x2},
			{productAVX2_5x1, productAVX2_5x2},
			{productAVX2_6x1, productAVX2_6x2},
		},
		dots: [][]dotsKernel{
			{dotsAVX2_1x1, dotsAVX2_1x2, dotsAVX2_1x3, dotsAVX2_1x4, dotsAVX2_1x5, dotsAVX2_1x6},
			{dotsAVX2_2x1, dotsAVX2_2x2, dotsAVX2_2x3},
			{dotsAVX2_3x1, dotsAVX2_3x2},
		},
		dotsValues:     6144,
		add:            addAVX2,
		square:         squareAVX2,
		relu:           reluAVX2,
		sigmoid:        sigmoidAVX2,
		tanh:           tanhAVX2,
		mul:            mulAVX2,
		squareGrad:     squareGradAVX2,
		reluGrad:       reluGradAVX2,
		sigmoidGrad:    sigmoidGradAVX2,
		tanhGrad:       tanhGradAVX2,
		polynomial:     polynomialAVX2,
		polynomialGrad: polynomialGradAVX2,
		quantize:       quantizeAVX2,
		quantizeGrad:   quantizeGradAVX2,
		adam:           adamAVX2,
		sum:            sumAVX2,
		sumSquares:     sumSquaresAVX2,
		absMax:         absMaxAVX2,
		scaleGradient:  scaleGradientAVX2,
		products:       productsAVX2,
		line:           lineAVX2,
		plane:          planeAVX2,
		pool:           poolAVX2,
		poolGrad:       poolGradAVX2,
		poolGradAdd:    poolGradAddAVX2,
		peak:           peakAVX2, peakFlops: 2 * 12 * 8,
		transpose: transposeAVX2,
	}
	at[cpu.AVX512] = &kernels{
		width: 16, blockTerms: 1024, blockValues: 1 << 16, // 256 KiB: the second-level cache
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
		wide: []productKernel{
			productAVX512_1x4, productAVX512_2x4, productAVX512_3x4, productAVX512_4x4, productAVX512_5x4, productAVX512_6x4,
		},
		dots: [][]dotsKernel{
			{dotsAVX512_1x1, dotsAVX512_1x2, dotsAVX512_1x3, dotsAVX512_1x4, dotsAVX512_1x5},
			{dotsAVX512_2x1, dotsAVX512_2x2, dotsAVX512_2x3, dotsAVX512_2x4, dotsAVX512_2x5},
			{dotsAVX512_3x1, dotsAVX512_3x2, dotsAVX512_3x3, dotsAVX512_3x4, dotsAVX512_3x5},
			{dotsAVX512_4x1, dotsAVX512_4x2, dotsAVX512_4x3, dotsAVX512_4x4, dotsAVX512_4x5},
		},
		dotsValues:     math.MaxInt, // its fewer passes gain nothing
		add:            addAVX512,
		square:         squareAVX512,
		relu:           reluAVX512,
		sigmoid:        sigmoidAVX512,
		tanh:           tanhAVX512,
		mul:            mulAVX512,
		squareGrad:     squareGradAVX512,
		reluGrad:       reluGradAVX512,
		sigmoidGrad:    sigmoidGradAVX512,
		tanhGrad:       tanhGradAVX512,
		polynomial:     polynomialAVX512,
		polynomialGrad: polynomialGradAVX512,
		quantize:       quantizeAVX512,
		quantizeGrad:   quantizeGradAVX512,
		adam:           adamAVX512,
		sum:            sumAVX512,
		sumSquares:     sumSquaresAVX512,
		absMax:         absMaxAVX512,
		scaleGradient:  scaleGradientAVX512,
		products:       productsAVX512,
		line:           lineAVX512,
		plane:          planeAVX512,
		pool:           poolAVX512,
		poolGrad:       poolGradAVX512,
		poolGradAdd:    poolGradAddAVX512,
		peak:           peakAVX512, peakFlops: 2 * 24 * 16,
		transpose: transposeAVX2,
	}
	at[cpu.IFMA] = at[cpu.AVX512]
	use(cpu.Active)
}
