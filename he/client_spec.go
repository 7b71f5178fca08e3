package he

import (
	"encoding/json"
	"iter"

	"qtool/bundle"
	"qtool/encode"
)

// ClientSpec is the client half of a plan: all that a client needs to make keys, encrypt
// what a person has, and read the answers. It has no weights and no tables. Its hash
// names the pair of client half and server half.
type ClientSpec struct {
	// Program is the SHA-256 of the integer program's file, Plan the plan's hash.
	Program, Plan [32]byte
	// Input quantizes what Encoder makes of a person's sample.
	Input   bundle.Input
	Encoder encode.Encoder
	// Output has the name, shape, scales and static bound of the program's outputs, and no
	// operation; Labels are what classes are called.
	Output bundle.Node
	Labels []string
	// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
	SecurityBits int
	ClientPart
}

// ClientPart is what a back end puts into a ClientSpec.
type ClientPart struct {
	// Executor is the back end's package: bgv, bgvlut, packed-ckks, packed-bgv, tfhe or
	// lstm. Backend is its name in flags and reports.
	Executor, Backend string
	Sizes             Sizes
	// LogFailure is log2 of a bound on the probability that decryption gives a wrong
	// result: of a whole batch, or of one look-up where the back end is tfhe. It is 0
	// where results are approximate.
	LogFailure float64
	// Parameters are the back end's own, as canonical JSON of at most MaxParameters bytes.
	Parameters json.RawMessage
}

// Samples are what a client encrypts of the tensors that its encoder made, one by one.
func (s *ClientSpec) Samples(tensors iter.Seq2[[]float32, error]) iter.Seq2[bundle.Sample, error] {
	return func(yield func(bundle.Sample, error) bool) {
		for t, err := range tensors {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(s.Input.Sample(t), nil) {
				return
			}
		}
	}
}

// MaxParameters bounds the parameters of a back end in a client half, in bytes.
const MaxParameters = 1 << 22
