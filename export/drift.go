package export

import (
	"context"
	"math"
	"math/big"
	"sync"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/model"
	"qtool/qat"
	"qtool/train"
)

// Drift compares a node's tensor in the fake-quantized forward pass of training
// with the integer program's.
type Drift struct {
	// Exact says that by the proof float32 holds everything the pass adds up, so
	// that no element may differ.
	Exact bool
	// Differ counts the elements, over all images, whose integers differ.
	Differ int
}

// largestExact is the last integer up to which float32 has them all.
const largestExact = 1 << 24

// Drifts runs q's fake-quantized forward pass, the very graph it is trained and
// scored with, and its program p on images, and compares every element of every
// node's tensor. answers are the forward pass's, a class an image.
func Drifts(ctx context.Context, q *model.Quantized, p *bundle.Program, images *datasets.Split) (all []Drift, answers []int, err error) {
	z, err := qat.New(q)
	if err != nil {
		return nil, nil, err
	}
	e, err := train.NewEvaluator(q.Network, q.Params, z)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, nil, err
	}
	scaling, err := q.Scaling()
	if err != nil {
		return nil, nil, err
	}
	layers, err := nodeLayers(q, p, scaling)
	if err != nil {
		return nil, nil, err
	}
	drifts := make([]Drift, len(p.Nodes))
	for k, sum := range p.PartialSums() {
		drifts[k].Exact = sum <= largestExact
	}
	var mu sync.Mutex
	answers, err = e.Trace(ctx, images, func(image int, value func(layer, element int) float32) error {
		counts := make([]int, len(p.Nodes))
		_, err := r.Run(p.Input.Sample(images.Tensor(image)).Vec(), func(k int, v bundle.Vec) {
			carry := z.Carry(layers[k].layer)
			for i := range v.Len() {
				if !same(float64(value(layers[k].layer, i))*layers[k].multiple, carry, v, i) {
					counts[k]++
				}
			}
		})
		mu.Lock()
		defer mu.Unlock()
		for k, c := range counts {
			drifts[k].Differ += c
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return drifts, answers, nil
}

// same reports whether x * 2^carry is element i of v.
func same(x float64, carry int, v bundle.Vec, i int) bool {
	f := math.Ldexp(x, carry)
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
