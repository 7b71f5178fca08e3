// Package bulk is what package quant defines for one value, by the vector
// kernels, for many: the same bits.
package bulk

import (
	"qtool/kernel/f32"
	"qtool/quant"
)

// Grid is p with its zero at 0. Its Quantize is p.Codes and its QuantizeGrad
// passes where p.Inside, unless p is binary.
func Grid(p quant.Params) f32.Grid {
	return f32.Grid{Scale: p.Scale, Lo: float32(p.QMin() - p.ZeroPoint), Hi: float32(p.QMax() - p.ZeroPoint)}
}

// Codes is p.Codes.
func Codes(p quant.Params, dst, x []float32) {
	if p.Binary() {
		p.Codes(dst, x)
		return
	}
	Grid(p).Quantize(dst, x)
}

// ScaleGradient is p.ScaleGradient.
func ScaleGradient(p quant.Params, x, dcode []float32) float64 {
	if p.Binary() {
		return p.ScaleGradient(x, dcode)
	}
	return Grid(p).ScaleGradient(x, dcode) / p.GradientRoot(len(x))
}
