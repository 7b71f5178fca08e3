package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"qtool/internal/elementary"
)

// BinaryCrossEntropy is the loss of logits z [1, N] against labels [N], 0 or 1,
// summed and divided by *count:
//
//	loss = 1/count * sum_n ( log(1 + exp(z_n)) - label_n z_n )
//
// A sample with a negative label is padding and adds nothing. count is read at
// each run; see CrossEntropy.
func BinaryCrossEntropy(logits, labels *G.Node, count *int) (*G.Node, error) {
	grad := func(inputs G.Nodes, loss, scale *G.Node) (*G.Node, error) {
		return apply(operation{name: "bce-dz", shape: logits.Shape().Clone(), run: func(dz []float32, v [][]float32) {
			factor := v[2][0] / float32(*count)
			for n, label := range v[1] {
				dz[n] = 0
				if label >= 0 {
					dz[n] = float32(probability(float64(v[0][n]))-float64(label)) * factor
				}
			}
		}}, inputs[0], inputs[1], scale, loss)
	}
	run := func(loss []float32, v [][]float32) {
		sum := 0.0
		for n, label := range v[1] {
			if z := float64(v[0][n]); label >= 0 {
				sum += max(z, 0) + elementary.Log1p(exp(-math.Abs(z))) - float64(float64(label)*z)
			}
		}
		loss[0] = float32(sum / float64(*count))
	}
	return apply(operation{name: "bce", diff: gradients{grad, nil}, run: run}, logits, labels)
}

// probability is 1/(1+exp(-z)).
func probability(z float64) float64 {
	e := exp(-math.Abs(z))
	if z < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// Masked multiplies x by a mask of its shape, which is no variable: mask is called
// at each run. It is dropout, with a mask of 0 and 1/(1-p).
func Masked(x *G.Node, mask func() []float32) (*G.Node, error) {
	shape := x.Shape().Clone()
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "masked-dx", shape: shape, run: func(dx []float32, v [][]float32) {
			for i, m := range mask() {
				dx[i] = v[0][i] * m
			}
		}}, dy)
	}
	return apply(operation{name: "masked", shape: shape, diff: gradients{grad}, run: func(y []float32, v [][]float32) {
		for i, m := range mask() {
			y[i] = v[0][i] * m
		}
	}}, x)
}

// Deferred is 0 for every element of b, with the gradient passed through: a bias
// that a table takes, which knows the gradient by it.
func Deferred(b *G.Node) (*G.Node, error) {
	shape := b.Shape().Clone()
	grad := func(_ G.Nodes, _, dy *G.Node) (*G.Node, error) {
		return apply(operation{name: "deferred-db", shape: shape, run: func(db []float32, v [][]float32) { copy(db, v[0]) }}, dy)
	}
	return apply(operation{name: "deferred", shape: shape, diff: gradients{grad}, run: func(y []float32, _ [][]float32) { clear(y) }}, b)
}
