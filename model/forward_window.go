package model

import "math"

// convolve goes over a row of outputs for each weight: every output adds its
// products in the order of the weights.
func convolve(l Layer, x []float64, in, out []int, w, b []float32) []float64 {
	y := make([]float64, size(out))
	win := l.Window(in)
	channels, outputs := in[0]/win.Groups, out[0]/win.Groups // of a group
	stride := win.Stride[1]
	at := 0 // of the weight
	for o := range out[0] {
		first := o / outputs * channels
		for r := range out[1] {
			row := y[(o*out[1]+r)*out[2]:][:out[2]]
			for c := range row {
				row[c] = float64(b[o])
			}
			for ch := range channels {
				for i := range win.Kernel[0] {
					rr := r*win.Stride[0] + i*win.Dilation[0] - win.Before[0]
					if rr < 0 || rr >= in[1] {
						continue
					}
					src := x[((first+ch)*in[1]+rr)*in[2]:][:in[2]]
					for j := range win.Kernel[1] {
						f := float64(w[at+(ch*win.Kernel[0]+i)*win.Kernel[1]+j])
						// Columns c with 0 <= c*stride+shift < width.
						shift := j*win.Dilation[1] - win.Before[1]
						from := max(0, (stride-1-shift)/stride)
						for c, cc := from, from*stride+shift; c < len(row) && cc < len(src); c, cc = c+1, cc+stride {
							row[c] += float64(f * src[cc])
						}
					}
				}
			}
		}
		at += channels * win.Area()
	}
	return y
}

// average is the mean over each window, in which padding counts as 0.
func average(l Layer, x []float64, in, out []int) []float64 {
	y := make([]float64, size(out))
	win := l.Window(in)
	area := float64(win.Area())
	l.windows(in, out, func(element, plane, r, c int) {
		acc := 0.0
		win.taps(r, c, in[1], in[2], func(_, at int) { acc += x[plane+at] })
		y[element] = acc / area
	})
	return y
}

// largest is the maximum over each window, in which padding takes no part.
func largest(l Layer, x []float64, in, out []int) []float64 {
	y := make([]float64, size(out))
	win := l.Window(in)
	l.windows(in, out, func(element, plane, r, c int) {
		best := math.Inf(-1)
		win.taps(r, c, in[1], in[2], func(_, at int) { best = max(best, x[plane+at]) })
		y[element] = best
	})
	return y
}

// windows calls f for every element of a pool's output, [channels, height, width]
// or of a global one [channels], with the beginning of its channel in the input
// and its position.
func (l Layer) windows(in, out []int, f func(element, plane, r, c int)) {
	height, width := 1, 1
	if len(out) == 3 {
		height, width = out[1], out[2]
	}
	element := 0
	for ch := range in[0] {
		for r := range height {
			for c := range width {
				f(element, ch*in[1]*in[2], r, c)
				element++
			}
		}
	}
}
