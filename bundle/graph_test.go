package bundle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// residual is a program with a branch and a join of every kind: input, a, b = a,
// sum = 3 a + 2 b, product = sum a, both = [sum, product], part of it, and the
// logits.
func residual() *bundle.Program {
	dense := func(units, inputs int) *bundle.Dense {
		w := make([]int32, units*inputs)
		for i := range w {
			w[i] = int32(i%5 - 2)
		}
		return &bundle.Dense{Units: units, Inputs: inputs, Weight: w, Bias: bundle.Vec{Small: make([]int64, units)}}
	}
	conv := &bundle.Conv2D{
		Outputs: 4, Channels: 2, Groups: 2, Kernel: bundle.Pair{1, 2}, Stride: bundle.Pair{1, 2}, Padding: bundle.Sides{0, 1, 0, 2}, Dilation: bundle.Pair{1, 2},
		Weight: []int32{1, -2, 3, 1, 0, 7, -7, 2}, Bias: bundle.Vec{Small: []int64{1, 2, 3, -4}},
	}
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{2, 3, 4}, Quantizer: quant.Params{Scale: 0.25, ZeroPoint: 1, Bits: 3}},
		Nodes: []bundle.Node{
			{Name: "a", Op: conv, Scale: []float64{1.5}, Bits: 4},
			{Name: "b", Op: &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{1, 1}}}}, Scale: []float64{1}},
			{Name: "sum", Op: &bundle.Add{Weights: []int32{3, 2}}, Inputs: []string{"a", "b"}, Scale: []float64{0.5}},
			{Name: "product", Op: &bundle.Mul{Shift: 1}, Inputs: []string{"sum", "a"}, Scale: []float64{1.5}},
			{Name: "both", Op: &bundle.Concat{}, Inputs: []string{"sum", "product"}, Scale: []float64{0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 1.5, 1.5}},
			{Name: "part", Op: &bundle.Slice{From: 2, To: 6}, Scale: []float64{0.5, 0.5, 1.5, 1.5}},
			{Name: "shift", Op: &bundle.Shift{Bits: 2}, Scale: []float64{2, 2, 6, 6}},
			{Name: "max", Op: &bundle.MaxPool{Kernel: bundle.Pair{3, 2}, Stride: bundle.Pair{2, 1}, Padding: bundle.Sides{1, 0, 1, 1}}, Scale: []float64{2, 2, 6, 6}},
			{Name: "pool", Op: &bundle.SumPool{Kernel: bundle.Pair{2, 1}, Stride: bundle.Both(1), Padding: bundle.Sides{0, 0, 1, 0}}, Scale: []float64{1}},
			{Name: "flat", Op: &bundle.Reshape{Shape: []int{24}}, Scale: []float64{1}},
			{Name: "fc", Op: dense(3, 24), Scale: []float64{0.5}, Bits: 4},
		},
		Labels: []string{"no", "yes", "maybe"},
	}
	if err := p.Prove(); err != nil {
		panic(err)
	}
	for i := range p.Nodes {
		p.Nodes[i].Seen = p.Nodes[i].Range
	}
	return p
}

// at is a node by its name.
func at(p *bundle.Program, name string) *bundle.Node {
	return &p.Nodes[slices.IndexFunc(p.Nodes, func(n bundle.Node) bool { return n.Name == name })]
}

func TestGraph(t *testing.T) {
	p := residual()
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]int{{0}, {1}, {1, 2}, {3, 1}, {3, 4}, {5}, {6}, {7}, {8}, {9}, {10}}; !slices.EqualFunc(g.Inputs, want, slices.Equal) {
		t.Errorf("inputs %v, want %v", g.Inputs, want)
	}
	if want := []int{0, 3, 2, 4, 4, 5, 6, 7, 8, 9, 10, 11}; !slices.Equal(g.LastUse, want) {
		t.Errorf("last uses %v, want %v", g.LastUse, want)
	}
	if r := g.Readers(1); !slices.Equal(r, []int{1, 2, 3}) || g.Chain() {
		t.Errorf("tensor 1 is read by %v; a chain: %v", r, g.Chain())
	}
	if got := p.InShapes(4); len(got) != 2 || !slices.Equal(got[1], []int{4, 3, 3}) {
		t.Errorf("concat reads shapes %v", got)
	}
	if in := p.ListedInputs(2); !slices.Equal(in, []string{"a", "b"}) || p.ListedInputs(1) != nil {
		t.Errorf("listed inputs %v and %v", in, p.ListedInputs(1))
	}
	p.Nodes[1].Inputs = []string{"a"}
	if in := p.ListedInputs(1); in != nil {
		t.Errorf("listed inputs %v of a node that reads the one before it", in)
	}
}

// A program with a fault in its graph, its shapes or its scales is refused, by name
// and with the limit.
func TestGraphErrors(t *testing.T) {
	node := func(name string, change func(*bundle.Node)) func(*bundle.Program) {
		return func(p *bundle.Program) { change(at(p, name)) }
	}
	inputs := func(name string, in ...string) func(*bundle.Program) {
		return node(name, func(n *bundle.Node) { n.Inputs = in })
	}
	op := func(name string, op bundle.Op) func(*bundle.Program) {
		return node(name, func(n *bundle.Node) { n.Op = op })
	}
	scale := func(name string, s ...float64) func(*bundle.Program) {
		return node(name, func(n *bundle.Node) { n.Scale = s })
	}
	conv := func(change func(*bundle.Conv2D)) func(*bundle.Program) {
		return node("a", func(n *bundle.Node) { change(n.Op.(*bundle.Conv2D)) })
	}
	for name, c := range map[string]struct {
		change func(*bundle.Program)
		want   string
	}{
		"unknown input":   {inputs("sum", "a", "moon"), `layer "sum": input "moon" is neither a layer nor "input"`},
		"empty input":     {inputs("sum", "a", ""), `layer "sum": input "" is neither a layer nor`},
		"cycle":           {inputs("b", "product"), `layer "b": input "product" is a layer below it: a cycle, or layers out of order`},
		"itself":          {inputs("b", "b"), `layer "b": it reads itself: a cycle`},
		"many inputs":     {inputs("both", slices.Repeat([]string{"a"}, 65)...), `layer "both": 65 inputs, want 1..64`},
		"name":            {node("b", func(n *bundle.Node) { n.Name = "a" }), `layer 1: name "a" is empty, reserved or used twice`},
		"unread":          {inputs("both", "sum", "sum"), `layer "product": no layer reads it, and the output is the last layer, "fc"`},
		"one input":       {inputs("sum", "a"), `layer "sum": operation Add on 1 inputs, want 2`},
		"three inputs":    {inputs("product", "sum", "a", "a"), `layer "product": operation Mul on 3 inputs, want 2`},
		"two inputs":      {inputs("fc", "flat", "flat"), `layer "fc": operation Dense on 2 inputs, want 1`},
		"no weights":      {node("sum", func(n *bundle.Node) { n.Op, n.Inputs = &bundle.Add{}, nil }), `layer "sum": add of no weights`},
		"many weights":    {op("sum", &bundle.Add{Weights: make([]int32, 65)}), `layer "sum": operation Add of 65 weights: want 1..64`},
		"shapes of a sum": {inputs("sum", "a", "input"), `layer "sum": input 0 has the shape [4 3 3] and input 1 [2 3 4]: want one shape`},
		"of a product":    {inputs("product", "sum", "input"), `layer "product": input 0 has the shape [4 3 3] and input 1 [2 3 4]: want one shape`},
		"of a concat":     {inputs("both", "sum", "product", "input"), `layer "both": concat of shapes [4 3 3] and, as input 2, [2 3 4]: only the first dimension may differ`},
		"slice":           {op("part", &bundle.Slice{From: 2, To: 9}), `layer "part": slice 2..9 of shape [8 3 3]`},
		"empty slice":     {op("part", &bundle.Slice{From: 2, To: 2}), `layer "part": slice 2..2 of shape`},
		"shift":           {op("product", &bundle.Mul{Shift: 33}), `layer "product": shift 33 passes the limit of 32`},
		"domain":          {op("shift", &bundle.Domain{Lo: -100, Hi: 100}), `layer "shift": operation "Domain" has its place in the body of a Recurrent`},
		"groups":          {conv(func(c *bundle.Conv2D) { c.Groups = 3 }), `layer "a": groups 3 do not divide 2 input channels and 4 outputs`},
		"negative groups": {conv(func(c *bundle.Conv2D) { c.Groups = -2 }), `layer "a": groups -2 do not divide`},
		"outputs":         {conv(func(c *bundle.Conv2D) { c.Outputs = 3 }), `layer "a": groups 2 do not divide 2 input channels and 3 outputs`},
		"dilation":        {conv(func(c *bundle.Conv2D) { c.Dilation[1] = -1 }), `layer "a": dilation -1 is outside 1..`},
		"wide dilation":   {conv(func(c *bundle.Conv2D) { c.Dilation[1] = 7 }), `layer "a": kernel 2 does not fit the padded input size 7: with dilation 7 it covers 8`},
		"padding":         {conv(func(c *bundle.Conv2D) { c.Padding[3] = 3 }), `layer "a": padding 3 is outside 0..2 of kernel 2, dilation 2`},
		"padding of rows": {conv(func(c *bundle.Conv2D) { c.Padding[0] = 1 }), `layer "a": padding 1 is outside 0..0 of kernel 1`},
		"max padding":     {op("max", &bundle.MaxPool{Kernel: bundle.Pair{3, 2}, Stride: bundle.Both(1), Padding: bundle.Around(2)}), `layer "max": padding 2 is outside 0..1 of kernel 2`},
		"max of flat":     {op("fc", &bundle.MaxPool{Kernel: bundle.Both(1), Stride: bundle.Both(1)}), `layer "fc": pool on shape [24], want [channels, height, width]`},
		"scale of a sum":  {scale("b", 1.25), `layer "sum": channel 0 of its input "b" has the scale 1.25, which its weight 2 and its own scale 0.5 do not meet: want 1`},
		"sign of a scale": {scale("b", -1), `layer "sum": channel 0 of its input "b" has the scale -1, which its weight 2`},
		"channel's scale": {scale("b", 1, 1, 1, 1.0000001), `layer "sum": channel 3 of its input "b" has the scale 1.0000001`},
		"of no channel":   {scale("b", 1, 1), `layer "sum": tensor "b": 2 scales for 4 channels`},
		"weight 0":        {op("sum", &bundle.Add{Weights: []int32{3, 0}}), `layer "sum": channel 0 of its input "b" has the scale 1, which its weight 0`},
		"of a product's":  {scale("product", 0.75), `layer "product": its scale 0.75 does not meet the scale 0.5 of channel 0 of its input "sum": want 1.5`},
		"of a concat's":   {scale("both", 0.5), `layer "both": its scale 0.5 does not meet the scale 1.5 of channel 0 of its input "product": want 1.5`},
		"of a slice's":    {scale("part", 0.5), `layer "part": its scale 0.5 does not meet the scale 1.5 of channel 4 of its input "both": want 1.5`},
		"of a shift's":    {scale("shift", 2), `layer "shift": its scale 2 does not meet the scale 1.5 of channel 2 of its input "part": want 6`},
		"of a max's":      {scale("max", 2), `layer "max": its scale 2 does not meet the scale 6 of channel 2`},
		"logits": {func(p *bundle.Program) {
			p.Nodes = append(p.Nodes, bundle.Node{Name: "after", Op: &bundle.Dense{Units: 3, Inputs: 24, Weight: make([]int32, 72), Bias: bundle.Vec{Small: make([]int64, 3)}}, Inputs: []string{"flat"}, Scale: []float64{1}})
		}, `layer "fc": no layer reads it, and the output is the last layer, "after"`},
	} {
		p := residual()
		c.change(p)
		err := p.Prove()
		if err == nil || !strings.HasPrefix(err.Error(), "bundle: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if r, err := bundle.NewRunner(p); err == nil || r != nil {
			t.Errorf("%s: a runner", name)
		}
	}
}

// The largest integer of negative scales is the smallest real.
func TestMaxPoolOfNegativeScale(t *testing.T) {
	p := pooled(&bundle.MaxPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}, 4)
	p.Nodes = append([]bundle.Node{{Name: "minus", Op: &bundle.Polynomial{Coeffs: []bundle.Vec{{Small: []int64{0, -1}}}}, Scale: []float64{-1}}}, p.Nodes...)
	p.Nodes[1].Scale = []float64{-1}
	const want = `layer "pool": channel 0 of its input "minus" has the scale -1: want a positive one`
	if err := p.Prove(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// Scales that differ by float64's rounding meet, and no others.
func TestScalesMeetWithinRounding(t *testing.T) {
	dense := func(name string, scale float64) bundle.Node {
		return bundle.Node{Name: name, Op: &bundle.Dense{Units: 1, Inputs: 1, Weight: []int32{1}, Bias: bundle.Vec{Small: []int64{0}}}, Inputs: []string{"input"}, Scale: []float64{scale}}
	}
	program := func(x, y, sum float64) *bundle.Program {
		return &bundle.Program{
			Input:  bundle.Input{Shape: []int{1}, Quantizer: quant.Params{Scale: 1, Bits: 1}},
			Nodes:  []bundle.Node{dense("x", x), dense("y", y), {Name: "sum", Op: &bundle.Add{Weights: []int32{7, -3}}, Inputs: []string{"x", "y"}, Scale: []float64{sum}}},
			Labels: []string{"sum"},
		}
	}
	for _, s := range []float64{0.1, 1.0 / 3, 1e-30, -0.7, 7e300} {
		if err := program(s, s/7*-3, s/7).Prove(); err != nil {
			t.Errorf("scale %v: %v", s, err)
		}
		for _, by := range []float64{1 + 1e-14, 1 - 1e-14} {
			if err := program(s, s/7*-3*by, s/7).Prove(); err == nil {
				t.Errorf("scale %v times %v meets", s, by)
			}
		}
	}
}

func TestSupport(t *testing.T) {
	s := bundle.Support{Backend: "abacus", Kinds: []bundle.Kind{bundle.KindConv2D, bundle.KindPolynomial, bundle.KindAdd}}
	var refused *bundle.UnsupportedError
	err := s.Check(residual())
	if want := `abacus: layer "sum": operation Add is not supported on the inputs ["a" "b"]: this back end carries chains`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
	if !errors.Is(err, bundle.ErrUnsupported) || !errors.As(err, &refused) || refused.Layer != "sum" || refused.Kind != bundle.KindAdd || refused.Backend != "abacus" {
		t.Errorf("error %#v", err)
	}
	s.Graphs = true
	if err, want := s.Check(residual()), `abacus: layer "product": operation Mul is not supported`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	s.Kinds = nil
	for i := range residual().Nodes {
		s.Kinds = append(s.Kinds, residual().Nodes[i].Kind())
	}
	if err := s.Check(residual()); err != nil {
		t.Error(err)
	}
	p := residual()
	p.Nodes[0].Inputs = []string{"moon"}
	if err := s.Check(p); err == nil || errors.Is(err, bundle.ErrUnsupported) {
		t.Errorf("error %v for an unknown name", err)
	}
}
