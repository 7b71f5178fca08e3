package datasets

import (
	"math"
	"slices"
)

const (
	digitBox    = 20.0  // pixels: a digit's longer side, as in MNIST
	curveSteps  = 7     // line segments between two control points
	bendSize    = 0.065 // standard deviation of bending, in digit heights
	maxStrokes  = 2
	maxControls = 16 // points of one stroke
	maxVertices = 96 // of one stroke
)

// digitPen writes digits. It is reused from one image to the next.
type digitPen struct {
	source
	strokes [maxStrokes][]vertex
	ink     [digitSide * digitSide]float64 // 0..1
}

// vertex is a corner of a flattened stroke.
type vertex struct {
	point
	radius float64 // of the pen, pixels
}

// write draws one digit into img, [1, 28, 28]. The way it is written, its
// shape, the hand's slant and tremor, the pen and the scanner all come from
// the pen's source.
func (p *digitPen) write(img []uint8, digit int) {
	g := p.pick(glyphs[digit])
	p.flatten(g)
	p.slant()
	p.fit()
	p.press()
	p.render(len(g.strokes))
	p.scan(img)
}

// pick draws a glyph in proportion to its weight.
func (p *digitPen) pick(ways []glyph) *glyph {
	total := 0.0
	for i := range ways {
		total += ways[i].weight
	}
	at := p.between(0, total)
	for i := range ways {
		if at -= ways[i].weight; at < 0 {
			return &ways[i]
		}
	}
	return &ways[len(ways)-1]
}

// flatten turns g into line segments: control points are shaken, joined by
// Catmull-Rom curves, and bent by a smooth random displacement.
func (p *digitPen) flatten(g *glyph) {
	var bend [2]bending
	for i := range bend {
		for j := range bend[i] {
			bend[i][j] = p.bell(bendSize)
		}
	}
	for i := range p.strokes {
		p.strokes[i] = p.strokes[i][:0]
	}
	for i, s := range g.strokes {
		if cap(p.strokes[i]) == 0 {
			p.strokes[i] = make([]vertex, 0, maxVertices)
		}
		var shaken [maxControls]point
		ctrl := shaken[:len(s)]
		for k, c := range s {
			if k > 0 && c == s[k-1] {
				ctrl[k] = ctrl[k-1]
				continue
			}
			ctrl[k] = point{c.x + p.bell(0.034), c.y + p.bell(0.028)}
		}
		p.overrun(ctrl)
		for k := range len(ctrl) - 1 {
			a, b, c, d := ctrl[max(k-1, 0)], ctrl[k], ctrl[k+1], ctrl[min(k+2, len(ctrl)-1)]
			if b == c {
				continue
			}
			for step := range curveSteps {
				p.strokes[i] = append(p.strokes[i], vertex{point: catmullRom(a, b, c, d, float64(step)/curveSteps)})
			}
		}
		p.strokes[i] = append(p.strokes[i], vertex{point: ctrl[len(ctrl)-1]})
		for k := range p.strokes[i] {
			v := &p.strokes[i][k].point
			dx, dy := bend[0].at(*v), bend[1].at(*v)
			v.x, v.y = v.x+dx, v.y+dy
		}
	}
}

// overrun moves the two ends of a stroke along it, to stop short or go too far.
func (p *digitPen) overrun(ctrl []point) {
	n := len(ctrl)
	stretch := func(end *point, next point) {
		t := p.bell(0.2)
		end.x, end.y = lerp(end.x, next.x, t), lerp(end.y, next.y, t)
	}
	stretch(&ctrl[0], ctrl[1])
	stretch(&ctrl[n-1], ctrl[n-2])
}

// catmullRom returns the point at t in [0, 1] of the uniform Catmull-Rom curve
// from b to c, with neighbours a and d:
//
//	b + t/2*(c-a) + t^2/2*(2a-5b+4c-d) + t^3/2*(3b-a-3c+d)
func catmullRom(a, b, c, d point, t float64) point {
	axis := func(a, b, c, d float64) float64 {
		q3 := mul(3, b-c) + d - a
		q2 := mul(2, a) - mul(5, b) + mul(4, c) - d
		return b + mul(mul(t, mul(mul(q3, t)+q2, t)+c-a), 0.5)
	}
	return point{axis(a.x, b.x, c.x, d.x), axis(a.y, b.y, c.y, d.y)}
}

// bending is a smooth displacement along one axis: the coefficients of u^2,
// u*v, v^2, u^2*v and u*v^2, where (u, v) is (-1, -1) to (1, 1) over the unit
// square. (Lower terms are left to slant.)
type bending [5]float64

// at returns the displacement of q.
func (b *bending) at(q point) float64 {
	u, v := 2*q.x-1, 2*q.y-1
	uu, uv, vv := mul(u, u), mul(u, v), mul(v, v)
	return mul(b[0], uu) + mul(b[1], uv) + mul(b[2], vv) + mul(b[3], mul(uu, v)) + mul(b[4], mul(uv, v))
}

// slant leans, turns and stretches the digit as a whole.
func (p *digitPen) slant() {
	lean := 0.18 + p.bell(0.27)
	sin, cos := sincos(p.bell(0.1))
	width := 0.8 + p.bell(0.15)
	p.each(func(v *vertex) {
		x, y := mul(v.x-0.5, width), v.y-0.5
		x -= mul(lean, y)
		v.x, v.y = mul(cos, x)-mul(sin, y), mul(sin, x)+mul(cos, y)
	})
}

// fit scales the digit to a box of about 20 pixels, keeping its proportions,
// and puts its centre of mass in the middle of the image, as MNIST does.
func (p *digitPen) fit() {
	lo, hi := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	p.each(func(v *vertex) {
		lo = point{min(lo.x, v.x), min(lo.y, v.y)}
		hi = point{max(hi.x, v.x), max(hi.y, v.y)}
	})
	const penAllowance = 2.4
	scale := (digitBox - penAllowance - p.between(0, 1.2)) / max(hi.x-lo.x, hi.y-lo.y)

	var mass, mx, my float64
	for _, s := range p.strokes {
		for k := 1; k < len(s); k++ {
			dx, dy := s[k].x-s[k-1].x, s[k].y-s[k-1].y
			l := math.Sqrt(mul(dx, dx) + mul(dy, dy))
			mass += l
			mx += mul(l, (s[k].x+s[k-1].x)/2)
			my += mul(l, (s[k].y+s[k-1].y)/2)
		}
	}
	middle := (digitSide - 1) / 2.0
	cx, cy := middle+p.bell(0.4), middle+p.bell(0.4)
	p.each(func(v *vertex) {
		v.x = cx + mul(scale, v.x-mx/mass)
		v.y = cy + mul(scale, v.y-my/mass)
	})
}

// press sets the width of the line, which swells and thins along each stroke.
func (p *digitPen) press() {
	base := clamp(1.2+p.bell(0.3), 0.65, 2.1)
	for _, s := range p.strokes {
		a, b, c := 1+p.bell(0.12), 1+p.bell(0.1), 1+p.bell(0.16)
		for k := range s {
			t := float64(k) / float64(len(s)-1)
			s[k].radius = mul(base, lerp(lerp(a, b, t), lerp(b, c, t), t))
		}
	}
}

// each calls f for every vertex.
func (p *digitPen) each(f func(*vertex)) {
	for _, s := range p.strokes {
		for k := range s {
			f(&s[k])
		}
	}
}

// render fills ink with the coverage of each pixel by the first n strokes: the
// largest, over line segments, of a ramp one pixel wide about the pen's radius,
//
//	clamp(radius + 1/2 - distance, 0, 1)
func (p *digitPen) render(n int) {
	clear(p.ink[:])
	for _, s := range p.strokes[:n] {
		for k := 1; k < len(s); k++ {
			p.segment(s[k-1], s[k])
		}
	}
}

// segment inks the pixels near the line from a to b.
func (p *digitPen) segment(a, b vertex) {
	reach := max(a.radius, b.radius) + 0.5
	x0, x1 := pixelRange(min(a.x, b.x)-reach, max(a.x, b.x)+reach)
	y0, y1 := pixelRange(min(a.y, b.y)-reach, max(a.y, b.y)+reach)
	dx, dy := b.x-a.x, b.y-a.y
	inverse := 1 / max(mul(dx, dx)+mul(dy, dy), 1e-9)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			px, py := float64(x)-a.x, float64(y)-a.y
			t := clamp(mul(mul(px, dx)+mul(py, dy), inverse), 0, 1)
			ex, ey := px-mul(t, dx), py-mul(t, dy)
			edge := lerp(a.radius, b.radius, t) + 0.5
			d2 := mul(ex, ex) + mul(ey, ey)
			if d2 >= mul(edge, edge) {
				continue
			}
			at := &p.ink[y*digitSide+x]
			*at = max(*at, min(edge-math.Sqrt(d2), 1))
		}
	}
}

// pixelRange returns the first and last pixel within [lo, hi].
func pixelRange(lo, hi float64) (first, last int) {
	return int(math.Ceil(clamp(lo, 0, digitSide))), int(math.Floor(clamp(hi, -1, digitSide-1)))
}

// scan turns ink into bytes: a slight blur, contrast stretched until the
// darkest pixels saturate, and grain within the ink. Paper stays exactly 0.
func (p *digitPen) scan(img []uint8) {
	p.blur(p.between(0, 0.1))
	dark := p.between(1.0, 1.35) / max(slices.Max(p.ink[:]), 1e-9)
	grain := p.between(0, 0.07)
	for i, v := range p.ink {
		if v < 0.04 {
			img[i] = 0
			continue
		}
		v = min(mul(v, dark), 1) - mul(grain, p.unit())
		img[i] = uint8(clamp(mul(v, 255)+0.5, 0, 255))
	}
}

// blur convolves ink with [side, 1-2*side, side] along both axes.
func (p *digitPen) blur(side float64) {
	for i := range digitSide {
		blurLine(p.ink[i*digitSide:(i+1)*digitSide], 1, side)
		blurLine(p.ink[i:], digitSide, side)
	}
}

// blurLine blurs the pixels 0, step, 2*step, ... of one row or column.
func blurLine(line []float64, step int, side float64) {
	before := 0.0
	for i := range digitSide {
		at, after := line[i*step], 0.0
		if i+1 < digitSide {
			after = line[(i+1)*step]
		}
		line[i*step] = mul(at, 1-2*side) + mul(before+after, side)
		before = at
	}
}
