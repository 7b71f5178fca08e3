package f32

import "fmt"

// Runs are stretches of n values in Data: the first begins at 0, each next one
// Step further.
type Runs struct {
	Data []float32
	Step int
}

type dotsKernel func(dst *float32, dstRow int, g *float32, gRow, gStep int, x *float32, off *int, xStep, n, runs int)

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
	tallest, widest := len(active.dots), len(active.dots[0])
	for r := 0; r < m; r += tallest {
		row := active.dots[min(m-r, tallest)-1]
		for t := 0; t < len(offsets); t += widest {
			row[min(len(offsets)-t, widest)-1](&dst.Data[r*dst.Row+t], dst.Row, &g.Data[r*gRow], gRow, g.Step,
				&x.Data[0], &offsets[t], x.Step, n, runs)
		}
	}
}

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
