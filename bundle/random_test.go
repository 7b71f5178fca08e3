package bundle_test

import (
	"math/big"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

// check is bundletest.Check, with -short on a twentieth of n draws, but on 500 of more.
func check(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	if testing.Short() {
		n = min(n, max(n/20, 500)) // enough for every operation to be drawn
	}
	bundletest.Check(t, n, property)
}

// On random graphs over all operations, the interpreter is what the definitions of
// the operations say, and nothing leaves its static bound.
func TestRandomPrograms(t *testing.T) {
	used := map[bundle.Kind]int{}
	graphs := 0
	check(t, 10_000, func(t *rapid.T) {
		p := bundletest.Programs(bundletest.Random{}).Draw(t, "program")
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		if !g.Chain() {
			graphs++
		}
		for i := range p.Nodes {
			used[p.Nodes[i].Kind()]++
		}
		bounds, err := p.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		r, err := bundle.NewRunner(p)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			in := bundletest.Codes(p).Draw(t, "input")
			want := bundletest.Naive(p, wide(in))
			node := 0
			out, err := r.Run(in, func(i int, v bundle.Vec) {
				if i != node || !v.Equal(bundle.NewVec(want[i])) {
					t.Fatalf("visit %d: node %d, %q, is %v, want %v", node, i, p.Nodes[i].Name, v, want[i])
				}
				if at, ok := bounds[i].Contains(v); !ok {
					t.Fatalf("node %q, element %d is %v, outside its bounds", p.Nodes[i].Name, at, v.At(at))
				}
				node++
			})
			if err != nil {
				t.Fatal(err)
			}
			if node != len(p.Nodes) || !out.Equal(bundle.NewVec(want[node-1])) {
				t.Fatalf("output %v after %d visits, want %v", out, node, want[len(want)-1])
			}
		}
	})
	for _, k := range bundletest.Kinds {
		if used[k] == 0 {
			t.Errorf("no drawn program has a %s", k)
		}
	}
	if graphs == 0 {
		t.Error("all drawn programs are chains")
	}
}

// A file brings every program back, byte for byte.
func TestRandomProgramFiles(t *testing.T) {
	check(t, 200, func(t *rapid.T) {
		p := bundletest.Programs(bundletest.Random{}).Draw(t, "program")
		f := &bundle.File{Program: p}
		if rapid.Bool().Draw(t, "golden") {
			var err error
			if f.Golden, err = bundle.MakeGolden(p, []bundle.Vec{bundletest.Codes(p).Draw(t, "input")}); err != nil {
				t.Fatal(err)
			}
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := bundle.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(f, got, held...); d != "" {
			t.Fatalf("read back (-want +got):\n%s", d)
		}
	})
}

// held compares files by the integers that they hold.
var held = []cmp.Option{
	sameEncoder,
	cmp.Comparer(func(a, b bundle.Range) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b bundle.Vec) bool { return a.Equal(b) }),
	cmpopts.EquateEmpty(),
}

// The rows of every linear operation, on the concatenation of its inputs, are the
// operation.
func TestRowsAreTheOperation(t *testing.T) {
	used := map[bundle.Kind]int{}
	check(t, 1_000, func(t *rapid.T) {
		p := bundletest.Programs(bundletest.Random{}).Draw(t, "program")
		g, err := p.Graph()
		if err != nil {
			t.Fatal(err)
		}
		in := wide(bundletest.Codes(p).Draw(t, "input"))
		all := append([][]*big.Int{in}, bundletest.Naive(p, in)...)
		for i := range p.Nodes {
			op, ok := p.Nodes[i].Op.(bundle.Linear)
			if !ok {
				continue
			}
			used[p.Nodes[i].Kind()]++
			rows := op.Rows(p.InShapes(i)...)
			var x []*big.Int
			for _, k := range g.Inputs[i] {
				x = append(x, all[k]...)
			}
			if rows.Inputs != len(x) || rows.Outputs() != len(all[i+1]) {
				t.Fatalf("node %q has rows of %d inputs and %d outputs, want %d and %d", p.Nodes[i].Name, rows.Inputs, rows.Outputs(), len(x), len(all[i+1]))
			}
			for o, want := range all[i+1] {
				sum := rows.Bias.At(o)
				at, w := rows.Row(o)
				for k, j := range at {
					sum.Add(sum, new(big.Int).Mul(big.NewInt(int64(w[k])), x[j]))
				}
				if sum.Cmp(want) != 0 {
					t.Fatalf("row %d of node %q gives %v, want %v", o, p.Nodes[i].Name, sum, want)
				}
			}
		}
	})
	for _, k := range []bundle.Kind{bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindAdd, bundle.KindConcat, bundle.KindSlice} {
		if used[k] == 0 {
			t.Errorf("no drawn program has a %s", k)
		}
	}
}

// Programs of some operations, or chains, are just that, whatever a back end asks for.
func TestRandomProgramsOfKinds(t *testing.T) {
	for name, o := range map[string]bundletest.Random{
		"chain":      {Chain: true},
		"polynomial": {Kinds: []bundle.Kind{bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial, bundle.KindReshape}, Chain: true},
		"graph":      {Kinds: []bundle.Kind{bundle.KindDense, bundle.KindConv2D, bundle.KindAdd, bundle.KindMul, bundle.KindReshape, bundle.KindConcat}, RangeBits: 20},
		"joins":      {Kinds: []bundle.Kind{bundle.KindDense, bundle.KindConv2D, bundle.KindAdd, bundle.KindMul, bundle.KindReshape}},
	} {
		graphs := 0
		s := bundle.Support{Backend: name, Kinds: o.Kinds, Graphs: !o.Chain}
		if s.Kinds == nil {
			s.Kinds = slices.DeleteFunc(slices.Clone(bundletest.Kinds), func(k bundle.Kind) bool { return k == bundle.KindMul })
		}
		check(t, 300, func(t *rapid.T) {
			p := bundletest.Programs(o).Draw(t, "program")
			if err := s.Check(p); err != nil {
				t.Fatal(err)
			}
			if g, err := p.Graph(); err != nil || !g.Chain() {
				graphs++
			}
			if o.RangeBits == 0 {
				return
			}
			for i := range p.Nodes {
				if n := &p.Nodes[i]; n.Range.Bits() > o.RangeBits {
					t.Fatalf("node %q has a range of %d bits", n.Name, n.Range.Bits())
				}
			}
		})
		if (graphs > 0) == o.Chain {
			t.Errorf("%s: %d graphs", name, graphs)
		}
	}
}
