package encode

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"qtool/internal/edits"
	"qtool/internal/safetensors"
)

// resealed makes the SHA-256 of an edited file right, so that fuzzing reaches what lies
// behind that check.
func resealed(b []byte) []byte {
	f, err := safetensors.Decode(b, safetensors.Limits{MaxBytes: MaxBytes, MaxHeader: 1 << 16, MaxTensors: 3})
	if err != nil {
		return b
	}
	var says struct {
		Kind string `json:"kind"`
	}
	text := []byte(f.Metadata[headKey])
	if json.Unmarshal(text, &says) != nil {
		return b
	}
	var h head
	switch says.Kind {
	case KindPixels:
		var p pixelsHead
		if json.Unmarshal(text, &p) != nil {
			return b
		}
		h = p
	default:
		var t textHead
		if json.Unmarshal(text, &t) != nil {
			return b
		}
		h = t
	}
	if sealed, err := seal(f, h); err == nil {
		return sealed
	}
	return b
}

// Whatever is accepted encodes to the same bytes, and encodes samples without a panic.
func FuzzDecode(f *testing.F) {
	var originals [][]byte
	pixels, err := NewPixels([]int{3, 2, 2}, []float32{0.5, 0.25, 0}, []float32{0.5, 1, 0.25})
	if err != nil {
		f.Fatal(err)
	}
	unnormalized, err := NewPixels([]int{1, 2, 2}, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range []Encoder{testText(), pixels, unnormalized} {
		b, err := e.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		originals = append(originals, b)
	}
	words := append([]string{`"kind"`, `"pixels"`, `"shape"`, "mean", "std", "words", "vectors", "scores", `"selection"`}, edits.JSON...)
	edits.Fuzz(f, originals, words, resealed, func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		again, err := e.MarshalBinary()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("not canonical: %v", err)
		}
		if _, err := e.Encode([]byte("good film")); e.Kind() == KindPixels && err == nil && elements(e.Shape()) != 9 {
			t.Errorf("9 bytes are a picture of shape %v", e.Shape())
		}
	})
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func TestDecodeRefuses(t *testing.T) {
	file := func(head string, tensors ...safetensors.Tensor) []byte {
		b, err := safetensors.Encode(&safetensors.File{Metadata: map[string]string{headKey: head}, Tensors: tensors})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	numbers := func(name string, x ...float32) safetensors.Tensor {
		return safetensors.FromFloat32(name, []int{len(x)}, x)
	}
	for _, c := range []struct {
		name, want string
		b          []byte
	}{
		{"an unknown kind", `kind "table" is unknown, this version reads pixels and text`, file(`{"kind":"table"}`)},
		{"no head", "metadata", file("")},
		{"an unknown field", "unknown field", file(`{"schema":1,"kind":"pixels","shape":[1],"sha256":"","colour":1}`)},
		{"another schema", "schema 2, this version reads 1", file(`{"schema":2,"kind":"pixels","shape":[1],"sha256":""}`)},
		{"another sum", "altered or damaged", file(`{"schema":1,"kind":"pixels","shape":[1],"sha256":""}`)},
		{"no shape", "shape: it has no dimension", resealed(file(`{"schema":1,"kind":"pixels","shape":[],"sha256":""}`))},
		{"a large shape", "at most", resealed(file(`{"schema":1,"kind":"pixels","shape":[1048576,1048576],"sha256":""}`))},
		{"means of too few channels", "mean of shape [2] for pictures of shape [3 1 1]",
			resealed(file(`{"schema":1,"kind":"pixels","shape":[3,1,1],"sha256":""}`, numbers("mean", 0, 0.5)))},
		{"a deviation of 0", "std.0: 0 is outside", resealed(file(`{"schema":1,"kind":"pixels","shape":[1,1,1],"sha256":""}`, numbers("mean", 0.5), numbers("std", 0)))},
		{"mean without deviation", "canonical", resealed(file(`{"schema":1,"kind":"pixels","shape":[1,1,1],"sha256":""}`, numbers("mean", 0.5)))},
		{"what changes nothing", "canonical", resealed(file(`{"schema":1,"kind":"pixels","shape":[1,1,1],"sha256":""}`, numbers("mean", 0), numbers("std", 1)))},
		{"another tensor", "canonical", resealed(file(`{"schema":1,"kind":"pixels","shape":[1,1,1],"sha256":""}`, numbers("gain", 0)))},
	} {
		if e, err := Decode(c.b); e != nil || err == nil || !strings.HasPrefix(err.Error(), "encode: encoder file: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
