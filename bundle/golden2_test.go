package bundle_test

import (
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/bundle"
)

// The golden bundle of schema 2, a graph, stays readable, and means the same, forever.
func TestGoldenGraph(t *testing.T) {
	const path = "testdata/v2.qb"
	p := residual()
	in := func(seed int) bundle.Vec {
		v := make([]int64, 24)
		for i := range v {
			v[i] = int64((i*i+seed)%8) - 1
		}
		return bundle.Vec{Small: v}
	}
	g, err := bundle.MakeGolden(p, []bundle.Vec{in(0), in(3)})
	if err != nil {
		t.Fatal(err)
	}
	want := &bundle.File{Program: p, Golden: g, Provenance: bundle.Provenance{Recipe: "residual", Dataset: "none", Seed: 1}}
	if flag.Lookup("update").Value.String() == "true" {
		if err := want.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := bundle.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, f, held...); d != "" {
		t.Errorf("%s holds (-want +got):\n%s", path, d)
	}
	if again, err := f.Encode(); err != nil || !slices.Equal(again, b) {
		t.Errorf("%s is encoded otherwise now, %v", path, err)
	}
}
