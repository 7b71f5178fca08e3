package encode

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func pixels(t *testing.T, shape []int, mean, std []float32) *Pixels {
	t.Helper()
	e, err := NewPixels(shape, mean, std)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// (b/255 - mean) / std by CPython 3.11.7, every operation in binary64 and then rounded to
// binary32 by its module struct, which is one rounding for these operations.
func TestPixelsVectors(t *testing.T) {
	bytesOf := []byte{0, 1, 127, 128, 255}
	for _, c := range []struct {
		mean, std float32
		want      [5]uint32
	}{
		{0.4914, 0.2470, [5]uint32{0xbffea713, 0xbffc9ed3, 0x3cdc3232, 0x3d2f2140, 0x4003c873}},
		{0.4822, 0.2435, [5]uint32{0xbffd7a10, 0xbffb6a55, 0x3d8537f4, 0x3da633ae, 0x40081864}},
		{0.1307, 0.3081, [5]uint32{0xbed93271, 0xbed2ae20, 0x3f989c64, 0x3f9a3d7a, 0x4034933d}},
		{0.5, 0.5, [5]uint32{0xbf800000, 0xbf7dfdfe, 0xbb808080, 0x3b808100, 0x3f800000}},
	} {
		e := pixels(t, []int{1, 1, 5}, []float32{c.mean}, []float32{c.std})
		got, err := e.Encode(bytesOf)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range got {
			if math.Float32bits(x) != c.want[i] {
				t.Errorf("mean %v, deviation %v, byte %d: %v, want %v", c.mean, c.std, bytesOf[i], x, math.Float32frombits(c.want[i]))
			}
		}
	}
}

// Every channel has its own mean and deviation, one number serves all, and nothing is
// b/255; what is moved in between is normalised to the same bits.
func TestPixelsChannels(t *testing.T) {
	picture := []byte{0, 100, 255, 7, 50, 200}
	mean, std := []float32{0.5, 0.25, 0}, []float32{0.5, 0.125, 1}
	for _, c := range []struct {
		name string
		e    *Pixels
		want func(c int, x float32) float32
	}{
		{"three", pixels(t, []int{3, 1, 2}, mean, std), func(c int, x float32) float32 { return (x - mean[c]) / std[c] }},
		{"one for all", pixels(t, []int{3, 1, 2}, mean[:1], std[:1]), func(_ int, x float32) float32 { return (x - 0.5) / 0.5 }},
		{"mean alone", pixels(t, []int{3, 1, 2}, mean, nil), func(c int, x float32) float32 { return x - mean[c] }},
		{"deviation alone", pixels(t, []int{3, 1, 2}, nil, std), func(c int, x float32) float32 { return x / std[c] }},
		{"plain", pixels(t, []int{3, 1, 2}, nil, nil), func(_ int, x float32) float32 { return x }},
		{"identity", pixels(t, []int{3, 1, 2}, []float32{0}, []float32{1, 1, 1}), func(_ int, x float32) float32 { return x }},
		{"nil", nil, func(_ int, x float32) float32 { return x }},
	} {
		tensor, moved := make([]float32, len(picture)), make([]float32, len(picture))
		c.e.EncodeInto(tensor, picture)
		for i, b := range picture {
			moved[i] = float32(b) / 255
			if want := c.want(i/2, moved[i]); tensor[i] != want {
				t.Errorf("%s: value %d is %v, want %v", c.name, i, tensor[i], want)
			}
		}
		if c.e.Normalize(moved); !reflect.DeepEqual(moved, tensor) {
			t.Errorf("%s: normalised afterwards %v, at once %v", c.name, moved, tensor)
		}
	}
	if e := pixels(t, []int{3, 1, 2}, []float32{0}, []float32{1, 1, 1}); !e.Plain() || e.Mean() != nil || e.Std() != nil {
		t.Error("a mean of 0 and a deviation of 1 change nothing")
	}
}

func TestPixelsRefuses(t *testing.T) {
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		shape     []int
		mean, std []float32
		want      string
	}{
		{[]int{3, 2, 2}, []float32{0.5, 0.5}, nil, "mean: 2 numbers for the 3 channels of shape [3 2 2]"},
		{[]int{3, 2, 2}, nil, []float32{1, 1, 1, 1}, "std: 4 numbers for the 3 channels"},
		{[]int{3, 2, 2}, nil, []float32{0.5, 0, 0.5}, "std.1: 0 is outside 1e-06..1"},
		{[]int{3, 2, 2}, nil, []float32{-0.5}, "std.0: -0.5 is outside"},
		{[]int{1, 2, 2}, []float32{nan}, nil, "mean.0: NaN is outside 0..1"},
		{[]int{1, 2, 2}, nil, []float32{nan}, "std.0: NaN is outside"},
		{[]int{1, 2, 2}, nil, []float32{inf}, "std.0: +Inf is outside"},
		{[]int{3, 2, 2}, []float32{0.5, 0.5, 123.675}, nil, "mean.2: 123.675 is outside 0..1, where 1 is the largest byte"},
		{nil, nil, nil, "shape: it has no dimension"},
		{[]int{1, 0}, nil, nil, "shape [1 0]"},
	} {
		if e, err := NewPixels(c.shape, c.mean, c.std); e != nil || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c, err, c.want)
		}
	}
	e := pixels(t, []int{1, 2, 2}, nil, nil)
	if x, err := e.Encode(make([]byte, 5)); x != nil || err == nil || err.Error() != "encode: a picture of 5 bytes, want 4 for shape [1 2 2]" {
		t.Errorf("another size: %v, %v", x, err)
	}
}

func TestPixelsFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := []int{rapid.IntRange(1, 4).Draw(t, "channels"), rapid.IntRange(1, 3).Draw(t, "height"), rapid.IntRange(1, 3).Draw(t, "width")}
		one := func(lo, hi float32) *rapid.Generator[float32] {
			return rapid.OneOf(rapid.SampledFrom([]float32{lo, hi}), rapid.Float32Range(lo, hi))
		}
		counts := rapid.SampledFrom([]int{0, 1, shape[0]})
		n, m := counts.Draw(t, "means"), counts.Draw(t, "deviations")
		e, err := NewPixels(shape, rapid.SliceOfN(one(0, 1), n, n).Draw(t, "mean"), rapid.SliceOfN(one(1e-6, 1), m, m).Draw(t, "std"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(b)
		if err != nil || !reflect.DeepEqual(again, Encoder(e)) || again.Kind() != KindPixels {
			t.Fatalf("%+v, %v, want %+v", again, err, e)
		}
		at := rapid.IntRange(0, len(b)-1).Draw(t, "byte")
		altered := bytes.Clone(b)
		altered[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		if again, err := Decode(altered); err == nil {
			t.Fatalf("byte %d altered: %+v was taken", at, again)
		}
		if _, err := Decode(b[:at]); err == nil {
			t.Fatalf("cut to %d bytes: it was taken", at)
		}
	})
}

// The tensor of a sentence, times 255, are its bytes.
func TestTextEncode(t *testing.T) {
	var e Encoder = testText()
	got, err := e.Encode([]byte("bad film"))
	if want := []float32{6.0 / 255, 10.0 / 255, 8.0 / 255, 8.0 / 255}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if e.Kind() != KindText || !reflect.DeepEqual(e.Shape(), []int{2, 2}) {
		t.Errorf("%s of shape %v", e.Kind(), e.Shape())
	}
	if got, err := e.Encode([]byte("xyzzy")); got != nil || err == nil {
		t.Errorf("no known word: %v, %v", got, err)
	}
}
