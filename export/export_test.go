package export

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/ptq"
)

func network() *model.Network {
	return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "pool0", Kernel: model.Both(2)},
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(5), Stride: model.Both(2), Padding: model.AllSides(1)},
		{Type: model.Polynomial, Name: "poly", Coefficients: []float64{0.1, 0.5, 0.25}},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc", Units: 10},
	}}
}

var loadDigits = sync.OnceValues(func() (*datasets.Dataset, error) {
	return datasets.Load(context.Background(), "digits", datasets.Options{})
})

func images(t *testing.T, n int) *datasets.Split {
	t.Helper()
	d, err := loadDigits()
	if err != nil {
		t.Fatal(err)
	}
	return d.Train.First(n)
}

func quantized(t *testing.T, bits int, perChannel bool, s *datasets.Split) *model.Quantized {
	t.Helper()
	n := network()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ptq.Quantize(context.Background(), n, p, calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: bits, PerChannel: perChannel},
		Input:   calibrate.InputConfig{Bits: bits, Observer: "minmax"}, Images: 50,
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func program(t *testing.T, q *model.Quantized) *bundle.Program {
	t.Helper()
	p, err := Program(q, make([]string, 10))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProgram(t *testing.T) {
	s := images(t, 50)
	for _, perChannel := range []bool{false, true} {
		q := quantized(t, 4, perChannel, s)
		p := program(t, q)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		kinds := []bundle.Kind{bundle.KindSumPool, bundle.KindConv2D, bundle.KindPolynomial, bundle.KindReshape, bundle.KindDense}
		scaling, err := q.Scaling()
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range p.Nodes {
			if n.Name != q.Network.Layers[i].Name || n.Kind() != kinds[i] || !reflect.DeepEqual(n.Scale, scaling[i].Out) {
				t.Errorf("node %d is %s %s at %v", i, n.Kind(), n.Name, n.Scale)
			}
			if weighted := q.Network.Layers[i].Weighted(); weighted && n.Bits != 4 || !weighted && n.Bits != 0 {
				t.Errorf("node %q has %d bits", n.Name, n.Bits)
			}
		}
		if p.Input.Quantizer != q.Input || !reflect.DeepEqual(p.Input.Shape, q.Network.Input) {
			t.Errorf("input %+v", p.Input)
		}
		// The input grid is 0..15 and the pool's window has four pixels.
		if r := p.Nodes[0].Range; !r.Equal(bundle.NewRange(0, 60)) {
			t.Errorf("range %v of the first pool, want [0, 60]", r)
		}
	}
}

func TestSeenIsInsideRange(t *testing.T) {
	s := images(t, 40)
	p := program(t, quantized(t, 4, true, s))
	q := quantized(t, 4, true, s)
	sqnr, err := Observe(q, q.Params, p, s, s)
	if err != nil || len(sqnr) != len(p.Nodes) {
		t.Fatalf("%d ratios, %v", len(sqnr), err)
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]*bundle.Range, len(p.Nodes))
	for i := range s.Len() {
		_, err := r.Run(p.Input.Quantize(s.Image(i)), func(k int, v bundle.Vec) {
			now := bundle.RangeOf(v)
			if seen[k] != nil {
				now = now.Union(*seen[k])
			}
			seen[k] = &now
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for k, n := range p.Nodes {
		if !n.Seen.Equal(*seen[k]) {
			t.Errorf("layer %q has seen %v, want %v", n.Name, n.Seen, *seen[k])
		}
		if !n.Range.Union(n.Seen).Equal(n.Range) {
			t.Errorf("layer %q has seen %v, outside its proved %v", n.Name, n.Seen, n.Range)
		}
	}
}

// More bits are less noise: a bit is 6 dB, two are 12; half of it is a margin for
// what the layers make of the noise.
func TestSQNR(t *testing.T) {
	s := images(t, 40)
	var ratios [][]float64
	for _, bits := range []int{4, 6, 8} {
		q := quantized(t, bits, false, s)
		p := program(t, q)
		sqnr, err := Observe(q, q.Params, p, s, s)
		if err != nil {
			t.Fatal(err)
		}
		ratios = append(ratios, sqnr)
	}
	for k := range ratios[0] {
		if ratios[0][k] < 3 || ratios[1][k] < ratios[0][k]+6 || ratios[2][k] < ratios[1][k]+6 {
			t.Errorf("node %d: %.1f, %.1f and %.1f dB in 4, 6 and 8 bits", k, ratios[0][k], ratios[1][k], ratios[2][k])
		}
	}
}

// A layer without noise, and one without signal, have ratios that JSON can say.
func TestSQNRIsFinite(t *testing.T) {
	n := &model.Network{Input: []int{4}, Layers: []model.Layer{{Type: model.Square, Name: "sq"}, {Type: model.Dense, Name: "fc", Units: 1}}}
	q := &model.Quantized{Network: n, Params: model.Parameters{{Name: "fc.weight", Shape: []int{1, 4}, Data: make([]float32, 4)}, {Name: "fc.bias", Shape: []int{1}, Data: make([]float32, 1)}}}
	q.Input.Scale, q.Input.Bits = 1, 1
	q.Weights = []model.WeightQuantizer{{Layer: "fc", Bits: 4, Scales: []float32{1}}}
	p, err := Program(q, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	s := &datasets.Split{Images: []uint8{0, 255, 0, 255}, Labels: []uint8{0}, Shape: []int{4}}
	got, err := Observe(q, q.Params, p, s, s)
	if err != nil || !reflect.DeepEqual(got, []float64{300, 0}) {
		t.Errorf("%v, %v, want 300 dB of an exact layer and 0 of zeros", got, err)
	}
	if _, err := Observe(q, q.Params, p, s.First(0), s.First(0)); err == nil || !strings.Contains(err.Error(), "0 inputs of 0 samples to observe") {
		t.Errorf("no images: %v", err)
	}
}

func TestProgramErrors(t *testing.T) {
	s := images(t, 50)
	for _, c := range []struct {
		change func(*model.Quantized)
		labels int
		want   string
		table  bool
	}{
		{func(q *model.Quantized) { q.Network.Layers[2] = model.Layer{Type: model.Tanh, Name: "tanh1"} }, 10, `layer "tanh1" (tanh): needs a lookup table`, true},
		{func(q *model.Quantized) { q.Network.Layers[2] = model.Layer{Type: model.ReLU, Name: "relu1"} }, 10, `layer "relu1" (relu)`, true},
		{func(q *model.Quantized) { q.Params = q.Params[1:] }, 10, "3 parameter tensors", false},
		{func(q *model.Quantized) {}, 9, `layer "fc": output shape [10] for 9 labels`, false},
		{func(q *model.Quantized) { q.Network.Layers[2].Coefficients = []float64{1e300, 0, 1e-300} }, 10, `layer "poly" (polynomial): integer coefficient`, false},
	} {
		q := quantized(t, 4, false, s)
		q.Params = q.Params.Clone()
		c.change(q)
		p, err := Program(q, make([]string, c.labels))
		if p != nil || err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, model.ErrNeedsTable) != c.table {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// The program takes the bytes of a file and gives back what it was made for.
func TestExportedBundle(t *testing.T) {
	s := images(t, 50)
	p := program(t, quantized(t, 4, true, s))
	r := rand.New(rand.NewPCG(1, 1))
	var inputs []bundle.Vec
	for range 3 {
		inputs = append(inputs, p.Input.Quantize(s.Image(r.IntN(s.Len()))))
	}
	g, err := bundle.MakeGolden(p, inputs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Nodes {
		p.Nodes[i].Seen = p.Nodes[i].Range
	}
	b, err := (&bundle.File{Program: p, Golden: g}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Decode(b); err != nil {
		t.Error(err)
	}
}
