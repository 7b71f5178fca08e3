package model

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qtool/quant"
)

func TestMeet(t *testing.T) {
	for _, c := range []struct {
		scales  [][]float64
		weights []float64
		out     []float64
	}{
		{[][]float64{{0.5}, {0.5}}, []float64{1, 1}, []float64{0.5}},
		{[][]float64{{0.1}, {0.1 / 7}}, []float64{7, 1}, []float64{0.1 / 7}},
		{[][]float64{{0.3}, {0.2}}, []float64{3, 2}, []float64{0.1}},
		{[][]float64{{0.25}, {-0.75}}, []float64{1, -3}, []float64{0.25}},
		{[][]float64{{0.1}, {0.1 / 1048575}, {0.3}}, []float64{1048575, 1, 3145725}, []float64{0.1 / 1048575}},
		{[][]float64{{2, 4}, {1, 2}}, []float64{2, 1}, []float64{1, 2}},
		{[][]float64{{2}, {1, 1}}, []float64{2, 1}, []float64{1, 1}},
	} {
		weights, out, _, _, ok := meet(c.scales)
		if !ok || !slices.Equal(weights, c.weights) {
			t.Errorf("%v meet with %v at %v, %v", c.scales, weights, out, ok)
			continue
		}
		for k := range out {
			if math.Abs(out[k]/c.out[k]-1) > 0x1p-50 {
				t.Errorf("%v meet at %v, want %v", c.scales, out, c.out)
			}
		}
	}
	for _, scales := range [][][]float64{{{1}, {math.Sqrt2}}, {{1}, {1 + 1e-9}}, {{1, 2}, {1, 1}}, {{1}, {3}, {math.Pi}}, {{0.1}, {1e18}}} {
		if weights, out, _, _, ok := meet(scales); ok {
			t.Errorf("%v meet with %v at %v", scales, weights, out)
		}
	}
}

// The scales that a tie allows: the nearest stays where it is when it is asked for
// again, rounded to float32 as it is, no ratio is off by more than the step between
// two neighbouring multiples, and the smallest above a bound is above it.
func TestMultiples(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		tie := &Tie{target: []float64{math.Exp(20*r.Float64() - 10)}, inScale: math.Exp(10*r.Float64() - 5)}
		if r.IntN(2) == 0 {
			tie.steps = []pathStep{{0, 1 / float64(1+r.IntN(9)), 1}, {0, r.Float64() + 0.1, 1 + r.IntN(3)}}
		}
		from := []float32{float32(math.Exp(20*r.Float64() - 15))}
		near, err := tie.Nearest(from)
		if err != nil {
			t.Fatal(err)
		}
		again, err := tie.Nearest(near)
		if err != nil || again[0] != near[0] {
			t.Fatalf("%+v: nearest to %v is %v, to that %v (%v)", tie, from, near, again, err)
		}
		was, _ := tie.ratio(from, false)
		is, _ := tie.ratio(near, false)
		if q := math.Max(was/is, is/was); q > math.Sqrt2*(1+1e-6) {
			t.Fatalf("%+v: nearest to %v is %v, a ratio of %v", tie, from, near, q)
		}
		above, err := tie.AtLeast(from)
		if err != nil || float64(above[0]) < float64(from[0])*(1-0x1p-21) || above[0] < near[0] && above[0] < from[0] {
			t.Fatalf("%+v: at least %v is %v, the nearest %v (%v)", tie, from, above, near, err)
		}
		if on, err := tie.AtLeast(above); err != nil || on[0] != above[0] {
			t.Fatalf("%+v: at least %v is %v (%v)", tie, above, on, err)
		}
		if k := math.Abs(math.Log2(was)); k > 50 {
			continue // whole numbers end at 2^53
		}
		var declared []float64
		out, err := tie.out(above, func(_ int, magnitudes []float64) { declared = magnitudes })
		if err != nil {
			t.Fatal(err)
		}
		if declared == nil {
			declared = out
		}
		if _, _, _, _, ok := meet([][]float64{tie.target, declared}); !ok {
			t.Fatalf("%+v: %v does not meet it", tie, declared)
		}
	}
}

// quantizedGraph is n with 4-bit weights chosen by minmax, and 4-bit tables.
func quantizedGraph(t *testing.T, n *Network) (*Quantized, []LayerScaling, error) {
	t.Helper()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	q := &Quantized{Network: n, Params: p, Input: quant.Params{Scale: 1. / 15, Bits: 4}}
	for _, l := range n.Layers {
		if l.Weighted() {
			q.Weights = append(q.Weights, WeightQuantizer{Layer: l.Name, Bits: 4})
		}
		if l.LookupTable() {
			q.Activations = append(q.Activations, ActivationQuantizer{Layer: l.Name, Params: quant.Params{Scale: 0.07, Bits: 4}})
		}
	}
	scaling, err := q.Calibrate(func(o Observation) ([]float32, error) {
		most := float32(0)
		for _, w := range o.Folded {
			most = max(most, w, -w)
		}
		return []float32{most / 7}, nil
	}, true)
	return q, scaling, err
}

// Whatever lies between a free scale and a sum, it meets, the scales stored alone
// give the same scaling again, and the sum's integers stand for the sum of the reals.
func TestTies(t *testing.T) {
	const end = "\n- {type: flatten, name: flat}\n- {type: dense, name: fc, units: 2}"
	for layers, tied := range map[string][]string{
		"- {type: conv, name: a, channels: 2, kernel: 1}\n- {type: square, name: s}\n- {type: conv, name: b, channels: 2, kernel: 1}\n- {type: add, name: sum, from: [b, s]}":                                                                                                          {"b"},
		"- {type: conv, name: a, channels: 2, kernel: 1}\n- {type: square, name: s}\n- {type: conv, name: b, channels: 2, kernel: 1}\n- {type: square, name: u}\n- {type: avgpool, name: p, kernel: 3, padding: same, stride: 1}\n- {type: add, name: sum, from: [p, s]}":              {"b"},
		"- {type: conv, name: a, channels: 1, kernel: 1}\n- {type: add, name: sum, from: [input, a]}":                                                                                                                                                                                  {"a"},
		"- {type: conv, name: a, channels: 2, kernel: 1}\n- {type: conv, name: b, channels: 2, kernel: 1, from: input}\n- {type: conv, name: c, channels: 2, kernel: 1}\n- {type: add, name: sum, from: [a, b, c]}":                                                                    {"b", "c"},
		"- {type: conv, name: a, channels: 1, kernel: 1}\n- {type: conv, name: b, channels: 1, kernel: 1}\n- {type: concat, name: both, from: [a, b]}\n- {type: concat, name: twice, from: [input, input]}\n- {type: add, name: sum, from: [both, twice]}":                             {"a", "b"},
		"- {type: conv, name: a, channels: 2, kernel: 1}\n- {type: relu, name: r}\n- {type: conv, name: b, channels: 2, kernel: 1}\n- {type: tanh, name: h}\n- {type: add, name: sum, from: [h, r]}":                                                                                   {"h"},
		"- {type: conv, name: a, channels: 2, kernel: 1}\n- {type: conv, name: b, channels: 2, kernel: 1, from: input}\n- {type: square, name: s}\n- {type: add, name: sum, from: [a, s]}\n- {type: conv, name: c, channels: 2, kernel: 1}\n- {type: add, name: sum2, from: [c, sum]}": {"b", "c"},
	} {
		n := &Network{Input: []int{1, 6, 6}, Layers: layersOf(t, layers+end)}
		q, scaling, err := quantizedGraph(t, n)
		if err != nil {
			t.Errorf("%s: %v", layers, err)
			continue
		}
		is, err := n.Tied()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, l := range n.Layers {
			if is[i] {
				names = append(names, l.Name)
			}
		}
		if !slices.Equal(names, tied) {
			t.Errorf("%s: tied are %v, want %v", layers, names, tied)
		}
		again, err := q.Scaling()
		if err != nil {
			t.Errorf("%s: %v", layers, err)
			continue
		}
		sources, _ := n.Sources()
		for i, l := range n.Layers {
			if !slices.Equal(again[i].Out, scaling[i].Out) || !slices.Equal(again[i].Weights, scaling[i].Weights) {
				t.Errorf("%s: layer %q has the scale %v and weights %v, chosen were %v and %v", layers, l.Name, again[i].Out, again[i].Weights, scaling[i].Out, scaling[i].Weights)
			}
			if l.Type != Add {
				continue
			}
			for k, from := range sources[i] {
				in := float64(q.Input.Scale)
				if from != Input {
					in = scaling[from].Out[0]
				}
				if got := scaling[i].Weights[k] * scaling[i].Out[0]; math.Abs(got/in-1) > 0x1p-50 {
					t.Errorf("%s: input %d of %q has the scale %v, its weight makes it %v", layers, k, l.Name, in, got)
				}
			}
		}
	}
}

func TestScalesThatCannotMeet(t *testing.T) {
	const end = "\n- {type: flatten, name: flat}\n- {type: dense, name: fc, units: 2}"
	for layers, want := range map[string]string{
		"- {type: square, name: s}\n- {type: add, name: sum, from: [s, input]}":                                              `layer "sum" (add): "s" has the scale 0.00444444 and "input" the scale 0.0666667`,
		"- {type: conv, name: a, channels: 2, kernel: 1}\n- {type: square, name: s}\n- {type: add, name: sum, from: [s, a]}": `layer "sum" (add): "s" has the scale`,
	} {
		_, _, err := quantizedGraph(t, &Network{Input: []int{1, 6, 6}, Layers: layersOf(t, layers+end)})
		if !errors.Is(err, ErrScales) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "kernel 1 does") {
			t.Errorf("%s: error %v, want one with %q", layers, err, want)
		}
	}
	// A scale that does not meet is refused where it is read, not moved.
	n := &Network{Input: []int{1, 6, 6}, Layers: layersOf(t, "- {type: conv, name: a, channels: 1, kernel: 1}\n- {type: add, name: sum, from: [input, a]}"+end)}
	q, _, err := quantizedGraph(t, n)
	if err != nil {
		t.Fatal(err)
	}
	q.Weights[0].Scales[0] *= 1.001
	if _, err := q.Scaling(); !errors.Is(err, ErrScales) || !strings.Contains(err.Error(), `layer "a" (conv)`) {
		t.Errorf("error %v", err)
	}
	q.Weights[0].Scales[0] /= 1.001
	falling := &Network{Input: []int{1, 6, 6}, Layers: layersOf(t, "- {type: polynomial, name: p, coefficients: [0, 0, -1]}\n- {type: maxpool, name: m, kernel: 2}"+end)}
	if _, _, err := quantizedGraph(t, falling); err == nil || !strings.Contains(err.Error(), `layer "m" (maxpool): it reads the scale -0.00444444`) {
		t.Errorf("error %v", err)
	}
}
