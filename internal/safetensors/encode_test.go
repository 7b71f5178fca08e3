package safetensors

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// genText leans to what JSON escapes and to the edges of UTF-8.
var genText = rapid.OneOf(
	rapid.SampledFrom([]string{
		"a", "b", "conv1.weight", "_", "__metadata_", "\"", "\\", "\\u0000", "/", "<&>",
		"\x00", "\x1f", "\x7f", "\b\f\n\r\t", "\u2028", "\ufffd", "é", "\U0010ffff",
	}),
	rapid.String(),
)

var genShape = rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4)

func genTensor(t *rapid.T, name string) Tensor {
	d := rapid.SampledFrom([]DType{F32, F64, I8, I16, I32, I64, U8}).Draw(t, "dtype")
	shape := genShape.Draw(t, "shape")
	size, err := byteSize(d, shape)
	if err != nil {
		t.Fatal(err)
	}
	data := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")
	return Tensor{Name: name, DType: d, Shape: shape, Data: data}
}

func genFile(t *rapid.T) *File {
	f := &File{}
	if m := rapid.MapOfN(genText, genText, 0, 4).Draw(t, "metadata"); len(m) > 0 {
		f.Metadata = m
	}
	isName := func(s string) bool { return s != "" && s != metadataKey }
	for _, name := range rapid.SliceOfNDistinct(genText.Filter(isName), 0, 5, rapid.ID).Draw(t, "names") {
		f.Tensors = append(f.Tensors, genTensor(t, name))
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFile(t)
		b, err := Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b, DefaultLimits)
		if err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		again, err := Encode(got)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encoded %q, then %q, %v", b, again, err)
		}
		if !reflect.DeepEqual(got.Metadata, f.Metadata) || len(got.Tensors) != len(f.Tensors) {
			t.Fatalf("decoded %v, want %v", got, f)
		}
		for i, want := range f.Tensors {
			if x, ok := got.Get(want.Name); !ok || !reflect.DeepEqual(*x, want) {
				t.Fatalf("tensor %d: decoded %v, want %v", i, x, want)
			}
			if i > 0 && got.Tensors[i-1].Name >= got.Tensors[i].Name {
				t.Fatalf("tensor %q precedes %q", got.Tensors[i-1].Name, got.Tensors[i].Name)
			}
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFile(t)
		a, err := Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Encode(&File{f.Metadata, rapid.Permutation(f.Tensors).Draw(t, "order")})
		if err != nil || !bytes.Equal(a, b) {
			t.Fatalf("encoded %q and %q, %v", a, b, err)
		}
	})
}

func TestEncodeErrors(t *testing.T) {
	one := func(name string) Tensor { return Tensor{name, U8, []int{1}, []byte{1}} }
	tests := []struct {
		file File
		want string
	}{
		{File{nil, []Tensor{one("")}}, `empty name`},
		{File{nil, []Tensor{one("__metadata__")}}, `tensor "__metadata__": the name is reserved`},
		{File{nil, []Tensor{one(strings.Repeat("x", 1025))}}, `xxx": the name has 1025 bytes, limit 1024`},
		{File{nil, []Tensor{{"a", U8, make([]int, 65), nil}}}, `tensor "a": there are 65 dimensions, limit 64`},
		{File{nil, []Tensor{one("\xff")}}, `tensor "\xff": the name is not UTF-8`},
		{File{nil, []Tensor{one("b"), one("a"), one("b")}}, `tensor "b": the name occurs twice`},
		{File{nil, []Tensor{{"a", "BF16", []int{1}, []byte{1, 2}}}}, `tensor "a": dtype "BF16" is not known`},
		{File{nil, []Tensor{{"a", "", nil, nil}}}, `tensor "a": dtype "" is not known`},
		{File{nil, []Tensor{{"a", U8, []int{2, -1}, nil}}}, `tensor "a": dimension 1 is -1, below 0`},
		{File{nil, []Tensor{{"a", I16, []int{0, math.MaxInt}, nil}}}, `tensor "a": I16 of shape [0 9223372036854775807] takes more than`},
		{File{nil, []Tensor{{"a", U8, []int{1 << 32, 1 << 32}, nil}}}, `takes more than 9223372036854775807 bytes`},
		{File{nil, []Tensor{{"a", F32, nil, []byte{1, 2, 3}}}}, `tensor "a": F32 of shape [] takes 4 bytes, data has 3`},
		{File{nil, []Tensor{FromInts("a", []int{2, 2}, []int64{1, 2, 3})}}, `tensor "a": I8 of shape [2 2] takes 4 bytes, data has 3`},
		{File{map[string]string{"\xff": ""}, nil}, `metadata "\xff": "" is not UTF-8`},
		{File{map[string]string{"k": "\xc3"}, nil}, `metadata "k": "\xc3" is not UTF-8`},
	}
	for _, test := range tests {
		b, err := Encode(&test.file)
		if b != nil || err == nil || !strings.HasPrefix(err.Error(), "safetensors: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Encode(%v) = %q, %v, want an error with %q", test.file, b, err, test.want)
		}
	}
}
