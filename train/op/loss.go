package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// CrossEntropy is the softmax cross-entropy of logits [N, C] against labels
// [N], class indices held as float32, summed and divided by *count:
//
//	loss = 1/count * sum_n (log sum_c exp z_nc - z_n,label)
//
// A row with a negative label is padding and adds nothing. count is read at
// each run: shards of one batch divide by the size of the whole batch, so that
// their losses and gradients add up to the batch's mean.
func CrossEntropy(logits, labels *G.Node, count *int) (*G.Node, error) {
	n, classes := logits.Shape()[0], logits.Shape()[1]
	grad := func(inputs G.Nodes, _, scale *G.Node) (*G.Node, error) {
		run := func(dz []float32, v [][]float32) {
			z, labels, scale := v[0], v[1], v[2][0]
			clear(dz)
			for r := range n {
				if labels[r] < 0 {
					continue
				}
				row, d := z[r*classes:(r+1)*classes], dz[r*classes:(r+1)*classes]
				lse := logSumExp(row)
				for k := range d {
					d[k] = float32(math.Exp(float64(row[k])-lse)) * scale / float32(*count)
				}
				d[int(labels[r])] -= scale / float32(*count)
			}
		}
		return apply(operation{name: "cross-entropy-dz", shape: logits.Shape().Clone(), run: run}, inputs[0], inputs[1], scale)
	}
	run := func(loss []float32, v [][]float32) {
		z, labels := v[0], v[1]
		sum := 0.0
		for r := range n {
			if labels[r] >= 0 {
				row := z[r*classes : (r+1)*classes]
				sum += logSumExp(row) - float64(row[int(labels[r])])
			}
		}
		loss[0] = float32(sum / float64(*count))
	}
	return apply(operation{name: "cross-entropy", diff: gradients{grad, nil}, run: run}, logits, labels)
}

// logSumExp is log sum exp z, computed stably.
func logSumExp(z []float32) float64 {
	m := z[0]
	for _, v := range z[1:] {
		m = max(m, v)
	}
	s := 0.0
	for _, v := range z {
		s += math.Exp(float64(v) - float64(m))
	}
	return float64(m) + math.Log(s)
}
