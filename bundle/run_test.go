package bundle_test

import (
	"math/big"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
)

func runner(t rapid.TB, p *bundle.Program) *bundle.Runner {
	t.Helper()
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunIsNaive(t *testing.T) {
	big64 := 0
	rapid.Check(t, func(t *rapid.T) {
		p := bundle.GenProgram(t)
		in := bundle.GenInput(t, p)
		want := bundletest.Naive(p, wide(in))
		node := 0
		got, err := runner(t, p).Run(in, func(i int, out bundle.Vec) {
			if i != node {
				t.Fatalf("visited node %d, want %d", i, node)
			}
			node++
			if !out.Equal(bundle.Vec{Big: want[i]}) {
				t.Fatalf("node %d is %v, want %v", i, wide(out), want[i])
			}
			if out.Big != nil {
				big64++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if last := want[len(want)-1]; node != len(p.Nodes) || !got.Equal(bundle.Vec{Big: last}) {
			t.Fatalf("logits %v after %d nodes, want %v", wide(got), node, last)
		}
	})
	if big64 == 0 {
		t.Error("no drawn program left int64")
	}
}

// adversaries are the inputs that stretch a first linear layer: everything at an
// end of the grid, and for every row the ends by the weights' signs.
func adversaries(p *bundle.Program) []bundle.Vec {
	lo, hi := bundle.Grid(p)
	n := bundle.Size(p.Input.Shape)
	fill := func(v int64) []int64 {
		x := make([]int64, n)
		for i := range x {
			x[i] = v
		}
		return x
	}
	all := []bundle.Vec{{Small: fill(lo)}, {Small: fill(hi)}}
	linear, ok := p.Nodes[0].Op.(bundle.Linear)
	if !ok {
		return all
	}
	rows := linear.Rows(p.Input.Shape)
	for o := range rows.Outputs() {
		up, down := fill(lo), fill(hi)
		in, w := rows.Row(o)
		for k, i := range in {
			if w[k] > 0 {
				up[i], down[i] = hi, lo
			}
			if w[k] < 0 {
				up[i], down[i] = lo, hi
			}
		}
		all = append(all, bundle.Vec{Small: up}, bundle.Vec{Small: down})
	}
	return all
}

func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := bundle.GenProgram(t)
		bounds, err := p.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range append(adversaries(p), bundle.GenInput(t, p)) {
			for i, out := range bundletest.Naive(p, wide(in)) {
				if at, ok := bounds[i].Contains(bundle.Vec{Big: out}); !ok {
					t.Fatalf("node %d, element %d is %v, bounds [%v, %v]", i, at, out[at], bounds[i].Lo.At(at), bounds[i].Hi.At(at))
				}
				if r := bundle.RangeOf(bundle.Vec{Big: out}); r.Union(p.Nodes[i].Range).String() != p.Nodes[i].Range.String() {
					t.Fatalf("node %d takes %v, outside its range %v", i, r, p.Nodes[i].Range)
				}
			}
		}
	})
}

// Every bound of a first linear layer is attained by the input that matches the
// row's signs: the proof is not merely safe, it is exact.
func TestFirstLayerBoundsAreAttained(t *testing.T) {
	checked := 0
	rapid.Check(t, func(t *rapid.T) {
		p := bundle.GenProgram(t)
		if _, ok := p.Nodes[0].Op.(bundle.Linear); !ok {
			return
		}
		bounds, err := p.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		for o := range bounds[0].Lo.Len() {
			var lo, hi *big.Int
			for _, in := range adversaries(p) {
				y := bundletest.Naive(p, wide(in))[0][o]
				if lo == nil || y.Cmp(lo) < 0 {
					lo = y
				}
				if hi == nil || y.Cmp(hi) > 0 {
					hi = y
				}
			}
			if lo.Cmp(bounds[0].Lo.At(o)) != 0 || hi.Cmp(bounds[0].Hi.At(o)) != 0 {
				t.Fatalf("row %d attains [%v, %v], proved [%v, %v]", o, lo, hi, bounds[0].Lo.At(o), bounds[0].Hi.At(o))
			}
			checked++
		}
	})
	if checked == 0 {
		t.Error("no drawn program began with a linear layer")
	}
}

func TestRunRefusesInput(t *testing.T) {
	p := bundle.TinyProgram()
	r := runner(t, p)
	for _, c := range []struct {
		in   []int64
		want string
	}{
		{[]int64{0, 0, 0, 0, 0, 0, 0, 0, 14}, "input element 8 is 14, outside the quantizer's grid"},
		{[]int64{-3, 0, 0, 0, 0, 0, 0, 0, 0}, "input element 0 is -3, outside"},
		{[]int64{0}, "input has 1 elements, the program takes 9"},
		{make([]int64, 10), "input has 10 elements, the program takes 9"},
		{nil, "input has 0 elements"},
	} {
		if _, err := r.Run(bundle.Vec{Small: c.in}, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestRunnerIsConcurrent(t *testing.T) {
	p := bundle.TinyProgram()
	r := runner(t, p)
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			in := make([]int64, 9)
			for i := range in {
				in[i] = int64((i*k)%14 - 2)
			}
			want := bundletest.Naive(p, wide(bundle.Vec{Small: in}))
			for range 50 {
				got, err := r.Run(bundle.Vec{Small: in}, nil)
				if err != nil || !got.Equal(bundle.Vec{Big: want[len(want)-1]}) {
					t.Errorf("got %v, %v, want %v", got, err, want[len(want)-1])
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestArgmax(t *testing.T) {
	for _, c := range []struct {
		scale []float64
		q     []int64
		want  int
	}{
		{[]float64{1}, []int64{1, 3, 2}, 1},
		{[]float64{-1}, []int64{1, 3, 2}, 0},
		{[]float64{1, 1, 10}, []int64{1, 3, 2}, 2},
		{[]float64{1}, []int64{2, 2, 1}, 0}, // a tie
		{[]float64{1}, []int64{-5, -3, -4}, 1},
	} {
		n := &bundle.Node{Scale: c.scale}
		if got := n.Argmax(bundle.Vec{Small: c.q}); got != c.want {
			t.Errorf("argmax of %v at scales %v is %d, want %d", c.q, c.scale, got, c.want)
		}
	}
}
