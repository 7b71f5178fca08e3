package encode

import (
	"fmt"
	"slices"

	"qtool/internal/safetensors"
)

// pixelsSchema is the version of the file of a Pixels.
const pixelsSchema = 1

// pixelsHead is the metadata of the file of a Pixels.
type pixelsHead struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	Shape  []int  `json:"shape"`
	SHA256 string `json:"sha256"` // of the fields above and the tensors
}

// withSum implements head.
func (h pixelsHead) withSum(sum string) head { h.SHA256 = sum; return h }

// stated implements head.
func (h pixelsHead) stated() (schema, newest int, sum string) {
	return h.Schema, pixelsSchema, h.SHA256
}

// MarshalBinary implements Encoder. The file is safetensors with "mean" and "std", one
// number a channel; without these where e is plain.
func (e *Pixels) MarshalBinary() ([]byte, error) {
	if err := checkShape(e.shape); err != nil {
		return nil, fmt.Errorf("encode: pixels: %w", err)
	}
	f := &safetensors.File{}
	if !e.Plain() {
		f.Tensors = []safetensors.Tensor{
			safetensors.FromFloat32("mean", []int{len(e.mean)}, e.mean),
			safetensors.FromFloat32("std", []int{len(e.std)}, e.std),
		}
	}
	return seal(f, pixelsHead{pixelsSchema, KindPixels, e.shape, ""})
}

func decodePixels(f *safetensors.File) (*Pixels, error) {
	h, err := unseal[pixelsHead](f)
	if err != nil {
		return nil, err
	}
	var numbers [2][]float32
	for i, name := range []string{"mean", "std"} {
		t, ok := f.Get(name)
		if !ok {
			continue
		}
		if numbers[i], err = t.Float32s(); err != nil {
			return nil, err
		}
		if !slices.Equal(t.Shape, h.Shape[:min(1, len(h.Shape))]) {
			return nil, fmt.Errorf("%s of shape %v for pictures of shape %v", name, t.Shape, h.Shape)
		}
	}
	return NewPixels(h.Shape, numbers[0], numbers[1])
}
