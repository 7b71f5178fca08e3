package f32

import (
	"fmt"
	"sync"
)

// Runs are stretches of n values in Data: the first begins at 0, each next one
// Step further.
type Runs struct {
	Data []float32
	Step int
}

type dotsKernel func(dst *float32, dstRow int, sums *float32, stage int, g *float32, gRow, gStep int, x *float32, off *int, xStep, n, runs int)

// These bits of a kernel's stage say what it does with the 16 sums of each result: it
// begins from zeros, not from sums, and adds them up into dst at the end, instead of
// writing them to sums.
const (
	dotsBegin = 1 << iota
	dotsEnd
)

// Dots adds to dst the dot products of m rows of g with x at several offsets,
// over all runs:
//
//	dst[r, t] += sum_i sum_{j<n} g[r*gRow + i*g.Step + j] * x[offsets[t] + i*x.Step + j]
//
// It is the weights' gradient of a convolution: r a channel of the output, t a
// tap. Each product is rounded to float32 and added to sum j mod 16
// of 16 sums, in order of i, then j. At the end sums k and k+8 are added, then k
// and k+4, k and k+2, the last two, and the result to dst.
//
// It panics if a run lies outside of its slice.
func Dots(dst Matrix, g Runs, gRow int, x Runs, offsets []int, m, n, runs int) {
	if m <= 0 || n <= 0 || runs <= 0 || len(offsets) == 0 {
		return
	}
	_ = g.Data[(m-1)*gRow+(runs-1)*g.Step+n-1]
	_ = dst.Data[(m-1)*dst.Row+len(offsets)-1]
	for _, o := range offsets {
		if o < 0 || o+(runs-1)*x.Step+n > len(x.Data) {
			panic(fmt.Sprintf("f32: %d runs of %d values from %d are outside of %d", runs, n, o, len(x.Data)))
		}
	}
	if active == nil {
		dotsGeneric(dst, g, gRow, x, offsets, m, n, runs)
		return
	}
	passes := parts(m, len(active.dots))
	for r := 0; r < m; passes-- {
		rows := parts(m-r, passes)
		dotsRows(Matrix{dst.Data[r*dst.Row:], dst.Row}, Runs{g.Data[r*gRow:], g.Step}, gRow, x, offsets, rows, n, runs)
		r += rows
	}
}

// dotsBuffers are for the sums of as many offsets as dotsRows takes at a time.
var dotsBuffers = sync.Pool{New: func() any { return new([lanes * dotsSums]float32) }}

const dotsSums = 384

// dotsRows is Dots for the rows of one tile. Of as many runs as the first-level cache
// holds of g, all offsets are taken before the next ones: their sums rest in memory
// meanwhile.
func dotsRows(dst Matrix, g Runs, gRow int, x Runs, offsets []int, rows, n, runs int) {
	block := max(1, active.dotsValues/(rows*n))
	if block >= runs {
		dotsBlock(dst, nil, dotsBegin|dotsEnd, g, gRow, x, 0, offsets, rows, n, runs)
		return
	}
	buffer := dotsBuffers.Get().(*[lanes * dotsSums]float32)
	defer dotsBuffers.Put(buffer)
	for most := dotsSums / rows; len(offsets) > 0; {
		some := offsets[:min(len(offsets), most)]
		for i := 0; i < runs; i += block {
			stage := 0
			if i == 0 {
				stage |= dotsBegin
			}
			if i+block >= runs {
				stage |= dotsEnd
			}
			dotsBlock(dst, buffer[:], stage, Runs{g.Data[i*g.Step:], g.Step}, gRow, x, i*x.Step, some, rows, n, min(block, runs-i))
		}
		dst.Data, offsets = dst.Data[len(some):], offsets[len(some):]
	}
}

// dotsBlock goes over tiles of offsets, of widths as equal as there can be. The runs of
// x begin from values behind the offsets.
func dotsBlock(dst Matrix, sums []float32, stage int, g Runs, gRow int, x Runs, from int, offsets []int, rows, n, runs int) {
	kernels := active.dots[rows-1]
	passes := parts(len(offsets), len(kernels))
	for t := 0; t < len(offsets); passes-- {
		width := parts(len(offsets)-t, passes)
		var rest *float32
		if sums != nil {
			rest = &sums[t*rows*lanes]
		}
		kernels[width-1](&dst.Data[t], dst.Row, rest, stage, &g.Data[0], gRow, g.Step, &x.Data[from], &offsets[t], x.Step, n, runs)
		t += width
	}
}

// parts is n/size, rounded up: the least number of parts of at most size values, and the
// largest size of size parts that are as equal as can be.
func parts(n, size int) int { return (n + size - 1) / size }

// dotsGeneric is Dots' twin. It keeps four of the sums in registers at a time.
func dotsGeneric(dst Matrix, g Runs, gRow int, x Runs, offsets []int, m, n, runs int) {
	for r := range m {
		for t, o := range offsets {
			var s [lanes]float32
			for i := range runs {
				g, x := g.Data[r*gRow+i*g.Step:][:n], x.Data[o+i*x.Step:][:n]
				for k := 0; k < lanes; k += 4 {
					s0, s1, s2, s3 := s[k], s[k+1], s[k+2], s[k+3]
					j := k
					for ; j+4 <= n; j += lanes {
						g, x := (*[4]float32)(g[j:]), (*[4]float32)(x[j:])
						s0 += float32(g[0] * x[0])
						s1 += float32(g[1] * x[1])
						s2 += float32(g[2] * x[2])
						s3 += float32(g[3] * x[3])
					}
					s[k], s[k+1], s[k+2], s[k+3] = s0, s1, s2, s3
					for l := 0; l < 4 && j+l < n; l++ {
						s[k+l] += float32(g[j+l] * x[j+l])
					}
				}
			}
			dst.Data[r*dst.Row+t] += addLanes(&s)
		}
	}
}
