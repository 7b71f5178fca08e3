package encode

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"qtool/internal/safetensors"
)

// textSchema is the version of a Text's file.
const textSchema = 1

// textHead is the metadata of a Text's file. It does not name its kind, as
// files of other kinds do.
type textHead struct {
	Schema    int       `json:"schema"`
	Selection Selection `json:"selection"`
	Mean      bool      `json:"mean"`
	Bits      int       `json:"bits"`
	Fraction  int       `json:"fraction"`
	SHA256    string    `json:"sha256"` // of the fields above and the tensors
}

// MarshalBinary implements Encoder. The file is safetensors with "words" (their UTF-8,
// a line feed after each), "vectors" and, where there are any, "scores".
func (e *Text) MarshalBinary() ([]byte, error) {
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
	return seal(f, textHead{textSchema, e.Selection, e.Mean, e.Bits, e.Fraction, ""})
}

// withSum implements head.
func (h textHead) withSum(sum string) head { h.SHA256 = sum; return h }

// stated implements head.
func (h textHead) stated() (schema, newest int, sum string) { return h.Schema, textSchema, h.SHA256 }

func decodeText(f *safetensors.File) (*Text, error) {
	h, err := unseal[textHead](f)
	if err != nil {
		return nil, err
	}
	words, ok := f.Get("words")
	if !ok || words.DType != safetensors.U8 || !utf8.Valid(words.Data) || !bytes.HasSuffix(words.Data, []byte("\n")) {
		return nil, fmt.Errorf("no words, or not in UTF-8 lines")
	}
	e := &Text{Selection: h.Selection, Mean: h.Mean, Bits: h.Bits, Fraction: h.Fraction}
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
	return e, nil
}
