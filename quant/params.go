package quant

import (
	"fmt"
	"math"
)

// Params is the quantizer of one tensor (or of one of its channels).
//
// The grid is the integers QMin..QMax:
//
//	unsigned             0 .. 2^Bits - 1
//	signed              -2^(Bits-1) .. 2^(Bits-1) - 1
//	signed, NarrowRange -2^(Bits-1) + 1 .. 2^(Bits-1) - 1
//
// Signed, NarrowRange and one bit is the binary grid, -1 and +1 without 0: a
// value keeps its sign alone. So 0 becomes +Scale, and NaN too.
//
// Reference for binary: Rastegari et al., "XNOR-Net", arXiv 1603.05279.
type Params struct {
	Scale       float32  `json:"scale"`
	ZeroPoint   int32    `json:"zero_point"`
	Bits        BitWidth `json:"bits"`
	Signed      bool     `json:"signed"`
	NarrowRange bool     `json:"narrow_range"`
}

// Binary reports whether the grid is {-1, +1}.
func (p Params) Binary() bool { return p.Bits == 1 && p.Signed && p.NarrowRange }

// QMin is the smallest integer of the grid.
func (p Params) QMin() int32 {
	switch {
	case !p.Signed:
		return 0
	case p.Binary():
		return -1
	}
	lo := -(int32(1) << (p.Bits - 1))
	if p.NarrowRange {
		lo++
	}
	return lo
}

// QMax is the largest integer of the grid.
func (p Params) QMax() int32 {
	switch {
	case p.Binary():
		return 1
	case p.Signed:
		return int32(1)<<(p.Bits-1) - 1
	}
	return int32(1)<<p.Bits - 1
}

// Validate returns an error that names the field and its limit unless the
// scale is finite and positive, the bits are in range and the zero point lies
// on the grid.
func (p Params) Validate() error {
	if err := CheckBits(int(p.Bits), p.Signed); err != nil {
		return err
	}
	if p.NarrowRange && !p.Signed {
		return fmt.Errorf("narrow range is for signed grids only")
	}
	if p.Bits == 1 && p.Signed && !p.NarrowRange {
		return fmt.Errorf("a signed grid of 1 bit must be narrow: -1 and +1")
	}
	if !(p.Scale > 0) || math.IsInf(float64(p.Scale), 0) {
		return fmt.Errorf("scale %v is not finite and positive", p.Scale)
	}
	if p.Binary() && p.ZeroPoint != 0 {
		return fmt.Errorf("zero point %d of a binary grid is not 0", p.ZeroPoint)
	}
	if p.ZeroPoint < p.QMin() || p.ZeroPoint > p.QMax() {
		return fmt.Errorf("zero point %d is outside the grid %d..%d", p.ZeroPoint, p.QMin(), p.QMax())
	}
	return nil
}

// Quantize maps a real value to the grid:
//
//	q = clamp(round(x/Scale) + ZeroPoint, QMin, QMax)
//
// Division and rounding are in float32, half to even. The result is exact for
// every finite x; infinities saturate and NaN maps to ZeroPoint. On the binary
// grid q is -1 for x < 0 and +1 otherwise.
//
// Reference: ONNX operator QuantizeLinear.
func (p Params) Quantize(x float32) int32 {
	return int32(p.Code(x)) + p.ZeroPoint
}

// Code is the centred integer q - ZeroPoint as a float32 (exact: grids have at
// most 16 bits).
func (p Params) Code(x float32) float32 {
	if p.Binary() {
		return sign(x)
	}
	r := float32(math.RoundToEven(float64(x / p.Scale)))
	lo, hi := float32(p.QMin()-p.ZeroPoint), float32(p.QMax()-p.ZeroPoint)
	switch {
	case r > hi:
		return hi
	case r < lo:
		return lo
	case r == r:
		return r
	}
	return 0 // NaN
}

// sign is -1 for negative x and +1 otherwise.
func sign(x float32) float32 {
	if x < 0 {
		return -1
	}
	return 1
}

// Dequantize is the real value of q: Scale * (q - ZeroPoint), rounded once to
// float32.
func (p Params) Dequantize(q int32) float32 {
	return p.Scale * float32(q-p.ZeroPoint)
}

// Inside reports whether the straight-through gradient of fake quantization
// passes at x: whether round(x/Scale) needed no clamping. It is false for NaN.
//
// This is the mask of torch.fake_quantize_per_tensor_affine. A binary grid clamps
// nothing, so there it is true for every number.
func (p Params) Inside(x float32) bool {
	if p.Binary() {
		return x == x
	}
	r := float32(math.RoundToEven(float64(x / p.Scale)))
	return r >= float32(p.QMin()-p.ZeroPoint) && r <= float32(p.QMax()-p.ZeroPoint)
}

// FakeQuantize is Dequantize(Quantize(x)): the real value that the grid keeps
// of x. The error is at most Scale/2 inside the grid's range (on the binary grid,
// Scale between -Scale and +Scale).
func (p Params) FakeQuantize(x float32) float32 { return p.Scale * p.Code(x) }

// Codes writes the centred integers q - ZeroPoint of src to dst as float32,
// which is exact. Training and evaluation carry quantized tensors in this form,
// so that float32 arithmetic on them is integer arithmetic while every partial
// sum stays below 2^24 in magnitude.
//
// dst may alias src. It panics if the lengths differ.
func (p Params) Codes(dst, src []float32) {
	if len(dst) != len(src) {
		panic("quant: Codes: lengths differ")
	}
	if p.Binary() {
		for i, x := range src {
			dst[i] = sign(x)
		}
		return
	}
	scale := p.Scale
	lo, hi := float32(p.QMin()-p.ZeroPoint), float32(p.QMax()-p.ZeroPoint)
	for i, x := range src {
		r := float32(math.RoundToEven(float64(x / scale)))
		switch {
		case r > hi:
			r = hi
		case r < lo:
			r = lo
		case r != r:
			r = 0
		}
		dst[i] = r
	}
}
