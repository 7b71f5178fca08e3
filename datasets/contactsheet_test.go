package datasets

import (
	"bytes"
	"image/color"
	"image/png"
	"io"
	"testing"
)

func TestContactSheet(t *testing.T) {
	var b bytes.Buffer
	if err := ContactSheet(&b, numbered(3), 2, 2); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got.X != 9 || got.Y != 7 {
		t.Fatalf("sheet is %v, want 9x7", got)
	}
	gap := img.At(0, 0)
	for _, test := range []struct {
		x, y int
		want color.Color
	}{
		{1, 1, color.Gray{0}}, {3, 2, color.Gray{5}}, // image 0
		{5, 1, color.Gray{6}},                 // image 1
		{1, 4, color.Gray{12}},                // image 2
		{4, 1, gap}, {1, 3, gap}, {5, 4, gap}, // between, and no image
	} {
		r, g, bl, a := img.At(test.x, test.y).RGBA()
		wr, wg, wb, wa := test.want.RGBA()
		if r != wr || g != wg || bl != wb || a != wa {
			t.Errorf("pixel (%d, %d) is %v, want %v", test.x, test.y, img.At(test.x, test.y), test.want)
		}
	}
}

func TestContactSheetInColour(t *testing.T) {
	s := &Split{Images: []uint8{10, 20, 30}, Labels: []uint8{0}, Shape: []int{3, 1, 1}}
	var b bytes.Buffer
	if err := ContactSheet(&b, s, 1, 1); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if r, g, bl, _ := img.At(1, 1).RGBA(); r>>8 != 10 || g>>8 != 20 || bl>>8 != 30 {
		t.Errorf("pixel is %d %d %d, want 10 20 30", r>>8, g>>8, bl>>8)
	}
}

func TestContactSheetRefuses(t *testing.T) {
	two := &Split{Images: make([]uint8, 2), Labels: make([]uint8, 1), Shape: []int{2, 1, 1}}
	for name, f := range map[string]func() error{
		"no rows":  func() error { return ContactSheet(io.Discard, numbered(1), 0, 1) },
		"no cols":  func() error { return ContactSheet(io.Discard, numbered(1), 1, -1) },
		"too big":  func() error { return ContactSheet(io.Discard, numbered(1), 1<<20, 1<<20) },
		"channels": func() error { return ContactSheet(io.Discard, two, 1, 1) },
		"bytes":    func() error { return ContactSheet(io.Discard, &Split{Labels: []uint8{0}, Shape: []int{1, 1, 1}}, 1, 1) },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
