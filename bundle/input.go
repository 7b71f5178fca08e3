package bundle

import "qtool/quant"

// Input describes what enters the program: images of Shape whose bytes b stand
// for the reals b/255, quantized to the centred integers q - zeroPoint.
type Input struct {
	Shape     []int        `json:"shape"`
	Quantizer quant.Params `json:"quantizer"`
}

// Codes is the centred integer of each of the 256 byte values: the client's
// whole preprocessing.
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

// Quantize is the program's input vector for an image of bytes.
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
