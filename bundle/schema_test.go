package bundle

import (
	"bytes"
	"os"
	"testing"
)

// A program is written in the oldest schema that holds it.
func TestOldestSchema(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Program)
		want   int
	}{
		"chain":         {func(*Program) {}, 1},
		"named":         {func(p *Program) { p.Nodes[0].Inputs, p.Nodes[1].Inputs = []string{"input"}, []string{"conv"} }, 1},
		"no dilation":   {func(p *Program) { p.Nodes[0].Op.(*Conv2D).Dilation = Both(1) }, 1},
		"one group":     {func(p *Program) { p.Nodes[0].Op.(*Conv2D).Groups = 1 }, 1},
		"dilation":      {func(p *Program) { p.Nodes[0].Op.(*Conv2D).Dilation = Pair{1, 2} }, 2},
		"stride":        {func(p *Program) { p.Nodes[0].Op.(*Conv2D).Stride = Pair{1, 2} }, 2},
		"padding":       {func(p *Program) { p.Nodes[0].Op.(*Conv2D).Padding = Sides{1, 1, 1, 0} }, 2},
		"pool":          {func(p *Program) { p.Nodes[2].Op.(*SumPool).Kernel = Pair{2, 1} }, 2},
		"pool's stride": {func(p *Program) { p.Nodes[2].Op.(*SumPool).Stride = Pair{2, 1} }, 2},
		"padded pool":   {func(p *Program) { p.Nodes[2].Op.(*SumPool).Padding = Around(1) }, 2},
		"max": {func(p *Program) {
			p.Nodes[2].Op, p.Nodes[2].Scale = &MaxPool{Kernel: Both(2), Stride: Both(2)}, []float64{1}
		}, 2},
	} {
		p := tinyProgram()
		c.change(p)
		if got := p.schema(); got != c.want {
			t.Errorf("%s: schema %d, want %d", name, got, c.want)
		}
	}
	p := tinyProgram()
	want := encodeFile(t, &File{Program: p})
	p.Nodes[0].Inputs, p.Nodes[1].Inputs = []string{"input"}, []string{"conv"}
	p.Nodes[0].Op.(*Conv2D).Dilation, p.Nodes[0].Op.(*Conv2D).Groups = Both(1), 1
	if !bytes.Equal(encodeFile(t, &File{Program: p}), want) {
		t.Error("a program that says what is the default is written otherwise")
	}
}

// What schema 2 has is refused where it is unknown, out of place, or not the one way
// to write it.
func TestManifestEditsOfSchema2(t *testing.T) {
	whole, err := os.ReadFile("testdata/v2.qb")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"schema": 2,`, `"schema": 1,`, `layer "a": a group count is unknown in schema 1`},
		{`"op": "Add"`, `"op": "Sum"`, `layer "sum": operation "Sum" is unknown in schema 3`},
		{`"op": "Concat"`, `"op": "Concat", "axis": 1`, `unknown field "axis"`},
		{"\"from\": 2,", "\"from\": 2, \"step\": 1,", `layer "part": json: unknown field "step"`},
		{"\"groups\": 2", "\"groups\": 0", `layer "a": conv2d of 1 channels on shape [2 3 4]`},
		{"\"groups\": 2", "\"groups\": -1", `layer "a": groups -1 are outside 1..1048576`},
		{"\"groups\": 2", "\"groups\": 4611686018427387904", `layer "a": groups 4611686018427387904 are outside`},
		{"\"groups\": 2", "\"groups\": 2, \"dilation\": 1", `layer "a": padding 2 is outside 0..1 of kernel 2, dilation 1`},
		{"\"a\",\n    \"b\"", "\"a\",\n    \"fc\"", `layer "sum": input "fc" is a layer below it: a cycle`},
		{"\"a\",\n    \"b\"", "\"a\",\n    \"\"", `layer "sum": input "" is neither a layer`},
		{"\"name\": \"b\",", "\"name\": \"b\", \"inputs\": [\"a\"],", "canonical"},
		{"\"name\": \"b\",", "\"name\": \"b\", \"inputs\": [],", "canonical"},
		{"\"weights\": [", "\"weights\": [1, ", `layer "sum": operation Add on 2 inputs, want 3`},
	} {
		m := parts(t, whole)
		if !bytes.Contains(m[partManifest], []byte(c.from)) {
			t.Fatalf("the manifest has no %q:\n%s", c.from, m[partManifest])
		}
		m[partManifest] = bytes.Replace(m[partManifest], []byte(c.from), []byte(c.to), 1)
		b, err := zipParts(m)
		if err != nil {
			t.Fatal(err)
		}
		wantAltered(t, c.to, b, c.want)
	}
	m := parts(t, encodeFile(t, tinyFile(t)))
	m[partManifest] = bytes.Replace(m[partManifest], []byte(`"schema": 1`), []byte(`"schema": 2`), 1)
	b, err := zipParts(m)
	if err != nil {
		t.Fatal(err)
	}
	wantAltered(t, "an old program in schema 2", b, "schema 2 for a program that schema 1 holds")
}
