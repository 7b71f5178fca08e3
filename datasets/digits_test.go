package datasets

import (
	"bytes"
	"context"
	"math"
	"runtime"
	"testing"
)

func TestDigits(t *testing.T) {
	d, err := Load(context.Background(), "digits", Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Recorded from this implementation; a change of it is a new dataset.
	if want := "80c25308153924aa59f1c2d1ded034bdb50e9fac79d3260a8f815a0dc6996297"; d.SHA256 != want {
		t.Errorf("hash %s, want %s", d.SHA256, want)
	}
	if d.Train.Len() != 12000 || d.Test.Len() != 5000 || d.Classes != 10 {
		t.Errorf("%d + %d images of %d classes, want 12000 + 5000 of 10", d.Train.Len(), d.Test.Len(), d.Classes)
	}
	for _, s := range []*Split{d.Train, d.Test} {
		var counts [10]int
		for _, l := range s.Labels {
			counts[l]++
		}
		for c, n := range counts {
			if n != s.Len()/10 {
				t.Errorf("class %d has %d images, want %d", c, n, s.Len()/10)
			}
		}
		// As MNIST (0.1307), so that what is tuned for one suits the other.
		if m := meanPixel(s); math.Abs(m-0.13) > 0.005 {
			t.Errorf("mean %v, want 0.13 within 0.005", m)
		}
	}
}

// Every digit saturates somewhere and leaves most of the paper blank.
func TestDigitsInkAndPaper(t *testing.T) {
	s, err := drawSplit(context.Background(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Len() {
		paper, darkest := 0, uint8(0)
		for _, v := range s.Image(i) {
			if v == 0 {
				paper++
			}
			darkest = max(darkest, v)
		}
		if paper < 784/2 || darkest < 230 {
			t.Errorf("image %d (a %d): %d of 784 pixels blank, darkest %d", i, s.Labels[i], paper, darkest)
		}
	}
}

func TestDigitsDoNotDependOnCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var first *Split
	for _, cores := range []int{1, 3} {
		runtime.GOMAXPROCS(cores)
		s, err := drawSplit(context.Background(), 7, 100)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = s
		} else if !bytes.Equal(first.Images, s.Images) || !bytes.Equal(first.Labels, s.Labels) {
			t.Errorf("other images on %d cores", cores)
		}
	}
}

// No image may leave the fixed buffers of the pen.
func TestGlyphsFit(t *testing.T) {
	for digit, ways := range glyphs {
		for _, g := range ways {
			if g.weight <= 0 || len(g.strokes) < 1 || len(g.strokes) > maxStrokes {
				t.Errorf("digit %d: weight %v, %d strokes", digit, g.weight, len(g.strokes))
			}
			for _, s := range g.strokes {
				if len(s) < 2 || len(s) > maxControls {
					t.Errorf("digit %d: stroke of %d points, want 2 to %d", digit, len(s), maxControls)
				}
			}
		}
	}
}

func BenchmarkDigits(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := loadDigits(context.Background(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*(digitTrain+digitTest)/b.Elapsed().Seconds(), "images/s")
}
