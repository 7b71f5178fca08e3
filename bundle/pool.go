package bundle

import (
	"fmt"
	"math/big"
)

// SumPool sums windows of each channel, in a picture with zeros around it:
//
//	out[c,y,x] = sum_{i,j} in[c, y Stride[0] + i - Padding[0], x Stride[1] + j - Padding[1]]
//
// An average pool is a SumPool whose divisor went into the scale. The result is
// exact.
type SumPool struct {
	Kernel, Stride Pair
	Padding        Sides
}

func (p *SumPool) kind() Kind { return KindSumPool }

func (p *SumPool) window() *window {
	return &window{kernel: p.Kernel, stride: p.Stride, dilation: Both(1), padding: p.Padding}
}

// OutShape is [C, H', W'] with H' = (H + top + bottom - Kernel[0]) / Stride[0] + 1
// and W' likewise, rounded down.
func (p *SumPool) OutShape(in ...[]int) ([]int, error) { return poolShape(in, p.window()) }

// Rows lowers the pool; see Linear.
func (p *SumPool) Rows(in ...[]int) *Rows {
	out, _ := p.OutShape(in...)
	h, w := in[0][1], in[0][2]
	win := p.window()
	n := out[0] * out[1] * out[2]
	b := newRowBuilder(out[0]*h*w, n, n*p.Kernel[0]*p.Kernel[1])
	b.r.Bias = Vec{Small: make([]int64, n)}
	for c := range out[0] {
		for y := range out[1] {
			for x := range out[2] {
				win.taps(y, x, h, w, func(_, _, at int) { b.add(c*h*w+at, 1) })
				b.end()
			}
		}
	}
	return b.rows()
}

func (p *SumPool) apply(in Vec, shapes [][]int) Vec        { return p.Rows(shapes...).apply(in) }
func (p *SumPool) bounds(in Bounds, shapes [][]int) Bounds { return p.Rows(shapes...).bounds(in) }

// MaxPool takes the largest element of each window of each channel. Places in the
// padding take no part:
//
//	out[c,y,x] = max in[c, y Stride[0] + i - Padding[0], x Stride[1] + j - Padding[1]]
//
// over the i, j for which that is an element. Its output has the input's scale,
// which must be positive: of negative scales the largest integer is the smallest
// real. LowerMaxPool writes it with tables. The result is exact.
type MaxPool struct {
	Kernel, Stride Pair
	Padding        Sides
}

func (p *MaxPool) kind() Kind { return KindMaxPool }

func (p *MaxPool) window() *window {
	return &window{kernel: p.Kernel, stride: p.Stride, dilation: Both(1), padding: p.Padding}
}

// OutShape is the shape of SumPool's output: a maximum pool has the same windows.
func (p *MaxPool) OutShape(in ...[]int) ([]int, error) { return poolShape(in, p.window()) }

func (p *MaxPool) apply(in Vec, shapes [][]int) Vec {
	if in.Big != nil {
		return NewVec(largest(p.window(), in.Big, shapes[0], func(a, b *big.Int) bool { return a.Cmp(b) > 0 }))
	}
	return Vec{Small: largest(p.window(), in.Small, shapes[0], func(a, b int64) bool { return a > b })}
}

// bounds takes the largest of the lower and of the upper bounds: each is attained.
func (p *MaxPool) bounds(b Bounds, shapes [][]int) Bounds {
	return Bounds{p.apply(b.Lo, shapes), p.apply(b.Hi, shapes)}
}

// largest is the largest element of every window.
func largest[T any](w *window, in []T, shape []int, above func(a, b T) bool) []T {
	out, _ := w.outShape(shape, shape[0])
	size := shape[1] * shape[2]
	all := make([]T, 0, out[0]*out[1]*out[2])
	for c := range shape[0] {
		plane := in[c*size:][:size]
		for y := range out[1] {
			for x := range out[2] {
				var best T
				first := true
				w.taps(y, x, shape[1], shape[2], func(_, _, at int) {
					if v := plane[at]; first || above(v, best) {
						best, first = v, false
					}
				})
				all = append(all, best)
			}
		}
	}
	return all
}

func poolShape(in [][]int, w *window) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	if len(shape) != 3 {
		return nil, fmt.Errorf("pool on shape %v, want [channels, height, width]", shape)
	}
	return w.outShape(shape, shape[0])
}
