package integer

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/quant"
)

// program answers with the byte itself, its square behind a dense layer, and the
// sum of both pixels.
func program(t *testing.T) *bundle.Program {
	t.Helper()
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{2}, Quantizer: quant.Params{Scale: float32(1) / 255, Bits: 8}},
		Nodes: []bundle.Node{
			{Name: "fc", Op: &bundle.Dense{Units: 2, Inputs: 2, Weight: []int32{1, 0, 1, 1}, Bias: bundle.Vec{Small: []int64{0, 0}}}, Scale: []float64{1}, Bits: 8},
			{Name: "poly", Op: &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{0, 0, 1}}, {Small: []int64{0, 1}}}}, Scale: []float64{1}},
		},
		Labels: []string{"square", "sum"},
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	return p
}

func executor(t *testing.T) *Executor {
	t.Helper()
	e, err := New(program(t))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// samples are n of two bytes each, i and 3i.
func samples(n int) []bundle.Sample {
	all := make([]bundle.Sample, n)
	for i := range all {
		all[i] = bundle.Sample{int32(uint8(i)), int32(uint8(3 * i))}
	}
	return all
}

func TestRunKeepsOrder(t *testing.T) {
	var _ he.Executor = (*Executor)(nil)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	e := executor(t)
	for _, cores := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(cores)
		for _, n := range []int{0, 1, 64, 65, 255} {
			var done []int
			r, err := e.Run(context.Background(), samples(n), func(s he.Step) {
				if s.Phase != "evaluate" || s.Total != n {
					t.Errorf("step %+v of %d samples", s, n)
				}
				done = append(done, s.Done)
			})
			if err != nil || r.Answers.Len() != n {
				t.Fatalf("%d answers for %d samples, %v", r.Answers.Len(), n, err)
			}
			for i, v := range r.Answers.(he.Exact) {
				a, b := int64(i), int64(uint8(3*i))
				if !v.Equal(bundle.Vec{Small: []int64{a * a, a + b}}) {
					t.Errorf("%d cores, image %d of %d: %v", cores, i, n, v)
				}
			}
			for k := 1; k < len(done); k++ {
				if done[k] <= done[k-1] {
					t.Errorf("progress %v", done)
				}
			}
			if n > 0 && (len(done) == 0 || done[len(done)-1] != n) {
				t.Errorf("progress %v ends before %d", done, n)
			}
		}
	}
	if e.Backend().Name != "integer" || e.Backend().SecurityBits != 0 {
		t.Errorf("backend %+v", e.Backend())
	}
}

func TestRunIsCancelled(t *testing.T) {
	e := executor(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	steps := 0
	all := samples(255)
	for range 6 {
		all = append(all, all...)
	}
	r, err := e.Run(ctx, all, func(he.Step) {
		steps++
		cancel()
	})
	if r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", r, err)
	}
	if most := runtime.GOMAXPROCS(0); steps > most {
		t.Errorf("%d steps after the cancellation, want at most one a core, %d", steps, most)
	}
}

func TestWrongSample(t *testing.T) {
	e := executor(t)
	for want, wrong := range map[string]bundle.Sample{
		"verify: sample 130 has 1 values, the program takes shape [2]": {1},
		"verify: sample 130: code 256 of element 1 is outside 0..255":  {255, 256},
		"verify: sample 130: code -1 of element 0 is outside 0..255":   {-1, 0},
		"verify: sample 130 has 3 values, the program takes shape [2]": {1, 2, 3},
	} {
		all := samples(200)
		all[130] = wrong
		r, err := e.Run(context.Background(), all, nil)
		if r != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want an error with %q", r, err, want)
		}
	}
}

func TestNewChecks(t *testing.T) {
	p := program(t)
	p.Nodes[0].Range = bundle.NewRange(0, 1)
	if _, err := New(p); err == nil || !strings.Contains(err.Error(), `layer "fc": range [0, 1], static bound [0, 510]`) {
		t.Errorf("error %v", err)
	}
}
