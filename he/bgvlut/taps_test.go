package bgvlut

import (
	"context"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

// A stage's units come once each, and a ciphertext is done with after the last
// unit that reads it.
func TestOrder(t *testing.T) {
	b := bundletest.New(3, 1, 1, 6, 6).Add(&bundle.Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{3, 3}, Stride: bundle.Both(1), Weight: slices.Repeat([]int32{1}, 18), Bias: bundle.Vec{Small: make([]int64, 2)}})
	conv := b.RandomTable(1).Add(&bundle.Reshape{Shape: []int{32}}).Done()
	sparse := bundletest.New(4, 1, 30).Narrow(4).Dense(5, 1).RandomTable(1).Done()
	identity := bundletest.New(4, 1, 9).RandomTable(1).Done()
	for name, p := range map[string]*bundle.Program{"convolution": conv, "sparse": sparse, "identity": identity} {
		for copies := 1; copies <= maxCopies; copies++ {
			plan := mustPlan(t, p, insecureCopies(10, copies))
			s := plan.sums(0)
			n := len(s.tables.units)
			if want := (s.stage.between + copies - 1) / copies; n != want {
				t.Errorf("%s: %d units of %d elements, want %d", name, n, s.stage.between, want)
			}
			units, until := s.order()
			if sorted := slices.Sorted(slices.Values(units)); len(sorted) != n || sorted[0] != 0 || len(slices.Compact(sorted)) != n {
				t.Errorf("%s: units %v of %d", name, units, n)
			}
			want := slices.Repeat([]int{-1}, s.stage.inputs)
			for at, u := range units {
				for r := range s.rows {
					in, _ := s.row(u, r)
					for _, i := range in {
						want[i] = at
					}
				}
			}
			if !slices.Equal(until, want) {
				t.Errorf("%s: inputs are needed until %v, want %v", name, until, want)
			}
		}
	}
	// The first row of pixels is needed by the first row of both channels only.
	if _, until := mustPlan(t, conv, insecureOptions(10)).sums(0).order(); until[5] != 2*4-1 {
		t.Errorf("pixel 5 is needed until element %d, want 7", until[5])
	}
}

// Consume gives what Evaluate does, and needs less memory.
func TestInsecureConsume(t *testing.T) {
	ctx := context.Background()
	plan, client, server, samples := roles(t)
	var in ciphertexts
	if err := client.encryptBatch(ctx, samples, newSeeds(), &in, nil); err != nil {
		t.Fatal(err)
	}
	var out ciphertexts
	if err := server.evaluate(ctx, &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	if len(in) != plan.inputs {
		t.Fatalf("%d inputs are left", len(in))
	}
	want, _, err := client.residues(ctx, out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.consume(ctx, &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	got, _, err := client.residues(ctx, out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, func(a, b []uint64) bool { return slices.Equal(a, b) }) || len(in) != 0 {
		t.Errorf("other logits, or %d inputs left", len(in))
	}
}
