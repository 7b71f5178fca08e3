package safetensors

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFloatsKeepTheirBits(t *testing.T) {
	v32 := []float32{0, float32(math.Copysign(0, -1)), 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32,
		float32(math.Inf(1)), math.Float32frombits(0x7fc00001), math.Float32frombits(0xff812345)}
	t32 := FromFloat32("x", []int{3, 3}, v32)
	got32, err := t32.Float32s()
	if err != nil || !slices.EqualFunc(got32, v32, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
		t.Errorf("got %v, %v, want %v", got32, err, v32)
	}
	v64 := []float64{0, math.Copysign(0, -1), 1, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64,
		math.Inf(-1), math.Float64frombits(0x7ff8000000000001), math.Float64frombits(0xfff0000000012345)}
	t64 := FromFloat64("x", []int{9}, v64)
	got64, err := t64.Float64s()
	if err != nil || !slices.EqualFunc(got64, v64, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
		t.Errorf("got %v, %v, want %v", got64, err, v64)
	}
}

func TestLittleEndian(t *testing.T) {
	tests := []struct {
		tensor Tensor
		want   string
	}{
		{FromFloat32("x", nil, []float32{1}), "\x00\x00\x80\x3f"},
		{FromFloat64("x", nil, []float64{-2}), "\x00\x00\x00\x00\x00\x00\x00\xc0"},
		{FromInt64("x", nil, []int64{-2}), "\xfe\xff\xff\xff\xff\xff\xff\xff"},
		{FromInts("x", nil, []int64{-128}), "\x80"},
		{FromInts("x", nil, []int64{0x1234}), "\x34\x12"},
		{FromInts("x", nil, []int64{-0x12345678}), "\x88\xa9\xcb\xed"},
	}
	for _, test := range tests {
		if !bytes.Equal(test.tensor.Data, []byte(test.want)) {
			t.Errorf("%s: got %x, want %x", test.tensor.DType, test.tensor.Data, test.want)
		}
	}
}

func TestFromIntsPicksTheSmallestType(t *testing.T) {
	tests := []struct {
		v    []int64
		want DType
	}{
		{nil, I8},
		{[]int64{math.MinInt8, math.MaxInt8}, I8},
		{[]int64{math.MaxInt8 + 1}, I16},
		{[]int64{math.MinInt8 - 1}, I16},
		{[]int64{math.MinInt16, math.MaxInt16}, I16},
		{[]int64{0, math.MaxInt16 + 1}, I32},
		{[]int64{math.MinInt16 - 1, 0}, I32},
		{[]int64{math.MinInt32, math.MaxInt32}, I32},
		{[]int64{math.MaxInt32 + 1}, I64},
		{[]int64{math.MinInt32 - 1}, I64},
		{[]int64{math.MinInt64, math.MaxInt64}, I64},
	}
	for _, test := range tests {
		if got := FromInts("x", []int{len(test.v)}, test.v); got.DType != test.want {
			t.Errorf("FromInts(%v) has type %s, want %s", test.v, got.DType, test.want)
		}
	}
}

func TestIntsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SampledFrom([]int{1, 7, 8, 15, 16, 31, 32, 63}).Draw(t, "bits")
		limit := int64(1)<<bits - 1
		v := rapid.SliceOf(rapid.Int64Range(-limit-1, limit)).Draw(t, "v")
		x := FromInts("x", []int{len(v)}, v)
		if got, err := x.Ints(); err != nil || !slices.Equal(got, v) {
			t.Fatalf("%s: got %v, %v, want %v", x.DType, got, err, v)
		}
		y := FromInt64("x", []int{len(v)}, v)
		if got, err := y.Int64s(); err != nil || !slices.Equal(got, v) {
			t.Fatalf("got %v, %v, want %v", got, err, v)
		}
	})
}

func TestIntsOfBytes(t *testing.T) {
	x := Tensor{"x", U8, []int{3}, []byte{0, 127, 255}}
	if got, err := x.Ints(); err != nil || !slices.Equal(got, []int64{0, 127, 255}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFromCopies(t *testing.T) {
	shape, v := []int{2}, []int64{1, 2}
	x := FromInts("x", shape, v)
	shape[0], v[0] = 7, 7
	if x.Shape[0] != 2 || x.Data[0] != 1 {
		t.Errorf("got shape %v and data %v, want [2] and [1 2]", x.Shape, x.Data)
	}
}

func TestWrongType(t *testing.T) {
	x := FromInts("x", []int{1}, []int64{1})
	_, err32 := x.Float32s()
	_, err64 := x.Float64s()
	_, errInt := x.Int64s()
	y := FromFloat32("x", []int{1}, []float32{1})
	_, errInts := y.Ints()
	for err, want := range map[error]string{err32: "dtype is I8, want [F32]", err64: "want [F64]", errInt: "want [I64]", errInts: "dtype is F32, want [I8 I16 I32 I64 U8]"} {
		if err == nil || !strings.Contains(err.Error(), `safetensors: tensor "x": dtype is`) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	short := Tensor{"x", F32, []int{2}, make([]byte, 7)}
	if v, err := short.Float32s(); v != nil || err == nil || !strings.Contains(err.Error(), "takes 8 bytes, data has 7") {
		t.Errorf("got %v, %v, want an error", v, err)
	}
}
