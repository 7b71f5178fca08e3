package op

import (
	G "gorgonia.org/gorgonia"
)

// Overflow is a penalty on the inputs x [C, ..., N] of a polynomial that leave
// the interval it was made for.
type Overflow struct {
	Lo, Hi float64
	Weight float64
	// Scales are real x = scale * x, one for the tensor or one a channel, read at
	// each run.
	Scales func() []float64
}

// Penalise adds to a scalar loss
//
//	Weight * mean( max(z - Hi, 0)^2 + max(Lo - z, 0)^2 ),   z = scale_c x
//
// the mean over the elements of *count images, as CrossEntropy counts them: images
// with a negative label are padding and add nothing.
func (o Overflow) Penalise(loss, x, labels *G.Node, count *int) (*G.Node, error) {
	shape := x.Shape().Clone()
	n := shape[len(shape)-1]
	image := shape.TotalSize() / n
	// each calls f with the index, the scale and the distance beyond the interval,
	// signed, of every element outside it.
	each := func(x, labels []float32, f func(i int, scale, beyond float64)) {
		scales := o.Scales()
		for from := 0; from < len(x); from += n {
			s := scales[from*len(scales)/len(x)]
			for r, v := range x[from : from+n] {
				if labels[r] < 0 {
					continue
				}
				if z := float64(s * float64(v)); z > o.Hi {
					f(from+r, s, z-o.Hi)
				} else if z < o.Lo {
					f(from+r, s, z-o.Lo)
				}
			}
		}
	}
	factor := func() float64 { return o.Weight / (float64(*count) * float64(image)) }
	passed := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) { return dy, nil }
	grad := func(inputs G.Nodes, _, dloss *G.Node) (*G.Node, error) {
		return apply(operation{name: "overflow-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			clear(dx)
			f := 2 * factor() * float64(v[2][0])
			each(v[0], v[1], func(i int, scale, beyond float64) { dx[i] = float32(f * scale * beyond) })
		}}, inputs[1], inputs[2], dloss)
	}
	return apply(operation{name: "overflow", diff: gradients{passed, grad, nil}, run: func(y []float32, v [][]float32) {
		sum := 0.0
		each(v[1], v[2], func(_ int, _, beyond float64) { sum += float64(beyond * beyond) })
		y[0] = v[0][0] + float32(factor()*sum)
	}}, loss, x, labels)
}
