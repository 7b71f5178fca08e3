package bundle_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/encode"
)

// sameEncoder compares encoders as they are written; plain pixels are none.
var sameEncoder = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Encoder" }, cmp.Comparer(func(a, b encode.Encoder) bool {
	var files [2][]byte
	for i, e := range []encode.Encoder{a, b} {
		if p, ok := e.(*encode.Pixels); e == nil || ok && p.Plain() {
			continue
		}
		var err error
		if files[i], err = e.MarshalBinary(); err != nil {
			return false
		}
	}
	return bytes.Equal(files[0], files[1])
}))

// classifier is a program of two logits that a bundle can hold.
func classifier(shape ...int) *bundle.Program {
	p := bundletest.New(1, 4, shape...).Dense(2, 3).Observed()
	p.Output().Bits = 3
	return p
}

// sentences encodes sentences as bits-bit codes of shape [steps, dimensions].
func sentences(steps, dimensions, bits int) *encode.Text {
	words := encode.NewVocabulary(func(func([]string) bool) {}, []string{"bad", "film", "good"}, 1)
	return &encode.Text{
		Vocabulary: words, Selection: encode.Selection{Kind: "first", Steps: steps}, Bits: bits, Dimensions: dimensions,
		Vectors: make([]int16, words.Len()*dimensions),
	}
}

func pictures(t *testing.T, shape []int, mean, std []float32) *encode.Pixels {
	t.Helper()
	e, err := encode.NewPixels(shape, mean, std)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The encoder travels with the bundle under a hash, in the oldest schema that holds it;
// pixels divided by 255 are not written.
func TestEncoderPart(t *testing.T) {
	picture := func() *bundle.Program { return classifier(3, 2, 2) }
	for _, c := range []struct {
		name   string
		f      bundle.File
		schema string
		part   bool
	}{
		{"sentences", bundle.File{Program: lstmtest.Table(small, 60, 1), Encoder: sentences(3, 5, 4)}, `"schema": 1`, true},
		{"none", bundle.File{Program: picture()}, `"schema": 1`, false},
		{"plain pixels", bundle.File{Program: picture(), Encoder: pictures(t, []int{3, 2, 2}, nil, nil)}, `"schema": 1`, false},
		{"normalized pixels", bundle.File{Program: picture(), Encoder: pictures(t, []int{3, 2, 2}, []float32{0.5}, []float32{0.25, 0.5, 1})}, `"schema": 3`, true},
	} {
		b, err := c.f.Encode()
		if err != nil {
			t.Fatal(c.name, err)
		}
		if !bytes.Contains(b, []byte(c.schema)) || bytes.Contains(b, []byte("client.safetensors")) != c.part {
			t.Errorf("%s: want %s, a part %v", c.name, c.schema, c.part)
		}
		again, err := bundle.Decode(b)
		if err != nil {
			t.Fatal(c.name, err)
		}
		want := c.f.Encoder
		if want == nil {
			want = pictures(t, []int{3, 2, 2}, nil, nil)
		}
		if !reflect.DeepEqual(again.Encoder, want) {
			t.Errorf("%s: encoder %+v, want %+v", c.name, again.Encoder, want)
		}
	}
}

// An encoder that is altered, or of another program, is refused.
func TestEncoderRefused(t *testing.T) {
	f := &bundle.File{Program: lstmtest.Table(small, 60, 1), Encoder: sentences(3, 5, 4)}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Replace(b, []byte("bad\nfilm"), []byte("mad\nfilm"), 1)
	if _, err := bundle.Decode(altered); !errors.Is(err, bundle.ErrAltered) {
		t.Errorf("an altered encoder: %v", err)
	}
	for _, c := range []struct {
		e    encode.Encoder
		want string
	}{
		{sentences(4, 5, 4), "client.safetensors: the encoder makes tensors of shape [4 5], the program takes [3 5]"},
		{sentences(3, 5, 5), "client.safetensors: the encoder makes codes of 5 bits, the program takes 4"},
		{pictures(t, []int{3, 4}, []float32{0.5}, nil), "the encoder makes tensors of shape [3 4], the program takes [3 5]"},
	} {
		f.Encoder = c.e
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.Decode(b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// A sample is what the input quantizer makes of the encoder's tensor. For bytes / 255 they
// are the table that executors have of it.
func TestFileSample(t *testing.T) {
	p := classifier(1, 16, 16)
	every := make([]byte, 256)
	for b := range every {
		every[b] = byte(b)
	}
	f := &bundle.File{Program: p}
	plain, err := f.Sample(every)
	if err != nil {
		t.Fatal(err)
	}
	for b, code := range p.Input.Codes() {
		x := float32(b) / 255
		if want := int32(p.Input.Quantizer.Code(x)); plain[b] != want || code != int64(want) {
			t.Errorf("byte %d: code %d, in the table %d, want %d", b, plain[b], code, want)
		}
	}
	if !reflect.DeepEqual(p.Input.Quantize(every), plain.Vec()) {
		t.Errorf("as a vector %v", p.Input.Quantize(every))
	}
	f.Encoder = pictures(t, p.Input.Shape, []float32{0.5}, []float32{0.5})
	moved, err := f.Sample(every)
	if err != nil {
		t.Fatal(err)
	}
	for b, code := range moved {
		x := (float32(b)/255 - 0.5) / 0.5
		if want := int32(p.Input.Quantizer.Code(x)); code != want {
			t.Errorf("byte %d: code %d, want %d of %v", b, code, want, x)
		}
	}
	// Whole sets of pictures have the same codes, channel by channel.
	e := pictures(t, []int{3, 2, 2}, []float32{0.5, 0.25, 0}, []float32{0.5, 1, 0.25})
	f = &bundle.File{Program: classifier(3, 2, 2), Encoder: e}
	set := [][]byte{{0, 1, 2, 3, 100, 101, 102, 103, 252, 253, 254, 255}, {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}}
	for i, got := range f.Program.Input.Pictures(e, set) {
		if want, err := f.Sample(set[i]); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("picture %d: %v, alone %v, %v", i, got, want, err)
		}
	}
	f = &bundle.File{Program: p}
	if v, err := f.Sample(every[1:]); v != nil || err == nil {
		t.Errorf("255 bytes of 256: %v, %v", v, err)
	}
}
