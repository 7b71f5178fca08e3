package safetensors

import (
	"bytes"
	"reflect"
	"testing"
)

// goldenHeader is 288 bytes long, with 1 space at the end.
const goldenHeader = `{"__metadata__":{"a\n\"\\\u0001":"é","format":"qtool"},` +
	`"bias":{"dtype":"I16","shape":[3],"data_offsets":[0,6]},` +
	`"none":{"dtype":"U8","shape":[2,0],"data_offsets":[6,6]},` +
	`"scale":{"dtype":"F32","shape":[],"data_offsets":[6,10]},` +
	`"weight":{"dtype":"I8","shape":[2,2],"data_offsets":[10,14]}} `

// golden is assembled by hand from the description of the format.
var golden = []byte("\x20\x01\x00\x00\x00\x00\x00\x00" +
	goldenHeader +
	"\xfe\xff\x00\x00\x00\x01" + // -2, 0, 256
	"\x00\x00\x00\x3f" + // 0.5
	"\x01\x80\x7f\xff") // 1, -128, 127, -1

func goldenFile() *File {
	return &File{
		Metadata: map[string]string{"format": "qtool", "a\n\"\\\x01": "é"},
		Tensors: []Tensor{
			FromInts("bias", []int{3}, []int64{-2, 0, 256}),
			{Name: "none", DType: U8, Shape: []int{2, 0}, Data: []byte{}},
			FromFloat32("scale", []int{}, []float32{0.5}),
			FromInts("weight", []int{2, 2}, []int64{1, -128, 127, -1}),
		},
	}
}

func TestGolden(t *testing.T) {
	f := goldenFile()
	f.Tensors[0], f.Tensors[3] = f.Tensors[3], f.Tensors[0]
	b, err := Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, golden) {
		t.Errorf("encoded\n%q, want\n%q", b, golden)
	}
	if f.Tensors[0].Name != "weight" {
		t.Error("Encode reordered its argument")
	}
	got, err := Decode(golden, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if want := goldenFile(); !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %v, want %v", got, want)
	}
}

func TestEmptyFile(t *testing.T) {
	want := []byte("\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
	for _, f := range []*File{{}, {Metadata: map[string]string{}, Tensors: []Tensor{}}} {
		b, err := Encode(f)
		if err != nil || !bytes.Equal(b, want) {
			t.Errorf("encoded %q, %v, want %q", b, err, want)
		}
	}
	got, err := Decode(want, DefaultLimits)
	if err != nil || !reflect.DeepEqual(got, &File{}) {
		t.Errorf("decoded %v, %v, want an empty file", got, err)
	}
}

func TestGet(t *testing.T) {
	f := goldenFile()
	if got, ok := f.Get("scale"); !ok || got != &f.Tensors[2] {
		t.Errorf("Get(scale) = %v, %v", got, ok)
	}
	if got, ok := f.Get("Scale"); ok || got != nil {
		t.Errorf("Get(Scale) = %v, %v", got, ok)
	}
}
