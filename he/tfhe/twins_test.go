package tfhe

import (
	"math"
	"testing"

	"qtool/bundle"
)

// noisyLiteral has little but the errors of blind rotations, and is not secure.
func noisyLiteral() ParametersLiteral {
	return ParametersLiteral{LogN: 8, LogQ: 34, Ring: [2]Digits{{16, 2}, {16, 2}}, Group: 2, Dimension: 100, LogSmallQ: 24, Switch: Digits{3, 7}}
}

// Sums in which a value meets itself have the noise of its weights' sum, and those of
// two values with one error, as tables that differ by a constant make of one tensor, that
// of the sum of the weights' magnitudes. Those of opposite tables have no more.
func TestInsecureNoiseOfCorrelatedSums(t *testing.T) {
	const n = 24
	table := tableFrom(0, 0, 1, 0, 1)
	for name, c := range map[string]struct {
		left, right bundle.Op
		weights     []int32
		square      float64 // predicted, in variances of an output
		tight       bool
	}{
		"one tensor":       {table, nil, []int32{1, 1}, 4, true},
		"one tensor, less": {table, nil, []int32{3, -1}, 4, true},
		"one table twice":  {table, tableFrom(0, 0, 1, 0, 1), []int32{1, 1}, 4, true},
		"shifted table":    {table, tableFrom(0, 5, 6, 5, 6), []int32{2, 1}, 9, true},
		"opposite tables":  {table, tableFrom(0, 1, 0, 1, 0), []int32{1, -1}, 4, false},
		"sum of opposites": {table, tableFrom(0, 1, 0, 1, 0), []int32{1, 1}, 4, false},
		"two tables":       {table, tableFrom(0, 0, 1, 1, 1), []int32{1, 1}, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := []bundle.Node{node("left", c.left, "input")}
			right := "left"
			if c.right != nil {
				nodes, right = append(nodes, node("right", c.right, "input")), "right"
			}
			nodes = append(nodes, node("sum", &bundle.Add{Weights: c.weights}, "left", right))
			plan := forced(t, graphOf(t, []int{n}, 2, 0, n, nodes...), noisyLiteral())
			l := plan.params.ParametersLiteral
			last := plan.last()
			if len(last.norms) != 1 || last.norms[0].rotated != c.square {
				t.Fatalf("norms %+v, want a square of %v", last.norms, c.square)
			}
			predicted := l.accumulated(last, last.norms[0])
			if share := c.square * l.rotated() / predicted; share < 0.9 {
				t.Errorf("the errors of blind rotations are %.2g of the variance: nothing to test", share)
			}
			a := trial(t, plan, randomSamples(seeded(30), 30, plan.program), nil)
			tally := &a.layers[len(a.layers)-1]
			measured := math.Sqrt(tally.square / float64(tally.done))
			if c.tight {
				compareNoise(t, name, math.Sqrt(predicted), measured, tally.done)
			} else if e := 5 / math.Sqrt(2*float64(tally.done)); math.Sqrt(predicted)/measured < 0.95-e {
				t.Errorf("%s: deviation %g, predicted at most %g", name, measured, math.Sqrt(predicted))
			}
		})
	}
}

// Twins of twins are twins: equal branches have equal errors all along.
func TestTwinsOfTwins(t *testing.T) {
	table := tableFrom(0, 0, 1, 0, 1)
	p := graphOf(t, []int{2}, 2, 0, 2,
		node("left", table, "input"), node("right", tableFrom(0, 3, 2, 3, 2), "input"),
		node("left2", tableFrom(0, 0, 1), "left"), node("minus", &bundle.Dense{Units: 2, Inputs: 2, Weight: []int32{-1, 0, 0, -1}, Bias: bundle.Vec{Small: []int64{3, 3}}}, "right"),
		node("right2", tableFrom(0, 0, 1), "minus"), node("other", tableFrom(2, 0, 1), "right"),
		node("sum", &bundle.Add{Weights: []int32{1, 1, 1}}, "left2", "right2", "other"))
	layers, err := lower(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	// left2 and right2 have one mask, other that of its negative.
	if last := layers[len(layers)-1]; len(last.norms) != 1 || last.norms[0].rotated != 4+1 {
		t.Errorf("norms %+v, want a square of 5", last.norms)
	}
}
