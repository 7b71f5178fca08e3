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

func images(n int) [][]uint8 {
	all := make([][]uint8, n)
	for i := range all {
		all[i] = []uint8{uint8(i), uint8(3 * i)}
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
			r, err := e.Run(context.Background(), images(n), func(s he.Step) {
				if s.Phase != "evaluate" || s.Total != n {
					t.Errorf("step %+v of %d images", s, n)
				}
				done = append(done, s.Done)
			})
			if err != nil || r.Answers.Len() != n {
				t.Fatalf("%d answers for %d images, %v", r.Answers.Len(), n, err)
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
	all := images(255)
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
	if err := e.Visit(ctx, all, func(int, int, bundle.Vec) { t.Error("visited") }); !errors.Is(err, context.Canceled) {
		t.Errorf("visit: %v", err)
	}
}

func TestWrongImage(t *testing.T) {
	e := executor(t)
	all := images(200)
	all[130] = []uint8{1}
	r, err := e.Run(context.Background(), all, nil)
	if want := "verify: image 130 has 1 values, the program takes shape [2]"; r != nil || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, %v, want an error with %q", r, err, want)
	}
	seen := 0
	err = e.Visit(context.Background(), all, func(image, node int, _ bundle.Vec) {
		if image != seen/2 || node != seen%2 {
			t.Errorf("visited node %d of image %d, the %dth", node, image, seen)
		}
		seen++
	})
	if err == nil || seen != 2*130 {
		t.Errorf("%d visits, %v", seen, err)
	}
}

func TestNewChecks(t *testing.T) {
	p := program(t)
	p.Nodes[0].Range = bundle.NewRange(0, 1)
	if _, err := New(p); err == nil || !strings.Contains(err.Error(), `layer "fc": range [0, 1], proved [0, 510]`) {
		t.Errorf("error %v", err)
	}
}
