package safetensors

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

func foreignFile(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestReadForeign(t *testing.T) {
	f32 := "\x00\x00\x80\x3f\x00\x00\x00\x40" // 1, 2
	b := foreignFile(` { "z" : {"shape" : [2], "data_offsets": [2, 10], "dtype":"F32"},
		"__metadata__": {"format":"pt"}, "a\u0062": {"dtype":"F16","shape":[],"data_offsets":[0,2]} }   `, "\x00\x3c"+f32)
	tensors, meta, err := ReadForeign(b, DefaultLimits)
	if err != nil || len(tensors) != 2 || tensors[0].Name != "ab" || tensors[1].Name != "z" || meta["format"] != "pt" {
		t.Fatalf("%+v, %v, %v", tensors, meta, err)
	}
	if v, err := tensors[0].Float32s(); err != nil || !slices.Equal(v, []float32{1}) {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := tensors[1].Float32s(); err != nil || !slices.Equal(v, []float32{1, 2}) {
		t.Errorf("%v, %v", v, err)
	}
	// What Encode writes is read too.
	own, err := Encode(&File{Tensors: []Tensor{FromFloat32("w", []int{2}, []float32{3, 4})}})
	if err != nil {
		t.Fatal(err)
	}
	if tensors, _, err := ReadForeign(own, DefaultLimits); err != nil || len(tensors) != 1 {
		t.Errorf("%v, %v", tensors, err)
	}
}

func TestReadForeignErrors(t *testing.T) {
	one := func(body string) string { return `{"w":{` + body + `}}` }
	good := `"dtype":"F32","shape":[1],"data_offsets":[0,4]`
	for _, c := range []struct{ header, data, want string }{
		{"[]", "", "no JSON object"}, {"{", "", "not JSON"}, {`{"w":1}`, "", `tensor "w"`}, {"{} x", "", "something follows"},
		{one(good), "123", "not within the 3 bytes"}, {one(good), "12345", "1 bytes follow"},
		{one(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), "1234", "F32 of shape [2] does not take the 4 bytes"},
		{one(`"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]`), "1234", "takes more than"},
		{one(`"dtype":"C64","shape":[1],"data_offsets":[0,4]`), "1234", `dtype "C64" is not known`},
		{one(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`), "1234", "below 0"},
		{one(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`), "1234", "data_offsets [4 0]"},
		{one(good + `,"dtype":"F32"`), "1234", "stands twice"},
		{`{"w":{` + good + `},"w":{` + good + `}}`, "1234", `"w" stands twice`},
		{`{"w":{` + good + `},"v":{` + good + `}}`, "1234", "overlap or leave a hole"},
		{`{"__metadata__":{"a":1}}`, "", "more than texts"},
	} {
		_, _, err := ReadForeign(foreignFile(c.header, c.data), DefaultLimits)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.header, err, c.want)
		}
	}
	if _, _, err := ReadForeign([]byte("PK\x03\x04zip file"), DefaultLimits); err == nil {
		t.Error("a zip file was taken")
	}
}

// Half precision is converted exactly: every one of its 65536 values, by the
// definition in float64.
func TestForeignFloats(t *testing.T) {
	for b := range 1 << 16 {
		e, f := b>>10&31, float64(b&1023)
		want := math.Ldexp(1+f/1024, e-15)
		switch {
		case e == 0:
			want = math.Ldexp(f/1024, -14)
		case e == 31 && f == 0:
			want = math.Inf(1)
		case e == 31:
			want = math.NaN()
		}
		if b>>15 == 1 {
			want = -want
		}
		got := float64(half(uint16(b)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(want) {
			t.Fatalf("%04x: %v, want %v", b, got, want)
		}
	}
	double := func(x float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)) }
	for _, c := range []struct {
		t    Foreign
		want float32
		err  string
	}{
		{Foreign{DType: "F64", Data: double(0.5)}, 0.5, ""}, {Foreign{DType: "F64", Data: double(0.1)}, 0, "element 0 is 0.1, which float32 cannot hold exactly"},
		{Foreign{DType: "BF16", Data: []byte{0x80, 0xbf}}, -1, ""}, {Foreign{DType: "I64", Data: double(0)}, 0, "its type is I64"},
		{Foreign{DType: "F64", Data: double(1e300)}, 0, "cannot hold exactly"},
	} {
		v, err := c.t.Float32s()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v, want %q", c.t, err, c.err)
			}
		} else if err != nil || v[0] != c.want {
			t.Errorf("%+v: %v, %v", c.t, v, err)
		}
	}
}

func FuzzReadForeign(f *testing.F) {
	f.Add(foreignFile(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "1234"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, _, err := ReadForeign(b, Limits{1 << 16, 100, 1 << 12})
		if err != nil && tensors != nil {
			t.Error("tensors beside an error")
		}
	})
}
