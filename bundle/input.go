package bundle

import (
	"qtool/encode"
	"qtool/quant"
)

// Input describes what enters the program: tensors of Shape that an encoder makes,
// quantized to the centred integers q - zeroPoint.
type Input struct {
	Shape     []int        `json:"shape"`
	Quantizer quant.Params `json:"quantizer"`
}

// Sample quantizes the tensor that an encoder makes of what a person has.
func (in Input) Sample(tensor []float32) Sample {
	codes := make([]float32, len(tensor))
	in.Quantizer.Codes(codes, tensor)
	s := make(Sample, len(codes))
	for i, c := range codes {
		s[i] = int32(c) // exact
	}
	return s
}

// Pictures are what the program takes for pictures of bytes, which e makes tensors of;
// nil divides them by 255. It panics if a picture does not divide into e's channels.
func (in Input) Pictures(e *encode.Pixels, pictures [][]uint8) []Sample {
	// A table for each channel has what Sample gives for every byte.
	channels := 1
	if !e.Plain() {
		channels = len(e.Mean())
	}
	every := make([]byte, 256*channels)
	for i := range every {
		every[i] = byte(i)
	}
	tensor := make([]float32, len(every))
	e.EncodeInto(tensor, every)
	table := in.Sample(tensor)
	all := make([]Sample, len(pictures))
	for i, picture := range pictures {
		s, size := make(Sample, len(picture)), len(picture)/channels
		for c := range channels {
			of := table[256*c : 256*(c+1)]
			for k, b := range picture[c*size : (c+1)*size] {
				s[c*size+k] = of[b]
			}
		}
		all[i] = s
	}
	return all
}

// Samples are Pictures of bytes that are divided by 255.
func (in Input) Samples(images [][]uint8) []Sample { return in.Pictures(nil, images) }

// Quantize is the vector of an image of bytes that are divided by 255.
func (in Input) Quantize(image []uint8) Vec { return in.Samples([][]uint8{image})[0].Vec() }

// Codes is the centred integer of each of the 256 byte values of pixels that are divided
// by 255.
func (in Input) Codes() (codes [256]int64) {
	var every [256]byte
	for b := range every {
		every[b] = byte(b)
	}
	for b, q := range in.Samples([][]uint8{every[:]})[0] {
		codes[b] = int64(q)
	}
	return codes
}

// Bounds is the range of every input element: the quantizer's whole grid, not
// what some data happens to use of it.
func (in Input) Bounds() Bounds {
	n, _ := elements(in.Shape)
	q := in.Quantizer
	return constantBounds(n, int64(q.QMin()-q.ZeroPoint), int64(q.QMax()-q.ZeroPoint))
}
