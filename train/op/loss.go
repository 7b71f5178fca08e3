package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// CrossEntropy is the softmax cross-entropy of logits [C, N] against labels
// [N], class indices held as float32, summed and divided by *count:
//
//	loss = 1/count * sum_n (log sum_c exp z_cn - z_label,n)
//
// An image with a negative label is padding and adds nothing. count is read at
// each run: shards of one batch divide by the size of the whole batch, so that
// their losses and gradients add up to the batch's mean.
func CrossEntropy(logits, labels *G.Node, count *int) (*G.Node, error) {
	classes, n := logits.Shape()[0], logits.Shape()[1]
	softmax := make([]float32, classes*n) // of the last run
	e := make([]float64, classes)
	// The loss is an input of its gradient only to say that softmax must have
	// been filled before.
	grad := func(inputs G.Nodes, loss, scale *G.Node) (*G.Node, error) {
		run := func(dz []float32, v [][]float32) {
			labels, scale := v[0], v[1][0]
			for i, p := range softmax {
				dz[i] = p * scale / float32(*count)
			}
			for r, label := range labels {
				if label >= 0 {
					dz[int(label)*n+r] -= scale / float32(*count)
				}
			}
		}
		return apply(operation{name: "cross-entropy-dz", shape: logits.Shape().Clone(), run: run}, inputs[1], scale, loss)
	}
	run := func(loss []float32, v [][]float32) {
		z, labels := v[0], v[1]
		clear(softmax)
		sum := 0.0
		for r, label := range labels {
			if label < 0 {
				continue
			}
			m := z[r]
			for c := 1; c < classes; c++ {
				m = max(m, z[c*n+r])
			}
			s := 0.0
			for c := range e {
				e[c] = exp(float64(z[c*n+r]) - float64(m))
				s += e[c]
			}
			for c, x := range e {
				softmax[c*n+r] = float32(x / s)
			}
			sum += float64(m) + math.Log(s) - float64(z[int(label)*n+r])
		}
		loss[0] = float32(sum / float64(*count))
	}
	return apply(operation{name: "cross-entropy", diff: gradients{grad, nil}, run: run}, logits, labels)
}

// exp is e^x of x <= 0, within 2 units in the last place: a Taylor series of
// what is left of x after whole multiples of log 2. math.Exp rounds otherwise on
// processors with fused operations.
func exp(x float64) float64 {
	const ln2High, ln2Low = 0x1.62e42feep-1, 0x1.a39ef35793c76p-33
	if x < -745 {
		return 0
	}
	n := math.Floor(float64(x*math.Log2E) + 0.5)
	r := x - float64(n*ln2High) - float64(n*ln2Low)
	p := 1.0 / 6227020800 // 1/13!
	for _, c := range [...]float64{
		1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1,
	} {
		p = float64(p*r) + c
	}
	if n < -1022 {
		return math.Ldexp(p, int(n))
	}
	return p * math.Float64frombits(uint64(int64(n)+1023)<<52)
}
