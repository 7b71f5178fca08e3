package he

import (
	"fmt"
	"math"

	"qtool/bundle"
)

// Answers are what an executor gave for samples, in their order: Exact or Approximate.
type Answers interface {
	// Len is the number of samples that were answered.
	Len() int
	// Label is the index of the output of sample i that stands for the largest real,
	// the first of equals; out is the program's output node.
	Label(out *bundle.Node, i int) int
	// Outputs are the reals that the outputs of sample i stand for; out is the program's
	// output node.
	Outputs(out *bundle.Node, i int) []float64
	// followed are the answers with next, the answers to later samples, behind them. It
	// panics where next are of the other kind.
	followed(next Answers) Answers
}

// Exact are the program's own integers, a vector of outputs a sample.
type Exact []bundle.Vec

// Approximate are reals near the program's integers.
type Approximate struct {
	// Reals are the outputs of each sample, in the units of the program's integers.
	Reals [][]float64
	// Bound is the error that is stated for each output on any input, Usual the one for
	// inputs like the calibration samples. Both are in the units of Reals.
	Bound, Usual []float64
	// Decisions are, where Reals were rounded, what they said of each sample before; nil
	// elsewhere.
	Decisions []Decision
}

// Len implements Answers.
func (e Exact) Len() int { return len(e) }

// Label implements Answers.
func (e Exact) Label(out *bundle.Node, i int) int { return out.Argmax(e[i]) }

// Outputs implements Answers.
func (e Exact) Outputs(out *bundle.Node, i int) []float64 {
	reals := make([]float64, e[i].Len())
	for k := range reals {
		reals[k] = out.Real(e[i], k)
	}
	return reals
}

func (e Exact) followed(next Answers) Answers { return append(e, sameKind(e, next)...) }

// Len implements Answers.
func (a Approximate) Len() int { return len(a.Reals) }

// Label implements Answers. A NaN is never the largest.
func (a Approximate) Label(out *bundle.Node, i int) int {
	if a.Decisions != nil {
		return a.Decisions[i].Label
	}
	label, best := 0, math.Inf(-1)
	outputs := a.Reals[i]
	for k, x := range outputs {
		if r := x * out.Scale[k*len(out.Scale)/len(outputs)]; r > best {
			label, best = k, r
		}
	}
	return label
}

// Outputs implements Answers.
func (a Approximate) Outputs(out *bundle.Node, i int) []float64 {
	reals := make([]float64, len(a.Reals[i]))
	for k, x := range a.Reals[i] {
		reals[k] = x * out.Scale[k*len(out.Scale)/len(reals)]
	}
	return reals
}

// followed states the larger of two errors.
func (a Approximate) followed(next Answers) Answers {
	b := sameKind(a, next)
	return Approximate{append(a.Reals, b.Reals...), larger(a.Bound, b.Bound), larger(a.Usual, b.Usual), append(a.Decisions, b.Decisions...)}
}

// sameKind is next as the kind of answers that a is.
func sameKind[A Answers](a A, next Answers) A {
	b, ok := next.(A)
	if !ok {
		panic(fmt.Sprintf("he: answers of type %T behind %T", next, a))
	}
	return b
}

// larger is the larger of two numbers at each place, in a new slice; a may be empty.
func larger(a, b []float64) []float64 {
	all := append([]float64(nil), b...)
	for i, x := range a {
		all[i] = max(x, all[i])
	}
	return all
}
