package bundle

import "fmt"

// Sample is what a program takes: the centred code q - zeroPoint of each input element,
// in the order of Input.Shape. Encoders and the input's quantizer make samples of what
// people have; whatever runs a program knows samples alone.
type Sample []int32

// Vec is the sample as the vector that a Runner takes.
func (s Sample) Vec() Vec {
	v := make([]int64, len(s))
	for i, q := range s {
		v[i] = int64(q)
	}
	return Vec{Small: v}
}

// CheckSamples refuses samples that the program's ranges are not proved for: of another
// number of elements than Shape has, or with a code that the quantizer does not make.
// The error names the sample by its number.
func (in Input) CheckSamples(all []Sample) error {
	n := Size(in.Shape)
	q := in.Quantizer
	lo, hi := q.QMin()-q.ZeroPoint, q.QMax()-q.ZeroPoint
	for i, s := range all {
		if len(s) != n {
			return fmt.Errorf("sample %d has %d values, the program takes shape %v", i, len(s), in.Shape)
		}
		for k, c := range s {
			if c < lo || c > hi {
				return fmt.Errorf("sample %d: code %d of element %d is outside %d..%d", i, c, k, lo, hi)
			}
		}
	}
	return nil
}
