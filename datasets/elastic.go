package datasets

import (
	"fmt"

	"qtool/kernel/f32"
)

// elasticCells is how many cells of an elastic field span a side of the image.
const elasticCells = 4

// Field is a smooth field of displacements: the movements of knots, in pixels
// along x and y, on a square grid whose cells are a quarter of the image's side
// wide, and between them the uniform cubic B-spline with these coefficients. The
// grid reaches one knot beyond the image on the left and above, two on the right
// and below.
//
// A spline is an average of its knots, so no pixel moves further than one of
// them; knots uniform in +-a move pixels by 0.28 a, root mean square, along an
// axis. It has the role, and about the width, of the blurred noise in Simard,
// Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied
// to Visual Document Analysis", ICDAR 2003.
type Field struct {
	X, Y [elasticCells + 3][elasticCells + 3]float64
}

// draw makes every movement uniform in +-amount, row by row, x before y.
func (f *Field) draw(r *source, amount float64) {
	for i := range f.X {
		for j := range f.X[i] {
			f.X[i][j], f.Y[i][j] = r.between(-amount, amount), r.between(-amount, amount)
		}
	}
}

// Fixed point of an elastic field: knots have knotBits after the point, the
// weight of a knot along an axis basisBits. Two weights and a knot of at most
// 2^14 pixels make a product of at most 2^60.
const (
	knotBits  = 18
	basisBits = 14
)

// WarpElastic is Warp with an elastic field added to the source's coordinates:
//
//	dst[c, y, x] = bilinear(img[c], m(x, y) + f(x, y)) / 255
//
// A field of zeros gives exactly Warp. Every step on the way is an integer's, so
// that the result has the same bits on every machine. It does not allocate for
// images up to 64 pixels wide. It panics as Warp does, or if a knot moves by
// more than 16384 pixels.
func WarpElastic(dst []float32, img []uint8, shape []int, m Affine, f *Field) {
	h, w := warpSides(dst, img, shape)
	u, v := m.lines(h, w)
	knots := f.fixed()
	var spline [64][4]int64
	var us, vs [64]int64
	columns, pu, pv := spline[:], us[:], vs[:]
	if w > len(spline) {
		columns, pu, pv = make([][4]int64, w), make([]int64, w), make([]int64, w)
	}
	columns, pu, pv = columns[:w], pu[:w], pv[:w]
	for x := range columns {
		columns[x] = basis(x, w)
	}
	for y := range h {
		// The row's own knots: the field along x, where it meets this y.
		var rowX, rowY [elasticCells + 3]int64
		for k, b := range basis(y, h) {
			at := y*elasticCells/h + k
			for j := range rowX {
				rowX[j] += b * knots[at][j][0]
				rowY[j] += b * knots[at][j][1]
			}
		}
		atU, atV := u.First+int64(y)*u.Down, v.First+int64(y)*v.Down
		for x := range pu {
			j := x * elasticCells / w
			b := &columns[x]
			kx, ky := rowX[j:j+4:j+4], rowY[j:j+4:j+4]
			dx := b[0]*kx[0] + b[1]*kx[1] + b[2]*kx[2] + b[3]*kx[3]
			dy := b[0]*ky[0] + b[1]*ky[1] + b[2]*ky[2] + b[3]*ky[3]
			const down = knotBits + 2*basisBits - 32
			pu[x], pv[x] = atU+dx>>down, atV+dy>>down
			atU, atV = atU+u.Right, atV+v.Right
		}
		for c := range shape[0] {
			row := (c*h + y) * w
			f32.BilinearPoints(dst[row:row+w], img[c*h*w:(c+1)*h*w], h, w, pu, pv)
		}
	}
}

// fixed are the knots' movements in fixed point.
func (f *Field) fixed() (k [elasticCells + 3][elasticCells + 3][2]int64) {
	for i := range k {
		for j := range k[i] {
			for a, d := range [2]float64{f.X[i][j], f.Y[i][j]} {
				if !(d >= -warpLimit && d <= warpLimit) {
					panic(fmt.Sprintf("datasets: elastic field: knot (%d, %d) moves by %v, the limit is %d", i, j, d, warpLimit))
				}
				k[i][j][a] = int64(d * (1 << knotBits))
			}
		}
	}
	return k
}

// basis are the weights of four neighbouring knots at pixel x of a side, in fixed
// point; they add up to 1 exactly. With t the pixel's place in its cell:
//
//	(1-t)^3/6, (3t^3-6t^2+4)/6, (3s^3-6s^2+4)/6 with s = 1-t, t^3/6
func basis(x, side int) (b [4]int64) {
	t := float64(x*elasticCells%side) / float64(side)
	s := 1 - t
	b[0] = int64(mul(mul(mul(s, s), s)/6, 1<<basisBits))
	b[3] = int64(mul(mul(mul(t, t), t)/6, 1<<basisBits))
	b[1] = int64(mul((mul(mul(t, t), mul(3, t)-6)+4)/6, 1<<basisBits))
	b[2] = 1<<basisBits - b[0] - b[1] - b[3]
	return b
}
