package bundle_test

import (
	"bytes"
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

// check runs a property on n draws, or on a twentieth of them with -short. Draws that
// the command line asks for count instead.
func check(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if before := f.Value.String(); before == f.DefValue {
		if testing.Short() {
			n /= 20
		}
		if err := f.Value.Set(strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(before) }()
	}
	rapid.Check(t, property)
}

// On random graphs over all operations, the interpreter is what the definitions of
// the operations say, nothing leaves its proved interval, and a file brings every
// program back.
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
		b, err := (&bundle.File{Program: p}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		f, err := bundle.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("read back, it encodes to other bytes, %v", err)
		}
	})
	for _, k := range bundletest.Kinds {
		if used[k] == 0 {
			t.Errorf("no drawn program has a %s", k)
		}
	}
	t.Logf("%d graphs; operations %v", graphs, used)
}
