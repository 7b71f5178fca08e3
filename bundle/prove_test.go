package bundle_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/quant"
)

// attained runs every input of a program of few small inputs and fails the test where
// an element does not attain its bounds.
func attained(t *rapid.T, p *bundle.Program, names ...string) {
	bounds, err := p.Bounds()
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := map[string][]*big.Int{}, map[string][]*big.Int{}
	q := p.Input.Quantizer
	n := bundle.Size(p.Input.Shape)
	in := make([]*big.Int, n)
	var every func(i int)
	every = func(i int) {
		if i < n {
			for v := q.QMin() - q.ZeroPoint; v <= q.QMax()-q.ZeroPoint; v++ {
				in[i] = big.NewInt(int64(v))
				every(i + 1)
			}
			return
		}
		for k, v := range bundletest.Naive(p, in) {
			name := p.Nodes[k].Name
			if lo[name] == nil {
				lo[name], hi[name] = append([]*big.Int(nil), v...), append([]*big.Int(nil), v...)
			}
			for e, x := range v {
				if x.Cmp(lo[name][e]) < 0 {
					lo[name][e] = x
				}
				if x.Cmp(hi[name][e]) > 0 {
					hi[name][e] = x
				}
			}
		}
	}
	every(0)
	for k := range p.Nodes {
		for _, name := range names {
			if p.Nodes[k].Name != name {
				continue
			}
			if !bounds[k].Lo.Equal(bundle.NewVec(lo[name])) || !bounds[k].Hi.Equal(bundle.NewVec(hi[name])) {
				t.Fatalf("tensor %q attains %v to %v, proved %v to %v", name, lo[name], hi[name], bounds[k].Lo, bounds[k].Hi)
			}
		}
	}
}

// The bounds of every operation that joins or selects are attained, be the joined
// tensors independent or one and the same.
func TestBoundsOfJoinsAreAttained(t *testing.T) {
	weight := rapid.Int32Range(-4, 4)
	check(t, 40, func(t *rapid.T) {
		bits := rapid.IntRange(1, 2).Draw(t, "bits")
		q := quant.Params{Scale: 1, Bits: quant.BitWidth(bits)}
		q.ZeroPoint = rapid.Int32Range(0, q.QMax()).Draw(t, "zero point")
		w := [2]int32{weight.Filter(func(w int32) bool { return w != 0 }).Draw(t, "weight"), weight.Draw(t, "weight")}
		shift := uint8(rapid.IntRange(0, 4).Draw(t, "shift"))
		// Elements 0, 1 and 2, 3 of the input are independent. The scales of what
		// only integers matter of are left out.
		p := &bundle.Program{
			Input: bundle.Input{Shape: []int{4, 1, 1}, Quantizer: q},
			Nodes: []bundle.Node{
				{Name: "x", Op: &bundle.Slice{From: 0, To: 2}, Scale: []float64{1}},
				{Name: "y", Op: &bundle.Slice{From: 2, To: 4}, Inputs: []string{"input"}, Scale: []float64{1}},
				{Name: "sum", Op: &bundle.Add{Weights: w[:]}, Inputs: []string{"x", "y"}},
				{Name: "product", Op: &bundle.Mul{Shift: shift}, Inputs: []string{"x", "y"}},
				{Name: "square", Op: &bundle.Mul{Shift: shift}, Inputs: []string{"x", "x"}},
				{Name: "twice", Op: &bundle.Add{Weights: []int32{w[0], 1, w[1]}}, Inputs: []string{"x", "y", "x"}},
				{Name: "nothing", Op: &bundle.Add{Weights: []int32{1, -1}}, Inputs: []string{"y", "y"}},
				{Name: "shift", Op: &bundle.Shift{Bits: 1}, Inputs: []string{"x"}},
				{Name: "difference", Op: &bundle.Add{Weights: []int32{1, -1}}, Inputs: []string{"x", "y"}},
				{Name: "above", Op: &bundle.LookupTable{Tables: []bundle.Table{{Lo: -3, Values: []int32{0, 0, 0, 0, 1, 2, 3}}}}},
				{Name: "max", Op: &bundle.Add{Weights: []int32{1, 1}}, Inputs: []string{"above", "y"}},
				{Name: "row", Op: &bundle.Reshape{Shape: []int{1, 2, 2}}, Inputs: []string{"input"}, Scale: []float64{1}},
				{Name: "pooled", Op: &bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(1), Padding: bundle.Sides{1, 0, 0, 1}}, Scale: []float64{1}},
				{Name: "columns", Op: &bundle.Reshape{Shape: []int{2, 2, 1}}, Scale: []float64{1}},
				{Name: "picked", Op: &bundle.Slice{From: 0, To: 1}, Scale: []float64{1}},
				{Name: "pictures", Op: &bundle.Reshape{Shape: []int{2, 1, 1}}},
				{Name: "all", Op: &bundle.Concat{}, Inputs: []string{"sum", "product", "square", "twice", "nothing", "shift", "max", "pictures"}},
				{Name: "flat", Op: &bundle.Reshape{Shape: []int{16}}, Scale: []float64{1}},
			},
			Labels: make([]string, 16),
		}
		if err := p.Prove(); err != nil {
			t.Fatal(err)
		}
		exact := []string{"sum", "square", "twice", "nothing", "shift", "max", "pooled", "all"}
		attained(t, p, append(exact, "product")...)
	})
}

// Of anything but relu(a-b), the sum with b keeps the interval of a sum.
func TestOnlyReluIsAMaximum(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bundle.Program)
		lo, hi int64
	}{
		"maximum":        {func(*bundle.Program) {}, 0, 3},
		"another table":  {func(p *bundle.Program) { at(p, "above").Op.(*bundle.LookupTable).Tables[0].Values[0] = 1 }, 0, 6},
		"a shift":        {func(p *bundle.Program) { at(p, "above").Op.(*bundle.LookupTable).Shift = 1 }, 0, 5},
		"another tensor": {func(p *bundle.Program) { at(p, "max").Inputs[0] = "x" }, 0, 6},
		"a weight":       {func(p *bundle.Program) { at(p, "max").Op.(*bundle.Add).Weights[0] = 2 }, 0, 9},
		"a sum":          {func(p *bundle.Program) { at(p, "difference").Op.(*bundle.Add).Weights[0] = -1 }, 0, 3},
	} {
		p := &bundle.Program{
			Input: bundle.Input{Shape: []int{2}, Quantizer: quant.Params{Scale: 1, Bits: 2}},
			Nodes: []bundle.Node{
				{Name: "x", Op: &bundle.Slice{From: 0, To: 1}},
				{Name: "y", Op: &bundle.Slice{From: 1, To: 2}, Inputs: []string{"input"}},
				{Name: "difference", Op: &bundle.Add{Weights: []int32{1, -1}}, Inputs: []string{"x", "y"}},
				{Name: "above", Op: &bundle.LookupTable{Tables: []bundle.Table{{Lo: -6, Values: []int32{0, 0, 0, 0, 0, 0, 0, 1, 2, 3}}}}},
				{Name: "max", Op: &bundle.Add{Weights: []int32{1, 1}}, Inputs: []string{"y", "above"}},
			},
			Labels: []string{"max"},
		}
		c.change(p)
		if err := p.Prove(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got, want := p.Output().Range, bundle.NewRange(c.lo, c.hi); !got.Equal(want) {
			t.Errorf("%s: range %v, want %v", name, got, want)
		}
	}
}
