package ptq

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qtool/calibrate"
	"qtool/model"
)

// chain is conv, activation, pool, conv, activation, flatten, dense, activation,
// dense.
func chain(activation model.Layer) *model.Network {
	named := func(name string) model.Layer {
		a := activation
		a.Name = name
		return a
	}
	return &model.Network{Input: []int{2, 6, 6}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv1", Channels: 3, Kernel: model.Both(3), Padding: model.AllSides(1)}, named("act1"),
		{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2)},
		{Type: model.Conv, Name: "conv2", Channels: 4, Kernel: model.Both(2)}, named("act2"),
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 5}, named("act3"),
		{Type: model.Dense, Name: "fc2", Units: 3},
	}}
}

// uneven parameters: channels of very different ranges.
func uneven(t *testing.T, n *model.Network) model.Parameters {
	t.Helper()
	p, err := n.Initialise(7)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(p); i += 2 {
		per := len(p[i].Data) / p[i].Shape[0]
		for o := range p[i].Shape[0] {
			factor := float32(math.Exp2(float64(o%4) - 1.5))
			for k := o * per; k < (o+1)*per; k++ {
				p[i].Data[k] *= factor
			}
		}
	}
	return p
}

func pixels(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.IntN(256)) / 255
	}
	return x
}

// Equalising changes weights, brings ranges together, and leaves the function.
func TestEqualize(t *testing.T) {
	for name, a := range map[string]model.Layer{
		"relu": {Type: model.ReLU}, "square": {Type: model.Square},
		"cube": {Type: model.Polynomial, Coefficients: []float64{0, 0, 0, -0.5}},
	} {
		n := chain(a)
		p := uneven(t, n)
		before := p.Clone()
		q, skipped, err := Equalize(n, p)
		if err != nil || len(skipped) > 0 {
			t.Fatalf("%s: %v, skipped %v", name, err, skipped)
		}
		for i := range p {
			for k := range p[i].Data {
				if p[i].Data[k] != before[i].Data[k] {
					t.Fatalf("%s: the given parameters were changed", name)
				}
			}
		}
		pairs, _ := homogeneousPairs(n)
		if len(pairs) != 3 {
			t.Fatalf("%s: pairs %v", name, pairs)
		}
		// The factors were up to sixteen apart; the last visit found them equal.
		first, last := newEqualizer(n, p), newEqualizer(n, q)
		for _, pr := range pairs {
			if from, to := first.equalize(pr), last.equalize(pr); from < 0.1 || to > 2e-3 {
				t.Errorf("%s: pair %v: factors differ by exp(%v), before exp(%v)", name, pr, to, from)
			}
		}
		for seed := range uint64(20) {
			x := pixels(seed, 72)
			want, err := n.Forward(p, x)
			if err != nil {
				t.Fatal(err)
			}
			got, err := n.Forward(q, x)
			if err != nil {
				t.Fatal(err)
			}
			largest := 0.0
			for _, v := range want[len(want)-1] {
				largest = max(largest, math.Abs(v))
			}
			for k, v := range want[len(want)-1] {
				if d := math.Abs(got[len(got)-1][k] - v); d > 1e-5*largest {
					t.Errorf("%s: logit %d is %v, was %v", name, k, got[len(got)-1][k], v)
				}
			}
		}
	}
}

// A channel without weights on one side is left alone.
func TestEqualizeDeadChannels(t *testing.T) {
	n := &model.Network{Input: []int{2}, Layers: []model.Layer{
		{Type: model.Dense, Name: "fc1", Units: 3}, {Type: model.Square, Name: "square"}, {Type: model.Dense, Name: "fc2", Units: 2},
	}}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	p[0].Data[0], p[0].Data[1] = 0, 0 // channel 0 reads nothing
	p[2].Data[1], p[2].Data[4] = 0, 0 // channel 1 is not read
	q, _, err := Equalize(n, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{0, 1, 2, 3} {
		if p[0].Data[k] != q[0].Data[k] {
			t.Errorf("weight %d of a dead channel is %v, was %v", k, q[0].Data[k], p[0].Data[k])
		}
	}
}

// What is no power is left alone, and named.
func TestEqualizeSkips(t *testing.T) {
	n := chain(model.Layer{Type: model.ReLU})
	n.Layers[4].Type = model.Sigmoid
	p := uneven(t, n)
	q, skipped, err := Equalize(n, p)
	if err != nil || len(skipped) != 1 || skipped[0] != `between "conv2" and "fc1", layer "act2" (sigmoid) is not positively homogeneous` {
		t.Errorf("skipped %v, %v", skipped, err)
	}
	if q[0].Data[0] == p[0].Data[0] {
		t.Error("the first pair was not equalised")
	}
	c := config()
	c.Weights.PerChannel = false
	for _, test := range []struct {
		n          *model.Network
		perChannel bool
		want       string
	}{
		{n, false, ""},
		{n, true, "equalize: weights.per_channel gives every channel a scale already"},
		{chain(model.Layer{Type: model.Tanh}), false, `equalize: no two layers can be equalised: between "conv1" and "conv2", layer "act1" (tanh) is not positively homogeneous`},
		{chain(model.Layer{Type: model.Polynomial, Coefficients: []float64{0, 1, 1}}), false, `layer "act1" (polynomial) is not`},
		{chain(model.Layer{Type: model.Polynomial, Coefficients: []float64{0, 0, 1}}), false, ""},
		{chain(model.Layer{Type: model.Polynomial, Coefficients: []float64{0, 0, 1}, Trainable: true}), false, `layer "act1" (polynomial) is not`},
		{chain(model.Layer{Type: model.Polynomial, Approximates: model.ReLU, Degree: 2, Method: "minimax", Percentile: 99}), false, `layer "act1" (polynomial) is not`},
		{chain(model.Layer{Type: model.Polynomial, Coefficients: append(make([]float64, 15), 1)}), false, ""},
		{&model.Network{Input: []int{2}, Layers: n.Layers[len(n.Layers)-1:]}, false, "equalize: there is one layer with weights"},
	} {
		c.Weights.PerChannel = test.perChannel
		err := Options{Equalize: true}.Check(test.n, c)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
		if err := (Options{}).Check(test.n, calibrate.Config{}); err != nil {
			t.Error(err)
		}
	}
}

// A batch norm that a table keeps has an offset, so nothing is equalised over it,
// and its tensors stay; one that will be folded is no obstacle.
func TestEqualizeBatchNorm(t *testing.T) {
	dense := func(name string) model.Layer { return model.Layer{Type: model.Dense, Name: name, Units: 3} }
	n := &model.Network{Input: []int{3}, Layers: []model.Layer{
		dense("fc1"), {Type: model.BatchNorm, Name: "bn"}, {Type: model.ReLU, Name: "relu"},
		dense("fc2"), {Type: model.ReLU, Name: "relu2"}, dense("fc3"),
	}}
	p, err := n.Initialise(3)
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Get("bn.mean"), []float32{0.5, -0.25, 0.125})
	copy(p.Get("bn.variance"), []float32{2, 3, 4})
	q, skipped, err := Equalize(n, p)
	if err != nil || len(skipped) != 1 || skipped[0] != `between "fc1" and "fc2", layer "bn" (batchnorm) is not positively homogeneous` {
		t.Fatalf("skipped %v, %v", skipped, err)
	}
	for _, part := range []string{".weight", ".bias", ".mean", ".variance"} {
		if !slices.Equal(q.Get("bn"+part), p.Get("bn"+part)) {
			t.Errorf("bn%s is %v, was %v", part, q.Get("bn"+part), p.Get("bn"+part))
		}
	}
	if slices.Equal(q.Get("fc3.weight"), p.Get("fc3.weight")) {
		t.Error("the second pair was not equalised")
	}
	x := []float32{0.25, 0.5, 1}
	before, err := n.Forward(p, x)
	if err != nil {
		t.Fatal(err)
	}
	after, err := n.Forward(q, x)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range before[5] {
		if got := after[5][k]; math.Abs(got-want) > 1e-6 { // weights are rounded to float32
			t.Errorf("logit %d is %v, was %v", k, got, want)
		}
	}
	n.Layers[2].Type, n.Layers[4].Type = model.Square, model.Square
	if pairs, skipped := homogeneousPairs(n); len(pairs) != 2 || skipped != nil {
		t.Errorf("pairs %v, skipped %v", pairs, skipped)
	}
}

// Two activations in a row multiply their degrees, up to a limit.
func TestHomogeneousDegree(t *testing.T) {
	layers := []model.Layer{{Type: model.Dense, Name: "a", Units: 2}}
	for range 6 {
		layers = append(layers, model.Layer{Type: model.Square, Name: "s" + string(rune('0'+len(layers)))})
	}
	n := &model.Network{Input: []int{2}, Layers: append(layers, model.Layer{Type: model.Dense, Name: "b", Units: 2})}
	if pairs, skipped := homogeneousPairs(n); len(pairs) != 1 || pairs[0].degree != 64 || skipped != nil {
		t.Errorf("pairs %v, skipped %v", pairs, skipped)
	}
	layers = append(layers, model.Layer{Type: model.Square, Name: "one-more"})
	n.Layers = append(layers, model.Layer{Type: model.Dense, Name: "b", Units: 2})
	if pairs, skipped := homogeneousPairs(n); len(pairs) != 0 || len(skipped) != 1 || !strings.Contains(skipped[0], `up to layer "one-more" have degree 128 together, the limit is 64`) {
		t.Errorf("pairs %v, skipped %v", pairs, skipped)
	}
}
