package f32

import "fmt"

// Line is a coordinate as it runs over an image, in 32.32 fixed point: its value
// at the first pixel and what a step to the right and one down add.
type Line struct{ First, Right, Down int64 }

// Bilinear samples the plane img, of shape [h, w], at (u, v) of every pixel of
// dst, of the same shape:
//
//	dst[y, x] = (above*2^16 + (below-above)*fv) / (255*2^32)
//	above     = a*2^16 + (b-a)*fu
//
// with a and b the pixels at floor(u) and one to its right in row floor(v),
// below the same one row further down, fu and fv the highest 16 bits of the
// fractions. Outside of the plane all pixels are 0. The numerator is an exact
// integer, converted to float32 and then divided: two roundings.
//
// It panics if a length is not h*w.
func Bilinear(dst []float32, img []uint8, h, w int, u, v Line) {
	if len(dst) != h*w || len(img) != h*w {
		panic(fmt.Sprintf("f32: %d values of %d for a plane of %d x %d", len(dst), len(img), h, w))
	}
	if len(img) == 0 {
		return
	}
	if active == nil || !bilinearVector(dst, img, h, w, u, v) {
		bilinearGeneric(dst, img, h, w, u, v)
	}
}

// bilinearVector does a plane of common size; of a larger one it reports false.
func bilinearVector(dst []float32, img []uint8, h, w int, u, v Line) bool {
	const margin = 2 // whatever lies outside reads zeros
	var frame [2048]uint8
	var framePairs [2 * len(frame)]uint8
	stride := w + 2*margin
	if (h+2*margin+1)*stride+64 > len(frame) {
		return false
	}
	for y := range h {
		copy(frame[(y+margin)*stride+margin:][:w], img[y*w:])
	}
	// Next to each pixel the one below it: a 32-bit word then has all four.
	pairs(&framePairs[0], &frame[0], &frame[stride], ((h+2*margin)*stride+31)&^31)
	// A vector of pixels of each line, in the kernel's order, then the steps.
	var m [2*lanes + 4]int64
	width := active.width
	for k := range width {
		pixel := int64(k)
		if width == 8 {
			pixel = int64([8]uint8{0, 1, 4, 5, 2, 3, 6, 7}[k])
		}
		m[k], m[width+k] = u.First+pixel*u.Right, v.First+pixel*v.Right
	}
	copy(m[2*width:], []int64{int64(width) * u.Right, int64(width) * v.Right, u.Down, v.Down})
	bilinear(width, &dst[0], w, h, &framePairs[2*(margin*stride+margin)], stride, &m[0])
	return true
}

// bilinearGeneric is Bilinear's twin.
func bilinearGeneric(dst []float32, img []uint8, h, w int, u, v Line) {
	for y := range h {
		pu, pv := u.First+int64(y)*u.Down, v.First+int64(y)*v.Down
		row := dst[y*w : (y+1)*w]
		for x := range row {
			row[x] = sample(img, h, w, pu, pv)
			pu, pv = pu+u.Right, pv+v.Right
		}
	}
}

// BilinearPoints is Bilinear at points of its own for each value of dst, which may
// be any number: dst[i] is sampled at (u[i], v[i]).
//
// It panics if the lengths of dst, u and v differ or img is not of length h*w.
func BilinearPoints(dst []float32, img []uint8, h, w int, u, v []int64) {
	if len(u) != len(dst) || len(v) != len(dst) || len(img) != h*w {
		panic(fmt.Sprintf("f32: %d values at %d, %d coordinates of %d for a plane of %d x %d", len(dst), len(u), len(v), len(img), h, w))
	}
	for i := range dst {
		dst[i] = sample(img, h, w, u[i], v[i])
	}
}

// sample is the value at the point (u, v).
func sample(img []uint8, h, w int, u, v int64) float32 {
	ix, iy := int(u>>32), int(v>>32)
	fx, fy := (u>>16)&0xffff, (v>>16)&0xffff
	var a, b, c, d int64 // the four neighbours: a b above, c d below
	if uint(ix) < uint(w-1) && uint(iy) < uint(h-1) {
		p := iy*w + ix
		top, bottom := img[p:p+2], img[p+w:p+w+2]
		a, b, c, d = int64(top[0]), int64(top[1]), int64(bottom[0]), int64(bottom[1])
	} else if ix >= -1 && ix < w && iy >= -1 && iy < h {
		a, b = pixel(img, w, h, ix, iy), pixel(img, w, h, ix+1, iy)
		c, d = pixel(img, w, h, ix, iy+1), pixel(img, w, h, ix+1, iy+1)
	}
	above := a<<16 + (b-a)*fx
	below := c<<16 + (d-c)*fx
	return float32(above<<16+(below-above)*fy) / (255 << 32)
}

// pixel is the value at (x, y), 0 outside of the plane.
func pixel(img []uint8, w, h, x, y int) int64 {
	if uint(x) >= uint(w) || uint(y) >= uint(h) {
		return 0
	}
	return int64(img[y*w+x])
}
