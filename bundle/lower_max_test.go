package bundle_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/quant"
)

// A program without its max pools makes the same integers in the tensors of the same
// names, within the same ranges.
func TestLowerMaxPool(t *testing.T) {
	pools := 0
	kinds := []bundle.Kind{
		bundle.KindConv2D, bundle.KindMaxPool, bundle.KindMaxPool, bundle.KindMaxPool, bundle.KindLookupTable, bundle.KindSumPool,
		bundle.KindAdd, bundle.KindConcat, bundle.KindSlice, bundle.KindReshape, bundle.KindDense,
	}
	check(t, 2_000, func(t *rapid.T) {
		p := bundletest.Programs(bundletest.Random{Kinds: kinds, Layers: 5, RangeBits: 14}).Draw(t, "program")
		lowered, origin, err := p.LowerMaxPool()
		if err != nil {
			t.Fatal(err)
		}
		if !p.Uses(bundle.KindMaxPool) {
			if lowered != p {
				t.Fatal("a program without max pools is another")
			}
			return
		}
		pools++
		if lowered.Uses(bundle.KindMaxPool) || len(origin) != len(lowered.Nodes) {
			t.Fatalf("max pools are left, or %d origins of %d nodes", len(origin), len(lowered.Nodes))
		}
		for i, n := range lowered.Nodes {
			from := &p.Nodes[origin[i]]
			if from.Name == n.Name && !from.Range.Equal(n.Range) {
				t.Fatalf("node %q has the range %v, want %v", n.Name, n.Range, from.Range)
			}
			if from.Name != n.Name && from.Kind() != bundle.KindMaxPool {
				t.Fatalf("node %q is made of %q, a %s", n.Name, from.Name, from.Kind())
			}
		}
		for range 3 {
			in := bundletest.Codes(p).Draw(t, "input")
			want := tensors(t, p, in)
			got := tensors(t, lowered, in)
			for name, v := range want {
				if !got[name].Equal(v) {
					t.Fatalf("tensor %q is %v, want %v", name, got[name], v)
				}
			}
		}
	})
	if pools == 0 {
		t.Error("no drawn program has a max pool")
	}
}

// tensors are all that a program makes, by name.
func tensors(t rapid.TB, p *bundle.Program, in bundle.Vec) map[string]bundle.Vec {
	t.Helper()
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bundle.Vec{}
	if _, err := r.Run(in, func(i int, v bundle.Vec) { all[p.Nodes[i].Name] = v }); err != nil {
		t.Fatal(err)
	}
	return all
}

// Rows and columns one behind the other take fewer tables than all places at once.
func TestLowerMaxPoolTables(t *testing.T) {
	for _, c := range []struct {
		kernel, stride bundle.Pair
		want           int // tables' look-ups for 2 pictures of 6 x 6
	}{
		{bundle.Both(1), bundle.Both(1), 0},
		{bundle.Both(1), bundle.Both(2), 0},
		{bundle.Both(2), bundle.Both(2), 2 * 3 * 9},
		{bundle.Both(3), bundle.Both(1), 2 * (2*24 + 2*16)},
		{bundle.Pair{1, 3}, bundle.Both(1), 2 * 2 * 24},
		{bundle.Both(2), bundle.Both(4), 2 * 3 * 4},
	} {
		p := pooled(&bundle.MaxPool{Kernel: c.kernel, Stride: c.stride}, 4)
		lowered, _, err := p.LowerMaxPool()
		if err != nil {
			t.Fatal(err)
		}
		lookups := 0
		for _, n := range lowered.Nodes {
			if n.Kind() == bundle.KindLookupTable {
				lookups += bundle.Size(n.Shape)
			}
		}
		if lookups != c.want {
			t.Errorf("kernel %v, stride %v: %d look-ups, want %d", c.kernel, c.stride, lookups, c.want)
		}
	}
}

func TestLowerMaxPoolRefuses(t *testing.T) {
	p := pooled(&bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}, 16)
	p.Nodes = append([]bundle.Node{{Name: "square", Op: bundle.Square(), Scale: []float64{1}}}, p.Nodes...)
	p.Nodes[1].Scale = []float64{1}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	_, _, err := p.LowerMaxPool()
	if want := `layer "pool": max pool needs a table over the differences [-4294836225, 4294836225]`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// pooled is a max pool on 2 pictures of 6 x 6 with codes of so many bits.
func pooled(op bundle.Op, bits quant.BitWidth) *bundle.Program {
	q := quant.Params{Scale: 1, Bits: bits}
	shape, err := op.OutShape([]int{2, 6, 6})
	if err != nil {
		panic(err)
	}
	p := &bundle.Program{
		Input:  bundle.Input{Shape: []int{2, 6, 6}, Quantizer: q},
		Nodes:  []bundle.Node{{Name: "pool", Op: op, Scale: []float64{1}}, {Name: "flat", Op: &bundle.Reshape{Shape: []int{bundle.Size(shape)}}, Scale: []float64{1}}},
		Labels: make([]string, bundle.Size(shape)),
	}
	if err := p.Prove(); err != nil {
		panic(err)
	}
	return p
}
