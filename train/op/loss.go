package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"qtool/internal/elementary"
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
	return loss("cross-entropy", logits, labels, nil, Distillation{}, count)
}

// Distillation weighs a teacher's answers against the labels.
type Distillation struct {
	Weight      float64 // of the teacher, 0..1
	Temperature float64 // that softens both networks' answers
}

// Distil is the cross-entropy against the labels together with that against a
// teacher's softened answers, of logits [C, N] too:
//
//	loss = (1-Weight) CrossEntropy(z, labels)
//	     + Weight T^2/count sum_n sum_c -q_cn log p_cn
//	p = softmax(z/T),  q = softmax(teacher/T)
//
// No gradient flows to the teacher.
//
// Reference: Hinton et al., arXiv 1503.02531.
func Distil(logits, labels, teacher *G.Node, d Distillation, count *int) (*G.Node, error) {
	return loss("distil", logits, labels, teacher, d, count)
}

// loss is both; without a teacher d.Weight is 0.
func loss(name string, logits, labels, teacher *G.Node, d Distillation, count *int) (*G.Node, error) {
	classes, n := logits.Shape()[0], logits.Shape()[1]
	inputs := G.Nodes{logits, labels}
	hard := softmax{n: n, classes: classes, temperature: 1, p: make([]float32, classes*n), e: make([]float64, classes)}
	var soft, target softmax
	if teacher != nil {
		inputs = append(inputs, teacher)
		soft, target = hard, hard
		soft.temperature, soft.p = d.Temperature, make([]float32, classes*n)
		target.temperature, target.p = d.Temperature, make([]float32, classes*n)
	}
	// The loss is an input of its gradient only to say that the answers must have
	// been filled before.
	grad := func(inputs G.Nodes, loss, scale *G.Node) (*G.Node, error) {
		run := func(dz []float32, v [][]float32) {
			labels, scale := v[0], v[1][0]/float32(*count)
			own := float32(float32(1-d.Weight) * scale)
			for i, p := range hard.p {
				dz[i] = p * own
			}
			for r, label := range labels {
				if label >= 0 {
					dz[int(label)*n+r] -= own
				}
			}
			f := float32(d.Weight*d.Temperature) * scale
			for i, q := range target.p {
				dz[i] += float32((soft.p[i] - q) * f)
			}
		}
		return apply(operation{name: name + "-dz", shape: logits.Shape().Clone(), run: run}, inputs[1], scale, loss)
	}
	run := func(loss []float32, v [][]float32) {
		z, labels := v[0], v[1]
		clear(hard.p)
		clear(soft.p)
		clear(target.p)
		sum, taught := 0.0, 0.0
		for r, label := range labels {
			if label < 0 {
				continue
			}
			sum += hard.column(z, r) - float64(z[int(label)*n+r])
			if teacher == nil {
				continue
			}
			log := soft.column(z, r)
			target.column(v[2], r)
			for i := r; i < len(z); i += n {
				taught += float64(float64(target.p[i]) * (log - float64(z[i])/d.Temperature))
			}
		}
		loss[0] = float32((float64((1-d.Weight)*sum) + float64(d.Weight*d.Temperature*d.Temperature*taught)) / float64(*count))
	}
	return apply(operation{name: name, diff: gradients{grad, nil, nil}[:len(inputs)], run: run}, inputs...)
}

// softmax turns columns of logits [classes, n] into probabilities p.
type softmax struct {
	n, classes  int
	temperature float64
	p           []float32
	e           []float64
}

// column fills column r of p from z and returns log sum_c exp(z_c/temperature).
func (s *softmax) column(z []float32, r int) float64 {
	m := z[r]
	for c := 1; c < s.classes; c++ {
		m = max(m, z[c*s.n+r])
	}
	sum := 0.0
	for c := range s.e {
		s.e[c] = exp((float64(z[c*s.n+r]) - float64(m)) / s.temperature)
		sum += s.e[c]
	}
	for c, x := range s.e {
		s.p[c*s.n+r] = float32(x / sum)
	}
	return float64(m)/s.temperature + elementary.Log(sum)
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
	return float64(p * math.Float64frombits(uint64(int64(n)+1023)<<52))
}
