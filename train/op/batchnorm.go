package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"qtool/kernel/f32"
)

// Moments are a batch's mean and variance per channel, which BatchNorm writes at
// each run, over Count elements each.
type Moments struct {
	Mean, Variance []float32
	Count          int
}

// BatchNorm normalises every channel of x [C, ..., N] by the mean and the
// (biased) variance of its first *rows images, the others being padding:
//
//	y = weight_c (x - mean_c) / sqrt(variance_c + epsilon) + bias_c
//
// Sums are float64, in the order of f32.Sums.
//
// Reference: Ioffe and Szegedy, arXiv 1502.03167.
func BatchNorm(x, weight, bias *G.Node, epsilon float64, rows *int, moments *Moments) (*G.Node, error) {
	shape := x.Shape().Clone()
	channels, n := shape[0], shape[len(shape)-1]
	per := shape.TotalSize() / (n * channels)
	moments.Mean, moments.Variance = make([]float32, channels), make([]float32, channels)
	// each calls f with every stretch of channel c that is no padding.
	each := func(c int, f func(from, to int)) {
		if *rows == n {
			f(c*per*n, (c+1)*per*n)
			return
		}
		for k := range per {
			from := (c*per + k) * n
			f(from, from+*rows)
		}
	}
	means := make([]float64, channels)
	inverse := make([]float64, channels) // 1/sqrt(variance + epsilon)
	sums := make([][2]float64, channels) // of dy, and of dy times x - mean
	run := func(y []float32, v [][]float32) {
		x, weight, bias := v[0], v[1], v[2]
		if *rows < n {
			clear(y)
		}
		count := float64(*rows * per)
		moments.Count = *rows * per
		for c := range channels {
			var s, t f32.Sums
			each(c, func(from, to int) { s.Add(x[from:to], x[from:to], 0, 0) })
			sum, _ := s.Totals()
			mean := sum / max(count, 1)
			each(c, func(from, to int) { t.Add(x[from:to], x[from:to], mean, mean) })
			_, square := t.Totals()
			variance := square / max(count, 1)
			means[c], inverse[c] = mean, 1/math.Sqrt(variance+epsilon)
			moments.Mean[c], moments.Variance[c] = float32(mean), float32(variance)
			slope := float64(weight[c]) * inverse[c]
			offset := float64(bias[c]) - float64(mean*slope)
			each(c, func(from, to int) { f32.Affine(y[from:to], x[from:to], slope, offset) })
		}
	}
	// y is an input of x's gradient, to make it wait for the moments, and that one
	// of the others', to make them wait for the sums.
	var dxNode *G.Node
	gradX := func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
		var err error
		dxNode, err = apply(operation{name: "batchnorm-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			x, weight, dy := v[0], v[1], v[3]
			if *rows < n {
				clear(dx)
			}
			count := max(float64(*rows*per), 1)
			for c := range channels {
				var s f32.Sums
				each(c, func(from, to int) { s.Add(x[from:to], dy[from:to], means[c], 0) })
				sum, product := s.Totals()
				sums[c] = [2]float64{sum, product}
				// dx = slope (dy - (sum + normal * product*inverse)/count) with
				// normal = (x - mean) inverse
				slope := float64(weight[c]) * inverse[c]
				bend := -slope * inverse[c] * inverse[c] * product / count
				offset := float64(-slope*sum/count) - float64(bend*means[c])
				each(c, func(from, to int) { f32.Affine2(dx[from:to], dy[from:to], x[from:to], slope, bend, offset) })
			}
		}}, inputs[0], inputs[1], y, dy)
		return dxNode, err
	}
	perChannel := func(name string, value func(c int) float64) func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
		return func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
			return apply(operation{name: name, shape: weight.Shape().Clone(), run: func(d []float32, _ [][]float32) {
				for c := range d {
					d[c] = float32(value(c))
				}
			}}, dxNode)
		}
	}
	return apply(operation{name: "batchnorm", shape: shape, run: run, diff: gradients{
		gradX,
		perChannel("batchnorm-dweight", func(c int) float64 { return sums[c][1] * inverse[c] }),
		perChannel("batchnorm-dbias", func(c int) float64 { return sums[c][0] }),
	}}, x, weight, bias)
}

// Affine is y = slope_c x + offset_c on every channel c of x [C, ..., N]. slopes
// and offsets are read at each run, of one element or one a channel.
func Affine(x *G.Node, factors func() (slopes, offsets []float64)) (*G.Node, error) {
	shape := x.Shape().Clone()
	per := shape.TotalSize() / shape[0]
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "affine-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			slopes, _ := factors()
			for c := range shape[0] {
				at := c * per
				f32.Affine(dx[at:at+per], v[0][at:at+per], slopes[c%len(slopes)], 0)
			}
		}}, dy)
	}
	return apply(operation{name: "affine", shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) {
		slopes, offsets := factors()
		for c := range shape[0] {
			at := c * per
			f32.Affine(y[at:at+per], v[0][at:at+per], slopes[c%len(slopes)], offsets[c%len(offsets)])
		}
	}}, x)
}
