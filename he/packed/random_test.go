package packed

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he/internal/hetest"
)

// On random graphs packed-bgv gives the program's integers, with at least the predicted
// noise budget left, and packed-ckks stays within its bound.
func TestInsecureRandomPrograms(t *testing.T) {
	carried := bundletest.Random{Exact: true, Degree: 2, Kinds: []bundle.Kind{
		bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial, bundle.KindShift,
		bundle.KindAdd, bundle.KindMul, bundle.KindConcat, bundle.KindSlice, bundle.KindReshape,
	}}
	bundletest.Encrypted(t, 60, carried, 0, func(t *rapid.T, p *bundle.Program, samples []bundle.Sample) []bundle.Vec {
		logN := rapid.IntRange(8, 10).Draw(t, "log N")
		within(t, p, samples, logN)
		plan, err := NewExactPlan(t.Context(), p, insecure(logN))
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewExactExecutor(p, plan).Run(t.Context(), samples, nil)
		if err != nil {
			t.Fatal(err)
		}
		if predicted, left := plan.left[len(plan.left)-1], hetest.NoiseLeft(t, r); left < max(minBudget, predicted) {
			t.Fatalf("%.1f bits of noise budget left, %.1f are predicted", left, predicted)
		}
		return hetest.Exact(t, r)
	})
}

// within fails where an output of packed-ckks leaves its bound.
func within(t *rapid.T, p *bundle.Program, samples []bundle.Sample, logN int) {
	plan, err := NewPlan(t.Context(), p, insecure(logN))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewExecutor(p, plan).Run(t.Context(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	answers := hetest.Approximate(t, r)
	for i, sample := range samples {
		want, err := runner.Run(sample.Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for o, x := range answers.Reals[i] {
			if off := math.Abs(x - want.Float(o)); !(off <= answers.Bound[o]) {
				t.Fatalf("sample %d, output %d is %g, want %v: off by %.3g, the bound is %.3g", i, o, x, want.At(o), off, answers.Bound[o])
			}
		}
	}
}

// A program with anything else is refused by name before any work: the same 200 random
// programs at every run, which hold each of the operations that are refused.
func TestGraphsRefused(t *testing.T) {
	programs := bundletest.Programs(bundletest.Random{Degree: 2})
	refused := map[bundle.Kind]int{}
	for seed := range 200 {
		p := programs.Example(seed)
		why := bundle.Kind("")
		for i := range p.Nodes {
			switch op := p.Nodes[i].Op.(type) {
			case *bundle.MaxPool, *bundle.LookupTable, *bundle.Recurrent:
				why = p.Nodes[i].Kind()
			case *bundle.Shift:
				if op.Bits > 0 {
					why = p.Nodes[i].Kind()
				}
			case *bundle.Mul:
				if op.Shift > 0 {
					why = p.Nodes[i].Kind()
				}
			}
		}
		if why == "" {
			continue
		}
		refused[why]++
		_, err := NewPlan(t.Context(), p, insecure(10))
		_, exact := NewExactPlan(t.Context(), p, insecure(10))
		for _, err := range []error{err, exact} {
			if !errors.Is(err, ErrOperation) {
				t.Fatalf("seed %d, a program with %s: %v", seed, why, err)
			}
		}
	}
	if len(refused) < 5 {
		t.Errorf("only programs with %v are among them", refused)
	}
}
