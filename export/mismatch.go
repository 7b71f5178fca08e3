package export

import (
	"context"
	"math"
	"math/big"
	"slices"
	"sync"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/model"
	"qtool/qat"
	"qtool/train"
)

// Mismatch is the quantized-integer mismatch of a node: its tensor in the fake-quantized
// forward pass of training against its tensor in the integer program.
type Mismatch struct {
	// Exact says that by the proof float32 holds everything the pass adds up, so
	// that no element may differ.
	Exact bool
	// Differ counts the elements, over all images, whose integers differ.
	Differ int
}

// largestExact is the last integer up to which float32 has them all.
const largestExact = 1 << 24

// Mismatches runs q's fake-quantized forward pass, the very graph it is trained and
// scored with, and its program p on the program's inputs, and compares every element of
// every node's tensor. answers are the forward pass's, a class an input. The mismatches are
// nil for a network whose forward pass computes in reals: one with polynomial gates.
func Mismatches(ctx context.Context, q *model.Quantized, p *bundle.Program, inputs *datasets.Split) (all []Mismatch, answers []int, err error) {
	zero := zeroOf(q)
	q, z, e, err := serving(q)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	if slices.ContainsFunc(q.Network.Layers, func(l model.Layer) bool { return l.Gates != nil }) {
		answers, err = e.Predict(ctx, inputs)
		return nil, answers, err
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, nil, err
	}
	scaling, err := q.Scaling()
	if err != nil {
		return nil, nil, err
	}
	layers, err := nodeLayers(q, p, scaling, zero)
	if err != nil {
		return nil, nil, err
	}
	mismatches := make([]Mismatch, len(p.Nodes))
	for k, sum := range p.PartialSums() {
		mismatches[k].Exact = sum <= largestExact
	}
	var mu sync.Mutex
	answers, err = e.Trace(ctx, inputs, func(input int, value func(layer, element int) float32) error {
		counts := make([]int, len(p.Nodes))
		_, err := r.Run(p.Input.Sample(inputs.Tensor(input)).Vec(), func(k int, v bundle.Vec) {
			exponent := z.ExponentOffset(layers[k].layer)
			offset := math.Ldexp(layers[k].offset, -exponent)
			for i := range v.Len() {
				at, factor := layers[k].element(i)
				if !same(float64(float64(value(layers[k].layer, at))*factor)+offset, exponent, v, i) {
					counts[k]++
				}
			}
		})
		mu.Lock()
		defer mu.Unlock()
		for k, c := range counts {
			mismatches[k].Differ += c
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return mismatches, answers, nil
}

// Scores are the scores that q's fake-quantized forward pass gives on the program's inputs; see
// [train.Evaluator.Scores].
func Scores(ctx context.Context, q *model.Quantized, inputs *datasets.Split) ([]float32, error) {
	_, _, e, err := serving(q)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Scores(ctx, inputs)
}

// serving is the part of q that a server has, its quantizer, and what evaluates it on the
// program's inputs.
func serving(q *model.Quantized) (*model.Quantized, *qat.Quantizer, *train.Evaluator, error) {
	zero, words := zeroOf(q), q.Network.ReadsWords()
	q, err := q.Server()
	if err != nil {
		return nil, nil, nil, err
	}
	z, err := qat.New(q)
	if err != nil {
		return nil, nil, nil, err
	}
	e, err := train.NewEvaluator(q.Network, q.Params, z)
	if err != nil {
		return nil, nil, nil, err
	}
	if words {
		e.Reads = func(dst []float32, sample []uint8) {
			for i, b := range sample {
				dst[i] = float32(int64(b)-zero) * q.Input.Scale
			}
		}
	}
	return q, z, e, nil
}

// same reports whether x * 2^exponent is element i of v.
func same(x float64, exponent int, v bundle.Vec, i int) bool {
	f := math.Ldexp(x, exponent)
	if v.Big == nil {
		n := v.Small[i]
		return f == float64(n) && math.Abs(f) < 1<<63 && int64(f) == n
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return false
	}
	n, accuracy := v.Big[i].Float64()
	return accuracy == big.Exact && n == f
}
