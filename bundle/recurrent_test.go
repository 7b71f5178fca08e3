package bundle_test

import (
	"errors"
	"flag"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/quant"
)

var small = lstmtest.Shape{Steps: 3, Inputs: 5, Hidden: 4}

func programs(t rapid.TB) *rapid.Generator[*bundle.Program] {
	return rapid.Custom(func(t *rapid.T) *bundle.Program {
		s := lstmtest.Shape{Steps: rapid.IntRange(1, 6).Draw(t, "steps"), Inputs: rapid.IntRange(1, 6).Draw(t, "inputs"), Hidden: rapid.IntRange(1, 5).Draw(t, "hidden")}
		seed := rapid.Uint64().Draw(t, "seed")
		if rapid.Bool().Draw(t, "table") {
			return lstmtest.Table(s, 60, seed)
		}
		return lstmtest.Polynomial(s, seed, lstmtest.Variant{})
	})
}

func wide(v bundle.Vec) []*big.Int {
	all := make([]*big.Int, v.Len())
	for i := range all {
		all[i] = v.At(i)
	}
	return all
}

func TestRecurrentIsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := programs(t).Draw(t, "program")
		loop := p.Nodes[0].Op.(*bundle.Recurrent)
		r, err := bundle.NewRunner(p)
		if err != nil {
			t.Fatal(err)
		}
		bytes := rapid.OneOf(rapid.Uint8(), rapid.SampledFrom([]uint8{0, 128, 255}))
		n := p.Input.Shape[0] * p.Input.Shape[1]
		in := p.Input.Quantize(rapid.SliceOfN(bytes, n, n).Draw(t, "input"))
		var got bundle.Vec
		steps := 0
		_, err = r.RunRecurrent(in, func(node int, out bundle.Vec) {
			if node == 0 {
				got = out
			}
		}, func(node, step, body int, out bundle.Vec) {
			if node != 0 || step != steps/len(loop.Body) || body != steps%len(loop.Body) {
				t.Fatalf("visit %d is node %d, step %d, body node %d", steps, node, step, body)
			}
			steps++
		})
		if errors.Is(err, bundle.ErrDomain) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want := bundletest.Naive(p, wide(in))[0]
		if !got.Equal(bundle.NewVec(want)) || steps != loop.Steps*len(loop.Body) {
			t.Fatalf("%v after %d visits, want %v", got, steps, want)
		}
	})
}

func TestRecurrentFile(t *testing.T) {
	for name, p := range map[string]*bundle.Program{"table": lstmtest.Table(small, 60, 1), "polynomial": lstmtest.Polynomial(small, 1, lstmtest.Variant{})} {
		b, err := file(t, p).Encode()
		if err != nil {
			t.Fatal(err)
		}
		f, err := bundle.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(p, f.Program, cmp.Comparer(func(a, b bundle.Vec) bool { return a.Equal(b) }), cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); d != "" {
			t.Errorf("%s holds (-want +got):\n%s", name, d)
		}
	}
}

func file(t testing.TB, p *bundle.Program) *bundle.File {
	t.Helper()
	g, err := bundle.MakeGolden(p, []bundle.Vec{lstmtest.Sequences(p, 1, 1)[0].Vec()})
	if err != nil {
		t.Fatal(err)
	}
	return &bundle.File{Program: p, Golden: g}
}

// The golden bundle with a Recurrent stays readable, and means the same, forever.
func TestGoldenRecurrent(t *testing.T) {
	const path = "testdata/v1-recurrent.qb"
	want, err := file(t, lstmtest.Table(small, 60, 1)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Decode(got); err != nil {
		t.Error(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s is encoded otherwise now", path)
	}
}

// The declared ranges of states are proved to be closed, and a wrong one is
// refused.
func TestRecurrentRefuses(t *testing.T) {
	body := func(r *bundle.Recurrent, name string) *bundle.Node {
		for i := range r.Body {
			if r.Body[i].Name == name {
				return &r.Body[i]
			}
		}
		t.Fatalf("no body node %q", name)
		return nil
	}
	for name, c := range map[string]struct {
		change func(p *bundle.Program, r *bundle.Recurrent)
		want   string
	}{
		"steps":       {func(_ *bundle.Program, r *bundle.Recurrent) { r.Steps = 4 }, `layer "lstm": recurrent of 4 steps on shape [3 5]`},
		"no steps":    {func(p *bundle.Program, r *bundle.Recurrent) { r.Steps, p.Input.Shape = 0, []int{0, 5} }, "input: shape [0 5]"},
		"state":       {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[1].Range = bundle.NewRange(-7, 6) }, `state "c": its next value has the range [-7, 7], outside the declared [-7, 6]`},
		"wide state":  {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[1].Range = bundle.NewRange(-7, 8) }, `body node "c1": element 0: its table covers [-54, 54] after a shift by 0, not the static bound`},
		"wider state": {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Range = bundle.NewRange(-70, 70) }, `body node "i": element 0: its table covers`},
		"zero":        {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Range = bundle.NewRange(1, 7) }, `state "h": range [1, 7] must hold 0`},
		"no range":    {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Range = bundle.Range{} }, "must hold 0"},
		"size":        {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Size = 3 }, `body node "zi": dense of 9 inputs on shape [8]`},
		"huge state":  {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Size = 1 << 40 }, `state "h" has 1099511627776 elements`},
		"scale":       {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Scale = []float64{0} }, `state "h": scale 0 is not finite`},
		"output":      {func(_ *bundle.Program, r *bundle.Recurrent) { r.Output = "zi" }, `output "zi" is not a state`},
		"next":        {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Next = "sun" }, `state "h": no tensor "sun"`},
		"next size":   {func(_ *bundle.Program, r *bundle.Recurrent) { r.States[0].Next = "x" }, `state "h": next "x" has 5 elements, want 4`},
		"order":       {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "zi").Inputs = []string{"x", "zf"} }, `body node "zi": no tensor "zf" above it`},
		"twice":       {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "zf").Name = "zi" }, `body node "zi": name "zi" is empty, reserved or used twice`},
		"reserved":    {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "zf").Name = "x" }, `name "x" is empty, reserved`},
		"no inputs":   {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "zf").Inputs = nil }, `body node "zf": 0 inputs`},
		"odd":         {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "ig").Inputs = []string{"x"} }, `body node "ig": mul on shape [5]`},
		"parts": {func(_ *bundle.Program, r *bundle.Recurrent) {
			body(r, "sum").Op = &bundle.Add{Weights: []int32{1, 1, 1}}
		}, `body node "sum": add of 3 weights on shape [8]`},
		"table":  {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "u").Op.(*bundle.LookupTable).Tables[0].Lo++ }, `body node "u": element 0: its table covers [-6, 8]`},
		"nested": {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "u").Op = r }, `operation "Recurrent" has no place`},
		"conv":   {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "u").Op = &bundle.SumPool{} }, `operation "SumPool" has no place`},
		"domain": {func(_ *bundle.Program, r *bundle.Recurrent) { body(r, "u").Op = &bundle.Domain{Lo: 1, Hi: 0} }, "domain [1, 0] is empty"},
		"terms": {func(p *bundle.Program, r *bundle.Recurrent) {
			r.Steps, p.Input.Shape = bundle.MaxSteps+1, []int{bundle.MaxSteps + 1, 5}
		}, "want 1..4096"},
		"elements": {func(p *bundle.Program, r *bundle.Recurrent) {
			r.Steps, p.Input.Shape = bundle.MaxSteps, []int{bundle.MaxSteps, 5}
			wideBody(r)
		}, "bring the program above"},
	} {
		p := lstmtest.Table(small, 60, 1)
		c.change(p, p.Nodes[0].Op.(*bundle.Recurrent))
		if err := p.Prove(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// wideBody appends a node of many elements.
func wideBody(r *bundle.Recurrent) {
	n := bundle.Node{Inputs: []string{"x"}}
	n.Name, n.Op = "wide", &bundle.Dense{Units: 2000, Inputs: 5, Weight: make([]int32, 10000), Bias: bundle.Vec{Small: make([]int64, 2000)}}
	r.Body = append(r.Body, n)
}

// An input that leads a value out of its domain is an error that names the step.
func TestDomainIsChecked(t *testing.T) {
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{2, 1}, Quantizer: quant.Params{Scale: float32(1) / 255, Bits: 8}},
		Nodes: []bundle.Node{{Name: "loop", Scale: []float64{1}, Op: &bundle.Recurrent{
			Steps: 2, Output: "s", States: []bundle.State{{Name: "s", Size: 1, Scale: []float64{1}, Range: bundle.NewRange(0, 300), Next: "in"}},
			Body: []bundle.Node{
				{Name: "sum", Op: &bundle.Add{Weights: []int32{1, 1}}, Scale: []float64{1}, Inputs: []string{"x", "s"}},
				{Name: "in", Op: &bundle.Domain{Lo: 0, Hi: 300}, Scale: []float64{1}, Inputs: []string{"sum"}},
			},
		}}},
		Labels: []string{"sum"},
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := r.Run(p.Input.Quantize([]uint8{255, 45}), nil); err != nil || out.Small[0] != 300 {
		t.Errorf("%v, %v", out, err)
	}
	const want = `layer "loop": step 2, body node "in": element 0 is 301, outside [0, 300]: value outside its domain`
	if _, err := r.Run(p.Input.Quantize([]uint8{255, 46}), nil); !errors.Is(err, bundle.ErrDomain) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// Rounded products are within 1 of the exact ones over 2^Shift, and within their
// static bounds.
func TestMulRounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SampledFrom([]quant.BitWidth{1, 2, 4, 8}).Draw(t, "bits")
		m := &bundle.Mul{Shift: uint8(rapid.IntRange(0, 9).Draw(t, "shift"))}
		p := &bundle.Program{
			Input: bundle.Input{Shape: []int{1, 2}, Quantizer: quant.Params{Scale: 1 / float32(int(1)<<bits-1), ZeroPoint: int32(rapid.IntRange(0, 1<<bits-1).Draw(t, "zero point")), Bits: bits}},
			Nodes: []bundle.Node{{Name: "loop", Scale: []float64{1}, Op: &bundle.Recurrent{
				Steps: 1, Output: "s", States: []bundle.State{{Name: "s", Size: 1, Scale: []float64{1}, Range: bundle.NewRange(-1<<16, 1<<16), Next: "m"}},
				Body: []bundle.Node{{Name: "m", Op: m, Scale: []float64{1}, Inputs: []string{"x"}}},
			}}},
			Labels: []string{"product"},
		}
		if err := p.Prove(); err != nil {
			t.Fatal(err)
		}
		r, err := bundle.NewRunner(p)
		if err != nil {
			t.Fatal(err)
		}
		in := p.Input.Quantize([]uint8{rapid.Uint8().Draw(t, "x"), rapid.Uint8().Draw(t, "y")})
		out, err := r.Run(in, nil) // checks the range
		if err != nil {
			t.Fatal(err)
		}
		exact := float64(in.Small[0]*in.Small[1]) / float64(int(1)<<m.Shift)
		if got := float64(out.Small[0]); got-exact > 1 || exact-got > 1 || m.Shift == 0 && got != exact {
			t.Fatalf("%v * %v / 2^%d is %v", in.Small[0], in.Small[1], m.Shift, got)
		}
	})
}
