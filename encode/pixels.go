package encode

import (
	"fmt"
	"slices"
)

// Pixels encodes pictures of bytes of shape [C, H, W]. Byte b of channel c becomes
//
//	x = (b/255 - Mean[c]) / Std[c]
//
// or, without mean and deviation, x = b/255: each operation rounded once to float32.
// These are the bits of torchvision's ToTensor and Normalize. A nil *Pixels divides by
// 255, whatever the shape.
type Pixels struct {
	shape     []int
	mean, std []float32      // of each channel; nil for b/255
	table     [][256]float32 // the tensor's value of every byte, by channel
}

// plain is b/255 of every byte b.
var plain = func() (t [256]float32) {
	for b := range t {
		t[b] = float32(b) / 255
	}
	return t
}()

// Limits of mean and deviation, in units of the largest byte, which is 1.
const (
	maxMean = 1
	minStd  = 1e-6
	maxStd  = 1
)

// maxPixels bounds the numbers of a picture.
const maxPixels = 1 << 28

// NewPixels encodes pictures of a shape with a mean and a deviation: one number for all
// channels, the first dimension of the shape, or one for each; none is a mean of 0 and a
// deviation of 1. They are in units of the largest byte: bytes are divided by 255 first.
// The error begins with "mean" or "std" and names the channel, the value and the limit.
func NewPixels(shape []int, mean, std []float32) (*Pixels, error) {
	if err := checkShape(shape); err != nil {
		return nil, err
	}
	e := &Pixels{shape: slices.Clone(shape)}
	channels := shape[0]
	for _, k := range []struct {
		key    string
		given  []float32
		own    *[]float32
		lo, hi float32
		absent float32
	}{{"mean", mean, &e.mean, 0, maxMean, 0}, {"std", std, &e.std, minStd, maxStd, 1}} {
		if n := len(k.given); n > 1 && n != channels {
			return nil, fmt.Errorf("%s: %d numbers for the %d channels of shape %v: want one for each, or one for all", k.key, n, channels, shape)
		}
		for i, x := range k.given {
			if !(x >= k.lo && x <= k.hi) { // also catches NaN
				return nil, fmt.Errorf("%s.%d: %v is outside %v..%v, where 1 is the largest byte", k.key, i, x, k.lo, k.hi)
			}
		}
		*k.own = perChannel(k.given, channels, k.absent)
	}
	if !slices.ContainsFunc(e.mean, func(x float32) bool { return x != 0 }) && !slices.ContainsFunc(e.std, func(x float32) bool { return x != 1 }) {
		e.mean, e.std = nil, nil
		return e, nil
	}
	e.table = make([][256]float32, channels)
	for c := range e.table {
		e.table[c] = plain
		normalize(e.table[c][:], e.mean[c], e.std[c])
	}
	return e, nil
}

func checkShape(shape []int) error {
	n := 1
	for _, d := range shape {
		if d < 1 || d > maxPixels/n {
			return fmt.Errorf("shape %v: want dimensions from 1, with at most %d values together", shape, maxPixels)
		}
		n *= d
	}
	if len(shape) == 0 {
		return fmt.Errorf("shape: it has no dimension")
	}
	return nil
}

// perChannel is one number a channel: those given, the only one, or absent. Zeros have
// no sign.
func perChannel(given []float32, channels int, absent float32) []float32 {
	all := make([]float32, channels)
	for c := range all {
		switch len(given) {
		case 0:
			all[c] = absent
		case 1:
			all[c] = given[0] + 0
		default:
			all[c] = given[c] + 0
		}
	}
	return all
}

// normalize makes (x - mean) / std of values, in place.
func normalize(x []float32, mean, std float32) {
	for i, v := range x {
		d := v - mean // rounded before the division
		x[i] = d / std
	}
}

// Kind implements Encoder.
func (*Pixels) Kind() string { return KindPixels }

// Shape implements Encoder: it is [channels, height, width].
func (e *Pixels) Shape() []int { return slices.Clone(e.shape) }

// Plain reports whether x = b/255.
func (e *Pixels) Plain() bool { return e == nil || e.table == nil }

// Mean and Std are one number a channel; nil where e is plain.
func (e *Pixels) Mean() []float32 { return slices.Clone(e.mean) }

// Std is the deviation; see Mean.
func (e *Pixels) Std() []float32 { return slices.Clone(e.std) }

// Encode implements Encoder: the sample is the picture's bytes, row-major.
func (e *Pixels) Encode(sample []byte) ([]float32, error) {
	n := 1
	for _, d := range e.shape {
		n *= d
	}
	if len(sample) != n {
		return nil, fmt.Errorf("encode: a picture of %d bytes, want %d for shape %v", len(sample), n, e.shape)
	}
	tensor := make([]float32, n)
	e.EncodeInto(tensor, sample)
	return tensor, nil
}

// EncodeInto writes the tensor of a picture to dst. It panics if their lengths differ,
// or do not divide into channels. It does not allocate.
func (e *Pixels) EncodeInto(dst []float32, picture []byte) {
	if len(dst) != len(picture) {
		panic(fmt.Sprintf("encode: a picture of %d bytes into %d values", len(picture), len(dst)))
	}
	if e.Plain() {
		for i, b := range picture {
			dst[i] = plain[b]
		}
		return
	}
	size := e.channel(len(picture))
	for i, b := range picture {
		dst[i] = e.table[i/size][b]
	}
}

// Normalize makes the tensor of a picture from x = b/255, in place, where what is between
// bytes may stand too: for pictures that training moves. It panics if x does not divide
// into channels.
func (e *Pixels) Normalize(x []float32) {
	if e.Plain() {
		return
	}
	size := e.channel(len(x))
	for c := range e.table {
		normalize(x[c*size:(c+1)*size], e.mean[c], e.std[c])
	}
}

// channel is the size of a channel of a picture of n values.
func (e *Pixels) channel(n int) int {
	if n%len(e.table) != 0 {
		panic(fmt.Sprintf("encode: %d values do not divide into %d channels", n, len(e.table)))
	}
	return n / len(e.table)
}
