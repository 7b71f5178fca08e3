package f32

import (
	"fmt"
	"math"
	"testing"
)

func TestBilinear(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand(8)
		for range 3000 {
			h, w := 1+r.IntN(12), 1+r.IntN(20)
			switch r.IntN(30) {
			case 0:
				h, w = 60, 61 // too large for the frame
			case 1:
				h, w = 28+r.IntN(16), 28+r.IntN(12) // its largest, and somewhat larger
			case 2:
				h, w = 1+r.IntN(400), 1
			}
			img := make([]uint8, h*w)
			for i := range img {
				if img[i] = uint8(r.Uint32()); r.IntN(3) == 0 {
					img[i] = uint8(255 * r.IntN(2))
				}
			}
			line := func(first, right, down float64) Line {
				jitter := r.Int64N(1<<17) - 1<<16
				return Line{int64(first*(1<<32)) + jitter, int64(right*(1<<32)) + jitter>>3, int64(down*(1<<32)) - jitter>>4}
			}
			// near the identity, far off, and huge steps that wrap around
			u, v := line(r.NormFloat64()*2, 1, r.NormFloat64()/4), line(r.NormFloat64()*2, r.NormFloat64()/4, 1)
			switch r.IntN(4) {
			case 0:
				u, v = line(float64(r.IntN(9)-4), 1, 0), line(float64(r.IntN(9)-4), 0, 1)
			case 1:
				u = line(r.NormFloat64()*100, r.NormFloat64()*9, r.NormFloat64()*9)
			case 2:
				u, v = Line{int64(r.Uint64()), int64(r.Uint64()), int64(r.Uint64())}, Line{math.MaxInt64, 1 << 60, -1 << 60}
			}
			got, want := make([]float32, len(img)), make([]float32, len(img))
			Bilinear(got, img, h, w, u, v)
			bilinearGeneric(want, img, h, w, u, v)
			wantSame(t, fmt.Sprint(h, w, u, v), got, want)
		}
	})
	wantPanic(t, "lengths", func() { Bilinear(make([]float32, 4), make([]uint8, 3), 2, 2, Line{}, Line{}) })
}

// At the points of two lines BilinearPoints is Bilinear, a value at a time.
func TestBilinearPoints(t *testing.T) {
	r := newRand(9)
	for range 300 {
		h, w := 1+r.IntN(12), 1+r.IntN(20)
		img := make([]uint8, h*w)
		for i := range img {
			img[i] = uint8(r.Uint32())
		}
		line := func() Line { return Line{r.Int64N(1<<37) - 1<<35, r.Int64N(1<<34) - 1<<33, r.Int64N(1<<34) - 1<<33} }
		lu, lv := line(), line()
		got, want := make([]float32, h*w), make([]float32, h*w)
		u, v := make([]int64, h*w), make([]int64, h*w)
		for i := range u {
			x, y := int64(i%w), int64(i/w)
			u[i], v[i] = lu.First+x*lu.Right+y*lu.Down, lv.First+x*lv.Right+y*lv.Down
		}
		Bilinear(want, img, h, w, lu, lv)
		BilinearPoints(got, img, h, w, u, v)
		wantSame(t, fmt.Sprint(h, w, lu, lv), got, want)
	}
	wantPanic(t, "lengths", func() { BilinearPoints(make([]float32, 4), make([]uint8, 4), 2, 2, make([]int64, 4), make([]int64, 3)) })
	wantPanic(t, "plane", func() { BilinearPoints(nil, make([]uint8, 3), 2, 2, nil, nil) })
}
