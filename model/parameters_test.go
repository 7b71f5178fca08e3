package model

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func small() *Network {
	return &Network{Input: []int{1, 4, 4}, Layers: []Layer{
		{Type: Conv, Name: "conv", Channels: 2, Kernel: Both(3)},
		{Type: Polynomial, Name: "poly", Coefficients: []float64{0.25, 0.5, -1.5}},
		{Type: Flatten, Name: "flat"},
		{Type: Dense, Name: "fc", Units: 3},
	}}
}

func initialise(t *testing.T, n *Network, seed uint64) Parameters {
	t.Helper()
	p, err := n.Initialise(seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInitialise(t *testing.T) {
	n := &Network{Input: []int{64}, Layers: []Layer{{Type: Dense, Name: "a", Units: 100}, {Type: Dense, Name: "b", Units: 4}}}
	p := initialise(t, n, 1)
	if !reflect.DeepEqual(p, initialise(t, n, 1)) {
		t.Error("the same seed gives other parameters")
	}
	if reflect.DeepEqual(p, initialise(t, n, 2)) {
		t.Error("another seed gives the same parameters")
	}
	if got, want := p.Count(), 64*100+100+100*4+4; got != want {
		t.Errorf("%d scalars, want %d", got, want)
	}
	for _, c := range []struct {
		name  string
		bound float64
	}{{"a.weight", 1.0 / 8}, {"a.bias", 1.0 / 8}, {"b.weight", 0.1}, {"b.bias", 0.1}} {
		var data []float32
		for _, tensor := range p {
			if tensor.Name == c.name {
				data = tensor.Data
			}
		}
		largest := 0.0
		for _, v := range data {
			largest = max(largest, math.Abs(float64(v)))
		}
		if largest > float64(float32(c.bound)) {
			t.Errorf("%s: %v passes the bound %v", c.name, largest, c.bound)
		}
		// 400 and more uniform draws stay below 0.9 of the bound with
		// probability 0.9^400 < 1e-18.
		if len(data) >= 400 && largest < 0.9*c.bound {
			t.Errorf("%s: largest magnitude %v is far below the bound %v", c.name, largest, c.bound)
		}
	}
}

func TestParametersCheck(t *testing.T) {
	n := small()
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, c := range []struct {
		change func(p Parameters) Parameters
		want   string
	}{
		{func(p Parameters) Parameters { return p[:3] }, "3 parameter tensors, the network has 4"},
		{func(p Parameters) Parameters { p[0], p[2] = p[2], p[0]; return p }, `tensor "fc.weight" of shape [3 8], the network wants "conv.weight"`},
		{func(p Parameters) Parameters { p[1].Shape = []int{1, 2}; return p }, `tensor "conv.bias" of shape [1 2]`},
		{func(p Parameters) Parameters { p[1].Data = p[1].Data[:1]; return p }, `tensor "conv.bias"`},
		{func(p Parameters) Parameters { p[2].Data[7] = nan; return p }, `tensor "fc.weight": element 7 is NaN, not finite`},
		{func(p Parameters) Parameters { p[3].Data[0] = inf; return p }, `tensor "fc.bias": element 0 is -Inf`},
	} {
		if err := c.change(initialise(t, n, 1)).Check(n); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestCloneIsDeep(t *testing.T) {
	p := initialise(t, small(), 1)
	c := p.Clone()
	c[0].Data[0] = 42
	if p[0].Data[0] == 42 {
		t.Error("a change of the clone shows in the original")
	}
}
