package bundle

import "qtool/quant"

// Input describes what enters the program: tensors of Shape that an encoder makes,
// quantized to the centred integers q - zeroPoint.
type Input struct {
	Shape     []int        `json:"shape"`
	Quantizer quant.Params `json:"quantizer"`
}

// QuantizeReals is the program's input vector for the tensor that an encoder makes of a
// sample: the centred integers of its values, half to even.
func (in Input) QuantizeReals(tensor []float32) Vec {
	codes := make([]float32, len(tensor))
	in.Quantizer.Codes(codes, tensor)
	v := make([]int64, len(codes))
	for i, c := range codes {
		v[i] = int64(c) // exact
	}
	return Vec{Small: v}
}

// Codes is the centred integer of each of the 256 byte values of pixels that are
// divided by 255 and not normalized.
func (in Input) Codes() [256]int64 {
	var reals [256]float32
	for b := range reals {
		reals[b] = float32(b) / 255
	}
	in.Quantizer.Codes(reals[:], reals[:])
	var codes [256]int64
	for b, c := range reals {
		codes[b] = int64(c)
	}
	return codes
}

// Quantize is the program's input vector for an image of bytes that are divided by 255
// and not normalized.
func (in Input) Quantize(image []uint8) Vec {
	codes := in.Codes()
	v := make([]int64, len(image))
	for i, b := range image {
		v[i] = codes[b]
	}
	return Vec{Small: v}
}

// Bounds is the range of every input element: the quantizer's whole grid, not
// what some data happens to use of it.
func (in Input) Bounds() Bounds {
	n, _ := elements(in.Shape)
	q := in.Quantizer
	return constantBounds(n, int64(q.QMin()-q.ZeroPoint), int64(q.QMax()-q.ZeroPoint))
}
