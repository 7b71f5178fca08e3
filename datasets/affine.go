package datasets

import (
	"fmt"
	"math"

	"qtool/kernel/f32"
)

// Affine maps a pixel of the output to the point of the source it shows, both
// measured in pixels from the image centre ((W-1)/2, (H-1)/2), x to the right
// and y down:
//
//	xs = XX*x + XY*y + X
//	ys = YX*x + YY*y + Y
//
// It is the inverse of the movement seen: X = 1 moves the picture left by one.
type Affine struct{ XX, XY, X, YX, YY, Y float64 }

// Identity returns the map that leaves an image as it is.
func Identity() Affine { return Affine{XX: 1, YY: 1} }

// warpLimit bounds every entry of a map given to Warp, and every side of its
// image, so that source coordinates fit 32.32 fixed point.
const warpLimit = 1 << 14

// fixedOne is 1 in the 32.32 fixed point of source coordinates.
const fixedOne = 1 << 32

// Warp writes to dst the image img, seen through m, as values in [0, 1]:
//
//	dst[c, y, x] = bilinear(img[c], m(x, y)) / 255
//
// Outside of the image everything is 0. dst and img have shape [C, H, W].
// Interpolation weights are integers of 16 bits, so a map with whole-pixel
// shifts moves values exactly and the identity gives exactly img/255.
// It does not allocate. It panics if lengths and shape disagree, or if an
// entry of m or a side of the image exceeds 16384.
func Warp(dst []float32, img []uint8, shape []int, m Affine) {
	h, w := warpSides(dst, img, shape)
	u, v := m.lines(h, w)
	for plane := h * w; len(img) > 0; img, dst = img[plane:], dst[plane:] {
		f32.Bilinear(dst[:plane], img[:plane], h, w, u, v)
	}
}

// warpSides are the height and width of the images of a warp.
func warpSides(dst []float32, img []uint8, shape []int) (h, w int) {
	if len(shape) != 3 || len(img) != volume(shape) || len(dst) != len(img) {
		panic(fmt.Sprintf("datasets: warp of %d values into %d with shape %v", len(img), len(dst), shape))
	}
	h, w = shape[1], shape[2]
	if h > warpLimit || w > warpLimit {
		panic(fmt.Sprintf("datasets: warp of shape %v: sides are limited to %d", shape, warpLimit))
	}
	return h, w
}

// lines are the source coordinates of an image's pixels, from corner (0, 0).
func (m Affine) lines(h, w int) (u, v f32.Line) {
	cx, cy := float64(float64(w-1)/2), float64(float64(h-1)/2)
	u = f32.Line{First: fixed(cx + m.X - mul(m.XX, cx) - mul(m.XY, cy)), Right: fixed(m.XX), Down: fixed(m.XY)}
	v = f32.Line{First: fixed(cy + m.Y - mul(m.YX, cx) - mul(m.YY, cy)), Right: fixed(m.YX), Down: fixed(m.YY)}
	return u, v
}

// fixed converts x to 32.32 fixed point, rounding half to even.
func fixed(x float64) int64 {
	if !(math.Abs(x) <= warpLimit*warpLimit) {
		panic(fmt.Sprintf("datasets: warp coordinate %v is beyond %d", x, warpLimit*warpLimit))
	}
	return int64(math.RoundToEven(x * fixedOne))
}
