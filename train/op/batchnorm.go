package op

import (
	"math"

	G "gorgonia.org/gorgonia"
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
// Sums are float64, in order.
//
// Reference: Ioffe and Szegedy, arXiv 1502.03167.
func BatchNorm(x, weight, bias *G.Node, epsilon float64, rows *int, moments *Moments) (*G.Node, error) {
	shape := x.Shape().Clone()
	channels, n := shape[0], shape[len(shape)-1]
	per := shape.TotalSize() / (n * channels)
	moments.Mean, moments.Variance = make([]float32, channels), make([]float32, channels)
	// each calls f with every stretch of channel c that is no padding.
	each := func(c int, f func(from, to int)) {
		for k := range per {
			from := (c*per + k) * n
			f(from, from+*rows)
		}
	}
	inverse := make([]float64, channels) // 1/sqrt(variance + epsilon)
	run := func(y []float32, v [][]float32) {
		x, weight, bias := v[0], v[1], v[2]
		clear(y)
		count := float64(*rows * per)
		moments.Count = *rows * per
		for c := range channels {
			sum, square := 0.0, 0.0
			each(c, func(from, to int) {
				for _, a := range x[from:to] {
					sum += float64(a)
				}
			})
			mean := sum / max(count, 1)
			each(c, func(from, to int) {
				for _, a := range x[from:to] {
					d := float64(a) - mean
					square += d * d
				}
			})
			variance := square / max(count, 1)
			moments.Mean[c], moments.Variance[c] = float32(mean), float32(variance)
			inverse[c] = 1 / math.Sqrt(variance+epsilon)
			slope := float64(weight[c]) * inverse[c]
			offset := float64(bias[c]) - mean*slope
			each(c, func(from, to int) {
				for i := from; i < to; i++ {
					y[i] = float32(slope*float64(x[i]) + offset)
				}
			})
		}
	}
	// sums are, of channel c, those of dy and of dy times the normalised x.
	sums := func(c int, x, dy []float32) (sum, product float64) {
		mean := float64(moments.Mean[c])
		each(c, func(from, to int) {
			for i := from; i < to; i++ {
				sum += float64(dy[i])
				product += float64(dy[i]) * (float64(x[i]) - mean) * inverse[c]
			}
		})
		return sum, product
	}
	// y is an input of every gradient: it makes them wait for the moments.
	gradX := func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "batchnorm-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			x, weight, dy := v[0], v[1], v[3]
			clear(dx)
			for c := range channels {
				sum, product := sums(c, x, dy)
				count, mean := float64(*rows*per), float64(moments.Mean[c])
				slope := float64(weight[c]) * inverse[c]
				each(c, func(from, to int) {
					for i := from; i < to; i++ {
						normal := (float64(x[i]) - mean) * inverse[c]
						dx[i] = float32(slope * (float64(dy[i]) - (sum+normal*product)/count))
					}
				})
			}
		}}, inputs[0], inputs[1], y, dy)
	}
	perChannel := func(name string, pick func(sum, product float64) float64) func(G.Nodes, *G.Node, *G.Node) (*G.Node, error) {
		return func(inputs G.Nodes, y, dy *G.Node) (*G.Node, error) {
			return apply(operation{name: name, shape: weight.Shape().Clone(), run: func(d []float32, v [][]float32) {
				for c := range channels {
					d[c] = float32(pick(sums(c, v[0], v[2])))
				}
			}}, inputs[0], y, dy)
		}
	}
	return apply(operation{name: "batchnorm", shape: shape, run: run, diff: gradients{
		gradX,
		perChannel("batchnorm-dweight", func(_, product float64) float64 { return product }),
		perChannel("batchnorm-dbias", func(sum, _ float64) float64 { return sum }),
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
			for i, d := range v[0] {
				dx[i] = float32(slopes[i/per%len(slopes)] * float64(d))
			}
		}}, dy)
	}
	return apply(operation{name: "affine", shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) {
		slopes, offsets := factors()
		for i, a := range v[0] {
			c := i / per
			y[i] = float32(slopes[c%len(slopes)]*float64(a) + offsets[c%len(offsets)])
		}
	}}, x)
}
