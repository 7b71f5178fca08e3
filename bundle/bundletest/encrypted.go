package bundletest

import (
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
)

// Encrypted draws programs and up to 3 samples n times, or as often as the flag
// rapid.checks says, and wants of run the reference's logits. run returns nil for a
// program that its parameters cannot carry, of which there may be one in rarely: 20 is
// 1 of 20, and 0 none. At 100 draws and more, graphs that are no chains must be met, and
// from 150 on every kind of o.
func Encrypted(t *testing.T, n int, o Random, rarely int, run func(t *rapid.T, p *bundle.Program, samples []bundle.Sample) []bundle.Vec) {
	t.Helper()
	programs := Programs(o)
	used := map[bundle.Kind]int{}
	all, refused, graphs := 0, 0, 0
	Check(t, n, func(t *rapid.T) {
		p := programs.Draw(t, "program")
		samples := DrawSamples(p, rapid.IntRange(1, 3).Draw(t, "samples")).Draw(t, "codes")
		all++
		got := run(t, p, samples)
		if got == nil {
			refused++
			return
		}
		r, err := bundle.NewRunner(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range samples {
			want, err := r.Run(s.Vec(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if k := want.FirstDifference(got[i]); k >= 0 {
				t.Fatalf("sample %d, logit %d: want %v, got %v", i, k, want.At(k), got[i].At(k))
			}
		}
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
	})
	t.Logf("%d programs, %d of them graphs, %d refused, %v", all, graphs, refused, used)
	if rarely == 0 && refused > 0 {
		t.Errorf("%d of %d programs were refused", refused, all)
	}
	const enough = 100 // draws, from which the shares of graphs and of refused programs can be judged
	if all >= enough && (graphs == 0 || refused*rarely > all) {
		t.Errorf("%d of %d programs are graphs, and %d were refused", graphs, all, refused)
	}
	const every = 150 // for every operation to be drawn
	for _, k := range o.filled().Kinds {
		if used[k] == 0 && all >= every {
			t.Errorf("no program has the operation %s", k)
		}
	}
}
