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
	want := &bundle.File{Program: p, Golden: g, Encoder: pictures(t, p.Input.Shape, nil, nil), Provenance: bundle.Provenance{Recipe: "residual", Dataset: "none", Seed: 1}}
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

// The golden bundle of schema 3, whose encoder normalizes pixels, stays readable, and
// means the same, forever.
func TestGoldenEncoder(t *testing.T) {
	const path = "testdata/v3.qb"
	p := classifier(3, 2, 2)
	want := &bundle.File{Program: p, Encoder: pictures(t, p.Input.Shape, []float32{0.5, 0.25, 0}, []float32{0.5, 1, 0.25}), Provenance: bundle.Provenance{Recipe: "normalized", Dataset: "none", Seed: 1}}
	sample := []byte{0, 1, 2, 3, 100, 101, 102, 103, 252, 253, 254, 255}
	in, err := want.Sample(sample)
	if err != nil {
		t.Fatal(err)
	}
	if want.Golden, err = bundle.MakeGolden(p, []bundle.Vec{in.Vec()}); err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := want.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	f, err := bundle.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, f, held...); d != "" {
		t.Errorf("%s holds (-want +got):\n%s", path, d)
	}
}
