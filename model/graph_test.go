package model

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// layersOf reads layers as recipes write them, and checks that JSON and YAML write
// them back to the same.
func layersOf(t *testing.T, text string) []Layer {
	t.Helper()
	var layers, again []Layer
	if err := yaml.UnmarshalWithOptions([]byte(text), &layers, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := yaml.Marshal(layers)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(b, &again, yaml.Strict()); err != nil || !reflect.DeepEqual(layers, again) {
		t.Errorf("%s is written as %s and read as %+v: %v", text, b, again, err)
	}
	if b, err = json.Marshal(layers); err != nil {
		t.Fatal(err)
	}
	again = nil
	if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(layers, again) {
		t.Errorf("%s is written as %s and read as %+v: %v", text, b, again, err)
	}
	return layers
}

// Each form of a pair, a padding and a list of names, and the bytes that they are
// written as: the shortest.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		text, json string
		want       Layer
	}{
		{`{type: conv, name: c, channels: 2, kernel: 3}`, `{"type":"conv","name":"c","channels":2,"kernel":3}`, Layer{Kernel: Both(3)}},
		{`{type: conv, name: c, channels: 2, kernel: [3, 3], stride: [1, 2], padding: 0}`, `{"type":"conv","name":"c","channels":2,"kernel":3,"stride":[1,2]}`, Layer{Kernel: Both(3), Stride: Pair{1, 2}}},
		{`{type: conv, name: c, channels: 2, kernel: [2, 3], padding: 1}`, `{"type":"conv","name":"c","channels":2,"kernel":[2,3],"padding":1}`, Layer{Kernel: Pair{2, 3}, Padding: AllSides(1)}},
		{`{type: conv, name: c, channels: 2, kernel: 3, padding: [0, 1], groups: 2}`, `{"type":"conv","name":"c","channels":2,"kernel":3,"padding":[0,1],"groups":2}`, Layer{Kernel: Both(3), Padding: Padding{Left: 1, Right: 1}, Groups: 2}},
		{`{type: conv, name: c, channels: 2, kernel: 3, padding: [0, 1, 2, 1]}`, `{"type":"conv","name":"c","channels":2,"kernel":3,"padding":[0,1,2,1]}`, Layer{Kernel: Both(3), Padding: Padding{0, 1, 2, 1, false}}},
		{`{type: conv, name: c, channels: 2, kernel: 3, padding: same, dilation: [2, 1]}`, `{"type":"conv","name":"c","channels":2,"kernel":3,"padding":"same","dilation":[2,1]}`, Layer{Kernel: Both(3), Padding: Padding{Same: true}, Dilation: Pair{2, 1}}},
		{`{type: conv, name: c, channels: 2, from: [a], kernel: 3}`, `{"type":"conv","name":"c","from":"a","channels":2,"kernel":3}`, Layer{From: Names{"a"}, Kernel: Both(3)}},
		{`{type: conv, name: c, channels: 2, from: [a, b], kernel: 3}`, `{"type":"conv","name":"c","from":["a","b"],"channels":2,"kernel":3}`, Layer{From: Names{"a", "b"}, Kernel: Both(3)}},
	} {
		c.want.Type, c.want.Name, c.want.Channels = Conv, "c", 2
		got := layersOf(t, "["+c.text+"]")[0]
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is %+v, want %+v", c.text, got, c.want)
		}
		if b, err := json.Marshal(got); err != nil || string(b) != c.json {
			t.Errorf("%s is written as %s, want %s (%v)", c.text, b, c.json, err)
		}
	}
	for text, want := range map[string]string{
		"kernel: 2.5": "2.5 is not a whole number", "kernel: [1, 2, 3]": "has 3 numbers: want a whole number, or a pair [height, width]",
		"kernel: three": "three is not a whole number", "padding: [1, 2, 3]": "has 3 numbers: want a whole number, a pair [vertical, horizontal], four",
		"padding: sane": "or same", "padding: [1, x]": "x is not a whole number", "stride: {a: 1}": "is not a whole number",
		"from: []": "an empty list is no name", "from: 3": "3 is no name: want the name of a layer, or a list of names", "from: [a, [b]]": "is no name",
		"kernel: 18446744073709551615": "is too large",
	} {
		var l Layer
		if err := yaml.UnmarshalWithOptions([]byte(text), &l, yaml.Strict()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

func TestGraphShapes(t *testing.T) {
	n := &Network{Input: []int{3, 9, 14}, Layers: layersOf(t, `
- {type: conv, name: c1, channels: 4, kernel: [2, 3], padding: [1, 0, 0, 2], stride: [1, 2]}
- {type: conv, name: c2, channels: 6, kernel: 3, padding: same, dilation: [1, 3], groups: 2, stride: 2}
- {type: maxpool, name: m, from: c1, kernel: [2, 1], stride: [2, 1], padding: [0, 0, 1, 0]}
- {type: avgpool, name: a, from: m, kernel: 3, padding: same, stride: [1, 2]}
- {type: concat, name: both, from: [a, c2]}
- {type: mul, name: square, from: [both, both]}
- {type: add, name: sum, from: [square, both, square]}
- {type: globalmaxpool, name: most}
- {type: globalavgpool, name: mean, from: input}
- {type: concat, name: ends, from: [most, mean]}
- {type: dropout, name: drop, rate: 0.5}
- {type: dense, name: fc, units: 2}
`)}
	shapes, err := n.Shapes()
	want := [][]int{{4, 9, 7}, {6, 5, 4}, {4, 5, 7}, {4, 5, 4}, {10, 5, 4}, {10, 5, 4}, {10, 5, 4}, {10}, {3}, {13}, {13}, {2}}
	if err != nil || !reflect.DeepEqual(shapes, want) {
		t.Errorf("shapes %v, %v, want %v", shapes, err, want)
	}
	if n.IsChain() {
		t.Error("branches are a chain")
	}
	// Same: ceil(14/2) = 7 outputs of 3 taps a column apart by 3 reach over 19 of the
	// 7+12: the zeros are 2 and 3 where they are an odd number.
	w := n.Layers[1].Window(shapes[0])
	if want := (Window{Kernel: Both(3), Stride: Both(2), Dilation: Pair{1, 3}, Before: Pair{1, 3}, After: Pair{1, 3}, Groups: 2}); w != want {
		t.Errorf("window %+v, want %+v", w, want)
	}
	if w := (Layer{Type: Conv, Kernel: Both(2), Padding: Padding{Same: true}}).Window([]int{1, 5, 5}); w.Before != (Pair{}) || w.After != Both(1) {
		t.Errorf("an even kernel has zeros %v before and %v after", w.Before, w.After)
	}
}

// Each fault of a graph is named, with the layer and the limit.
func TestGraphErrors(t *testing.T) {
	const fc = "\n- {type: flatten, name: flat}\n- {type: dense, name: fc, units: 2}"
	for layers, want := range map[string]string{
		"- {type: square, name: s, from: t}" + fc:                                                                                  `layer "s" (square): from: no layer is called "t"`,
		"- {type: square, name: s, from: s}" + fc:                                                                                  `layer "s" (square): from: it reads itself`,
		"- {type: add, name: s, from: [input, t]}\n- {type: square, name: t}" + fc:                                                 `layer "s" (add): from: "t" stands after it: a layer reads layers before it, so that there is no cycle`,
		"- {type: square, name: s}\n- {type: square, name: t, from: input}" + fc:                                                   `layer "s" (square): no layer reads it: leave it out, or name it in another layer's from`,
		"- {type: flatten, name: flat}\n- {type: dense, name: fc, units: 2}\n- {type: add, name: s}":                               `layer "s" (add): it reads 1 layer, want 2 at least: name them in from`,
		"- {type: flatten, name: flat}\n- {type: dense, name: fc, units: 2}\n- {type: tanh, name: s}":                              `layer "s" (tanh): the last layer must be dense`,
		"- {type: flatten, name: flat}\n- {type: dense, name: a, units: 2}\n- {type: dense, name: b, units: 2, from: flat}":        `layer "a" (dense): no layer reads it`,
		"- {type: mul, name: s, from: [input, input, input]}" + fc:                                                                 `layer "s" (mul): from names 3 layers, this type reads 2`,
		"- {type: square, name: s, from: [input, input]}" + fc:                                                                     `layer "s" (square): from names 2 layers, this type reads 1`,
		"- {type: conv, name: c, channels: 3, kernel: 2}\n- {type: add, name: s, from: [c, input]}" + fc:                           `layer "s" (add): it reads shapes [3 8 8] and [3 9 9]: want equal ones (of "c" and "input")`,
		"- {type: conv, name: c, channels: 3, kernel: 2}\n- {type: concat, name: s, from: [c, input]}" + fc:                        `layer "s" (concat): it reads shapes [3 8 8] and [3 9 9]: want equal ones but for the first dimension (of "c" and "input")`,
		"- {type: conv, name: c, channels: 4, kernel: 2, groups: 2}" + fc:                                                          `layer "c" (conv): groups 2: they must divide the 3 channels of the input and the 4 of the output`,
		"- {type: conv, name: c, channels: 4, kernel: 2, groups: 3}" + fc:                                                          `groups 3: they must divide`,
		"- {type: conv, name: c, channels: 4, kernel: 2, groups: -1}" + fc:                                                         `groups -1`,
		"- {type: conv, name: c, channels: 4, kernel: [1, 10]}" + fc:                                                               `layer "c" (conv): kernel 10 is outside 1..9, the padded size of input [3 9 9]`,
		"- {type: conv, name: c, channels: 4, kernel: 4, dilation: 4}" + fc:                                                        `kernel 4 with dilation 4 reaches over 13 values, the padded size of input [3 9 9] is 9`,
		"- {type: conv, name: c, channels: 4, kernel: 3, dilation: -1}" + fc:                                                       `dilation -1 is outside 1..65536`,
		"- {type: conv, name: c, channels: 4, kernel: [2, 3], padding: [0, 0, 2, 0]}" + fc:                                         `padding 2 is outside 0..1 for kernel 2`,
		"- {type: dropout, name: d, rate: 1}" + fc:                                                                                 `layer "d" (dropout): rate 1 is outside 0..1`,
		"- {type: dropout, name: d, rate: -0.5}" + fc:                                                                              `rate -0.5`,
		"- {type: square, name: d, rate: 0.5}" + fc:                                                                                `key "rate" does not belong to this type`,
		"- {type: globalavgpool, name: g, kernel: 2}\n- {type: dense, name: fc, units: 2}":                                         `key "kernel" does not belong to this type`,
		"- {type: square, name: s}\n- {type: batchnorm, name: b}" + fc:                                                             `layer "b" (batchnorm): it must follow a conv or dense layer`,
		"- {type: conv, name: c, channels: 3, kernel: 1}\n- {type: batchnorm, name: b}\n- {type: add, name: s, from: [b, c]}" + fc: `layer "b" (batchnorm): layer "s" reads "c" too, which the batch norm becomes a part of: let it read "b"`,
		"- {type: conv, name: c, channels: 3, kernel: 1}\n- {type: conv, name: d, channels: 3, kernel: 1}\n- {type: batchnorm, name: b, from: input}\n- {type: add, name: s, from: [b, d]}" + fc: `layer "b" (batchnorm): it must follow`,
	} {
		_, err := (&Network{Input: []int{3, 9, 9}, Layers: layersOf(t, layers)}).Shapes()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", layers, err, want)
		}
	}
}

// A batch norm is folded into the layer that it reads, wherever it stands, and its
// readers read that.
func TestFoldInBranches(t *testing.T) {
	n := &Network{Input: []int{1, 4, 4}, Layers: layersOf(t, `
- {type: conv, name: a, channels: 2, kernel: 1}
- {type: conv, name: b, channels: 2, kernel: 3, padding: same}
- {type: batchnorm, name: bn}
- {type: add, name: sum, from: [bn, a]}
- {type: square, name: s}
- {type: flatten, name: flat}
- {type: dense, name: fc, units: 3}
`)}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 2 {
		p.Get("bn.mean")[c], p.Get("bn.variance")[c], p.Get("bn.bias")[c] = 0.25, float32(2+c), 0.5
	}
	folded, q := FoldBatchNorms(n, p, func(int) bool { return false })
	if want := []Names{nil, nil, {"b", "a"}, nil, nil, nil}; !reflect.DeepEqual(fromsOf(folded), want) {
		t.Errorf("layers read %v, want %v", fromsOf(folded), want)
	}
	image := make([]float32, 16)
	for i := range image {
		image[i] = float32(i) / 16
	}
	want, err := n.Forward(p, image)
	if err != nil {
		t.Fatal(err)
	}
	got, err := folded.Forward(q, image)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range want[len(want)-1] {
		// Weights are rounded to float32 once more.
		if d := got[len(got)-1][k] - v; d > 1e-5 || d < -1e-5 {
			t.Errorf("logit %d is %v, want %v", k, got[len(got)-1][k], v)
		}
	}
}

func fromsOf(n *Network) (all []Names) {
	for _, l := range n.Layers {
		all = append(all, l.From)
	}
	return all
}

// A path to a table passes pools and flattening, not other readers, sums, padded
// averages, or a maximum of what a batch norm multiplies.
func TestPathToTable(t *testing.T) {
	for layers, want := range map[string][]int{
		"- {type: avgpool, name: p, kernel: 2}\n- {type: maxpool, name: m, kernel: 2}\n- {type: flatten, name: f}\n- {type: relu, name: r}": {1, 2, 3, 4},
		"- {type: batchnorm, name: b}\n- {type: avgpool, name: p, kernel: 2}\n- {type: relu, name: r}\n- {type: flatten, name: f}":          {1, 2, 3},
		"- {type: batchnorm, name: b}\n- {type: maxpool, name: p, kernel: 2}\n- {type: relu, name: r}\n- {type: flatten, name: f}":          nil,
		"- {type: avgpool, name: p, kernel: 2, padding: 1}\n- {type: relu, name: r}\n- {type: flatten, name: f}":                            nil,
		"- {type: add, name: s, from: [c, c]}\n- {type: relu, name: r}\n- {type: flatten, name: f}":                                         nil,
		"- {type: relu, name: r}\n- {type: add, name: s, from: [r, c]}\n- {type: flatten, name: f}":                                         nil,
		"- {type: dropout, name: d, rate: 0.1}\n- {type: relu, name: r}\n- {type: flatten, name: f}":                                        nil,
	} {
		n := &Network{Input: []int{1, 8, 8}, Layers: layersOf(t, "- {type: conv, name: c, channels: 2, kernel: 1}\n"+layers+"\n- {type: dense, name: fc, units: 2}")}
		if _, err := n.Shapes(); err != nil {
			t.Fatal(err)
		}
		if got := n.PathToTable(0); !slices.Equal(got, want) {
			t.Errorf("%s: path %v, want %v", layers, got, want)
		}
	}
}
