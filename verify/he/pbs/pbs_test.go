package pbs

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// testInsecureLiteral is small, quick and not secure.
func testInsecureLiteral() ParametersLiteral {
	return ParametersLiteral{
		LogN: 10, LogQ: 50, Base: 15, Levels: 2,
		Dimension: 64, LogSmallQ: 20, SwitchBase: 4, SwitchLevels: 4,
	}
}

func TestScratch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	_ = rng
	p := &bundle.Program{
		Input:  bundle.Input{Shape: []int{6}, Quantizer: quant.Params{Bits: 2, Scale: 1. / 3}},
		Labels: []string{"a", "b"},
	}
	w := func(n int) []int32 {
		v := make([]int32, n)
		for i := range v {
			v[i] = int32(rng.IntN(3) - 1)
		}
		return v
	}
	p.Nodes = []bundle.Node{
		{Name: "fc1", Op: &bundle.Dense{Units: 5, Inputs: 6, Weight: w(30), Bias: []int64{1, 0, -1, 2, 0}}, Scale: []float64{1}},
		{Name: "sq", Op: bundle.Square(), Scale: []float64{1}},
		{Name: "fc2", Op: &bundle.Dense{Units: 2, Inputs: 5, Weight: w(10), Bias: []int64{1, 0}}, Scale: []float64{1}},
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	l := testInsecureLiteral()
	plan, err := NewPlan(p, Options{Parameters: &l, AllowInsecure: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range plan.Why() {
		t.Log(w)
	}
	c, err := NewClient(plan)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.EvaluationKeys(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(plan, keys)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		image := make([]uint8, 6)
		for i := range image {
			image[i] = uint8(rng.IntN(256))
		}
		in, err := c.Encrypt(image)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Evaluate(context.Background(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, left, err := c.Decrypt(out)
		want, _ := runner.Run(p.Input.Quantize(image), nil)
		t.Log(got, want, left, err)
		if err != nil || !got.Equal(want) {
			t.Error("differs")
		}
	}
	_ = math.Pi
}
