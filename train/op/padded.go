package op

// padded is room for c planes of h x w pixels of n values with padding around
// each. Its data is nil where there is none.
type padded struct {
	Window
	c, h, w, n int
	data       []float32
}

// pad makes the room; what lies around the planes has the given value.
func pad(win Window, c, h, w, n int, value float32) *padded {
	p := &padded{Window: win, c: c, h: h, w: w, n: n}
	if win.padded() {
		p.data = make([]float32, c*p.height()*p.width()*n)
		if value != 0 {
			for i := range p.data {
				p.data[i] = value
			}
		}
	}
	return p
}

// height and width are the extents of a plane with its padding.
func (p *padded) height() int { return p.Before[0] + p.h + p.After[0] }
func (p *padded) width() int  { return p.Before[1] + p.w + p.After[1] }

// rows calls f with where each row of pixels lies in the padded planes and in
// bare ones.
func (p *padded) rows(f func(padded, bare int)) {
	for c := range p.c {
		for y := range p.h {
			f(((c*p.height()+y+p.Before[0])*p.width()+p.Before[1])*p.n, (c*p.h+y)*p.w*p.n)
		}
	}
}

// fill copies x into the middle and returns the padded planes, or x itself where
// there is no padding.
func (p *padded) fill(x []float32) []float32 {
	if p.data == nil {
		return x
	}
	row := p.w * p.n
	p.rows(func(padded, bare int) { copy(p.data[padded:padded+row], x[bare:bare+row]) })
	return p.data
}

// crop copies the middle to x.
func (p *padded) crop(x []float32) {
	row := p.w * p.n
	p.rows(func(padded, bare int) { copy(x[bare:bare+row], p.data[padded:padded+row]) })
}
