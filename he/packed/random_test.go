package packed

import (
	"errors"
	"flag"
	"math"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

// carriedKinds are the operations that packed ciphertexts carry.
var carriedKinds = []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial,
	bundle.KindAdd, bundle.KindMul, bundle.KindConcat, bundle.KindSlice, bundle.KindReshape,
}

// check runs a property on n draws, a fifth of them with -short and five times as many
// where QTOOL_LONG is set, which takes about a minute. Draws that the command line asks
// for count instead.
func check(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if before := f.Value.String(); before == f.DefValue {
		switch {
		case os.Getenv("QTOOL_LONG") != "":
			n *= 5
		case testing.Short():
			n /= 5
		}
		if err := f.Value.Set(strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(before) }()
	}
	rapid.Check(t, property)
}

// programs are graphs that packed ciphertexts carry.
func programs() *rapid.Generator[*bundle.Program] {
	return bundletest.Programs(bundletest.Random{Kinds: carriedKinds, Degree: 2, Exact: true})
}

// On random graphs packed-bgv gives the program's integers, and packed-ckks stays
// within its bound.
func TestInsecureRandomPrograms(t *testing.T) {
	used, graphs := map[bundle.Kind]int{}, 0
	check(t, 60, func(t *rapid.T) {
		p := programs().Draw(t, "program")
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
		images := bundletest.Images(p, 2).Draw(t, "images")
		logN := rapid.IntRange(8, 10).Draw(t, "log N")
		runner, err := bundle.NewRunner(p)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := NewPlan(t.Context(), p, insecure(logN))
		if err != nil {
			t.Fatal(err)
		}
		reals, err := NewExecutor(p, plan).Run(t.Context(), images, nil)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := NewExactPlan(t.Context(), p, insecure(logN))
		if err != nil {
			t.Fatal(err)
		}
		integers, err := NewExactExecutor(p, exact).Run(t.Context(), images, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, image := range images {
			want, err := runner.Run(p.Input.Quantize(image), nil)
			if err != nil {
				t.Fatal(err)
			}
			if k := want.FirstDifference(integers.Logits[i]); k >= 0 {
				t.Fatalf("image %d, output %d is %v, want %v", i, k, integers.Logits[i].At(k), want.At(k))
			}
			for o, x := range reals.Reals[i] {
				if off := math.Abs(x - want.Float(o)); !(off <= reals.Bound[o]) {
					t.Fatalf("image %d, output %d is %g, want %v: off by %.3g, the bound is %.3g", i, o, x, want.At(o), off, reals.Bound[o])
				}
			}
		}
		if predicted := exact.left[len(exact.left)-1]; integers.NoiseBitsLeft < max(minBudget, predicted) {
			t.Fatalf("%.1f bits of noise budget left, %.1f are predicted", integers.NoiseBitsLeft, predicted)
		}
	})
	t.Logf("%d programs are no chains; %v", graphs, used)
	if graphs == 0 {
		t.Error("all programs are chains")
	}
	for _, k := range carriedKinds {
		if used[k] == 0 && !testing.Short() {
			t.Errorf("no program uses %s", k)
		}
	}
}

// A program with anything else is refused by name before any work.
func TestGraphsRefused(t *testing.T) {
	refused := map[bundle.Kind]int{}
	check(t, 300, func(t *rapid.T) {
		p := bundletest.Programs(bundletest.Random{Degree: 2}).Draw(t, "program")
		why := bundle.Kind("")
		for i := range p.Nodes {
			switch op := p.Nodes[i].Op.(type) {
			case *bundle.MaxPool, *bundle.LookupTable, *bundle.Shift, *bundle.Recurrent:
				why = p.Nodes[i].Kind()
			case *bundle.Mul:
				if op.Shift > 0 {
					why = p.Nodes[i].Kind()
				}
			}
		}
		if why == "" {
			return
		}
		refused[why]++
		_, err := NewPlan(t.Context(), p, insecure(10))
		_, exact := NewExactPlan(t.Context(), p, insecure(10))
		for _, err := range []error{err, exact} {
			if !errors.Is(err, ErrOperation) {
				t.Fatalf("a program with %s: %v", why, err)
			}
		}
	})
	if len(refused) < 5 && !testing.Short() {
		t.Errorf("only programs with %v were drawn", refused)
	}
}
