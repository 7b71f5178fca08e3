package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"qtool/internal/safetensors"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// encoderSchema is the version of the encoder's file.
const encoderSchema = 1

// encoderHead is the metadata of the file.
type encoderHead struct {
	Schema    int       `json:"schema"`
	Selection Selection `json:"selection"`
	Mean      bool      `json:"mean"`
	Bits      int       `json:"bits"`
	Fraction  int       `json:"fraction"`
	SHA256    string    `json:"sha256"` // of the fields above and the tensors
}

// sum is SHA256 of h, for tensors with the given hash.
func (h encoderHead) sum(tensors string) (string, error) {
	h.SHA256 = tensors
	b, err := json.Marshal(h)
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), err
}

// MaxEncoderBytes bounds an encoder's file.
const MaxEncoderBytes = 1 << 28

// MarshalBinary is the encoder's file: safetensors with "words" (their UTF-8, a
// line feed after each), "vectors" and, where there are any, "scores".
func (e *Encoder) MarshalBinary() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	words := strings.Join(e.Vocabulary.Words, "\n") + "\n"
	vectors := make([]int64, len(e.Vectors))
	for i, x := range e.Vectors {
		vectors[i] = int64(x)
	}
	rows := e.Vocabulary.Len()
	f := &safetensors.File{Tensors: []safetensors.Tensor{
		{Name: "words", DType: safetensors.U8, Shape: []int{len(words)}, Data: []byte(words)},
		safetensors.FromInts("vectors", []int{rows, e.Dimensions}, vectors),
	}}
	if e.Scores != nil {
		f.Tensors = append(f.Tensors, safetensors.FromFloat32("scores", []int{rows}, e.Scores))
	}
	h := encoderHead{encoderSchema, e.Selection, e.Mean, e.Bits, e.Fraction, ""}
	var err error
	if h.SHA256, err = h.sum(f.Sum()); err != nil {
		return nil, err
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	f.Metadata = map[string]string{"encoder": string(head)}
	return safetensors.Encode(f)
}

// UnmarshalEncoder reads what MarshalBinary wrote, strictly: anything else, or
// anything altered, is an error.
func UnmarshalEncoder(b []byte) (*Encoder, error) {
	e, err := unmarshalEncoder(b)
	if err != nil {
		return nil, fmt.Errorf("text: encoder file: %w", err)
	}
	return e, nil
}

func unmarshalEncoder(b []byte) (*Encoder, error) {
	f, err := safetensors.Decode(b, safetensors.Limits{MaxBytes: MaxEncoderBytes, MaxHeader: 1 << 16, MaxTensors: 3})
	if err != nil {
		return nil, err
	}
	var h encoderHead
	if err := strict.JSON([]byte(f.Metadata["encoder"]), &h); err != nil {
		return nil, err
	}
	if h.Schema != encoderSchema {
		return nil, fmt.Errorf("schema %d, this version reads %d", h.Schema, encoderSchema)
	}
	if got, err := h.sum(f.Sum()); err != nil || got != h.SHA256 {
		return nil, fmt.Errorf("it is altered or damaged: its SHA-256 is %s, the metadata says %q", got, h.SHA256)
	}
	words, ok := f.Get("words")
	if !ok || words.DType != safetensors.U8 || !utf8.Valid(words.Data) || !bytes.HasSuffix(words.Data, []byte("\n")) {
		return nil, fmt.Errorf("no words, or not in UTF-8 lines")
	}
	e := &Encoder{Selection: h.Selection, Mean: h.Mean, Bits: h.Bits, Fraction: h.Fraction}
	e.Vocabulary = &Vocabulary{Words: strings.Split(strings.TrimSuffix(string(words.Data), "\n"), "\n")}
	e.Vocabulary.number()
	if !slices.IsSorted(e.Vocabulary.Words) || len(e.Vocabulary.index) != e.Vocabulary.Len() {
		return nil, fmt.Errorf("the words are not in order, or one is there twice")
	}
	vectors, ok := f.Get("vectors")
	if !ok || len(vectors.Shape) != 2 || vectors.Shape[0] != e.Vocabulary.Len() {
		return nil, fmt.Errorf("no vectors of %d words", e.Vocabulary.Len())
	}
	e.Dimensions = vectors.Shape[1]
	wide, err := vectors.Ints()
	if err != nil {
		return nil, err
	}
	e.Vectors = make([]int16, len(wide))
	for i, x := range wide {
		if e.Vectors[i] = int16(x); int64(e.Vectors[i]) != x {
			return nil, fmt.Errorf("vector number %d is %d, outside of 16 bits", i, x)
		}
	}
	if scores, ok := f.Get("scores"); ok {
		if e.Scores, err = scores.Float32s(); err != nil {
			return nil, err
		}
	}
	if err := whole.Canonical(b, e.MarshalBinary); err != nil {
		return nil, err
	}
	return e, nil
}
