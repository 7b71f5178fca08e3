// Package quant is qtool's affine integer arithmetic: the one place that says
// how a real number becomes an integer and back.
//
//	real = scale * (q - zeroPoint)
//	q    = clamp(round(real/scale) + zeroPoint, QMin, QMax)
//
// The division and the rounding are done in float32 and ties go to the even
// integer, as ONNX QuantizeLinear prescribes. Weights are symmetric (zero
// point 0), activations affine.
//
// Everything that quantizes in qtool (fake quantization in training,
// calibration, export, the client of an encrypted service) calls this package,
// so that their integers cannot differ.
//
// Reference: Jacob et al., "Quantization and Training of Neural Networks for
// Efficient Integer-Arithmetic-Only Inference", arXiv 1712.05877, section 2.
package quant
