package bundle

import (
	"fmt"
	"slices"

	"qtool/encode"
)

// Sample is what the program takes for what a person has: what the encoder makes of it,
// quantized. It returns the encoder's error for what is none of its kind.
func (f *File) Sample(given []byte) (Sample, error) {
	e := f.Encoder
	if pixels, ok := f.Pixels(); ok && pixels == nil {
		var err error
		if e, err = encode.NewPixels(f.Program.Input.Shape, nil, nil); err != nil {
			return nil, err
		}
	}
	tensor, err := e.Encode(given)
	if err != nil {
		return nil, err
	}
	return f.Program.Input.Sample(tensor), nil
}

// EncoderKind is the kind of the encoder; see package encode.
func (f *File) EncoderKind() string {
	if f.Encoder == nil {
		return encode.KindPixels
	}
	return f.Encoder.Kind()
}

// Pixels is the encoder of a bundle of pictures, which may be nil where Encoder is; ok is
// false for one of another kind.
func (f *File) Pixels() (e *encode.Pixels, ok bool) {
	if f.Encoder == nil {
		return nil, true
	}
	e, ok = f.Encoder.(*encode.Pixels)
	return e, ok
}

// normalizes reports whether the encoder has a mean and a deviation.
func (f *File) normalizes() bool {
	e, ok := f.Pixels()
	return ok && !e.Plain()
}

// encoderPart is the encoder's file; nil where it is pixels divided by 255, which a
// bundle does not say.
func (f *File) encoderPart() ([]byte, error) {
	if e, ok := f.Pixels(); ok && e.Plain() {
		return nil, nil
	}
	b, err := f.Encoder.MarshalBinary()
	if err == nil && len(b) > encode.MaxBytes {
		err = fmt.Errorf("%d bytes pass the limit of %d", len(b), encode.MaxBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: %s: %w", partEncoder, err)
	}
	return b, nil
}

// readEncoder reads the encoder of a program with input in; without a file it is pixels
// divided by 255.
func readEncoder(b []byte, coded bool, in Input) (encode.Encoder, error) {
	if !coded {
		return encode.NewPixels(in.Shape, nil, nil)
	}
	e, err := encode.Decode(b)
	if err != nil {
		return nil, err
	}
	if got := e.Shape(); !slices.Equal(got, in.Shape) {
		return nil, fmt.Errorf("the encoder makes tensors of shape %v, the program takes %v", got, in.Shape)
	}
	if t, ok := e.(*encode.Text); ok && t.Bits != int(in.Quantizer.Bits) {
		return nil, fmt.Errorf("the encoder makes codes of %d bits, the program takes %d", t.Bits, in.Quantizer.Bits)
	}
	return e, nil
}

// ClientEncoder is the encoder itself: where Encoder is nil, pixels divided by 255.
func (f *File) ClientEncoder() (encode.Encoder, error) {
	if f.Encoder != nil {
		return f.Encoder, nil
	}
	return encode.NewPixels(f.Program.Input.Shape, nil, nil)
}
