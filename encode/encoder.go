// Package encode is what a client does in the clear before anything is encrypted: an
// encoder turns a person's sample into the float tensor that a network takes.
//
//	sample -> encoder -> float tensor -> input quantizer -> integer codes
//
// The encoder is a part of the bundle, and training, calibration, the integer reference
// and the client all use the same one, so that they see the same tensors to the last bit
// on every machine.
//
//	pixels  bytes of a picture, divided by 255, with a mean and a deviation of each
//	        channel if wanted
//	text    a sentence in UTF-8: tokens, vocabulary, selection of words, vectors
package encode

// The kinds of encoders.
const (
	KindPixels = "pixels"
	KindText   = "text"
)

// Encoder turns samples into tensors.
type Encoder interface {
	// Kind is one of the kinds above.
	Kind() string
	// Shape is the shape of the tensor that a sample becomes.
	Shape() []int
	// Encode is the tensor of a sample, row-major, in the units of the network. The
	// sample is what a person has, as bytes: which, the kind says. The error says what
	// is wrong with the sample.
	Encode(sample []byte) ([]float32, error)
	// MarshalBinary is the encoder's file, which Decode reads. The same encoder gives
	// the same bytes.
	MarshalBinary() ([]byte, error)
}
