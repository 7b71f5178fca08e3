package model

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/quant"
)

// normed has two batch norms: a table takes the first, none the second.
func normed() *Network {
	return &Network{Input: []int{2, 6, 6}, Layers: []Layer{
		{Type: Conv, Name: "conv", Channels: 3, Kernel: Both(3), Padding: AllSides(1)},
		{Type: BatchNorm, Name: "norm1"},
		{Type: AvgPool, Name: "pool", Kernel: Both(2)},
		{Type: Tanh, Name: "tanh"},
		{Type: Flatten, Name: "flat"},
		{Type: Dense, Name: "fc1", Units: 5},
		{Type: BatchNorm, Name: "norm2"},
		{Type: Square, Name: "square"},
		{Type: Dense, Name: "fc2", Units: 3},
	}}
}

// moved are parameters whose batch norms do something.
func moved(t *testing.T, n *Network) Parameters {
	t.Helper()
	p := initialise(t, n, 3)
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range n.Layers {
		if w, b := p.Of(l.Name); l.Type == BatchNorm {
			for c := range w {
				w[c], b[c] = float32(r.NormFloat64()), float32(r.NormFloat64())
				p.Get(l.Name + ".mean")[c], p.Get(l.Name + ".variance")[c] = float32(r.NormFloat64()), float32(r.Float64())
			}
		}
	}
	return p
}

func TestBatchNormParameters(t *testing.T) {
	n := normed()
	p := initialise(t, n, 3)
	var names []string
	for _, s := range p {
		names = append(names, s.Name)
	}
	if want := []string{"conv.weight", "conv.bias", "norm1.weight", "norm1.bias", "norm1.mean", "norm1.variance",
		"fc1.weight", "fc1.bias", "norm2.weight", "norm2.bias", "norm2.mean", "norm2.variance", "fc2.weight", "fc2.bias"}; !slices.Equal(names, want) {
		t.Errorf("tensors %v, want %v", names, want)
	}
	for name, want := range map[string]float32{"weight": 1, "bias": 0, "mean": 0, "variance": 1} {
		for norm, channels := range map[string]int{"norm1.": 3, "norm2.": 5} {
			if got := p.Get(norm + name); !slices.Equal(got, slices.Repeat([]float32{want}, channels)) {
				t.Errorf("%s%s begins at %v, want %v", norm, name, got, want)
			}
		}
	}
	// A batch norm draws nothing: the other parameters are as without it.
	plain := &Network{Input: n.Input, Layers: slices.DeleteFunc(slices.Clone(n.Layers), func(l Layer) bool { return l.Type == BatchNorm })}
	for _, s := range initialise(t, plain, 3) {
		if !slices.Equal(s.Data, p.Get(s.Name)) {
			t.Errorf("tensor %q is drawn otherwise beside batch norms", s.Name)
		}
	}
	p.Get("norm1.variance")[1] = -0.5
	if err := p.Check(n); err == nil || !strings.Contains(err.Error(), `tensor "norm1.variance": element 1 is -0.5, negative`) {
		t.Errorf("a negative variance: %v", err)
	}
}

// The normalised values are the definition's, by hand.
func TestNormalisation(t *testing.T) {
	p := Parameters{
		{"n.weight", []int{2}, []float32{2, -3}}, {"n.bias", []int{2}, []float32{1, 0.5}},
		{"n.mean", []int{2}, []float32{4, -1}}, {"n.variance", []int{2}, []float32{9, 0}},
	}
	slope, offset := p.Normalisation("n")
	for c, want := range [][2]float64{{2 / math.Sqrt(9+1e-5), 1 - 4*2/math.Sqrt(9+1e-5)}, {-3 / math.Sqrt(1e-5), 0.5 - 3/math.Sqrt(1e-5)}} {
		if math.Abs(slope[c]-want[0]) > 1e-9*math.Abs(want[0]) || math.Abs(offset[c]-want[1]) > 1e-9*math.Abs(want[1]) {
			t.Errorf("channel %d: %v x + %v, want %v", c, slope[c], offset[c], want)
		}
	}
}

// Folded, kept, or some of both, the network is the same function.
func TestFoldBatchNorms(t *testing.T) {
	n := normed()
	p := moved(t, n)
	before := p.Clone()
	r := rand.New(rand.NewPCG(3, 4))
	for _, kept := range [][]string{nil, {"norm1"}, {"norm2"}, {"norm1", "norm2"}} {
		folded, q := FoldBatchNorms(n, p, func(i int) bool { return slices.Contains(kept, n.Layers[i].Name) })
		if err := q.Check(folded); err != nil {
			t.Fatal(err)
		}
		if got := len(n.Layers) - len(folded.Layers); got != 2-len(kept) {
			t.Errorf("%d batch norms folded, want %d", got, 2-len(kept))
		}
		for range 20 {
			image := make([]float32, 72)
			for k := range image {
				image[k] = r.Float32()
			}
			want, got := run(t, n, p, image...), run(t, folded, q, image...)
			for k, v := range want[len(want)-1] {
				if d := got[len(got)-1][k] - v; math.Abs(d) > 1e-5*max(1, math.Abs(v)) {
					t.Errorf("keeping %v: logit %d is %v, was %v", kept, k, got[len(got)-1][k], v)
				}
			}
		}
		if !reflect.DeepEqual(p, before) || !reflect.DeepEqual(n, normed()) {
			t.Fatal("folding changed what it was given")
		}
	}
}

func TestTableAfter(t *testing.T) {
	n := normed()
	want := []int{3, 3, 3, -1, -1, -1, -1, -1, -1}
	for i := range n.Layers {
		if got := n.TableAfter(i); got != want[i] {
			t.Errorf("after %q: %d, want %d", n.Layers[i].Name, got, want[i])
		}
	}
}

func TestBatchNormFollowsWeights(t *testing.T) {
	norm, fc := Layer{Type: BatchNorm, Name: "norm"}, Layer{Type: Dense, Name: "fc", Units: 2}
	for _, layers := range [][]Layer{
		{norm, fc},
		{{Type: Dense, Name: "a", Units: 2}, {Type: Tanh, Name: "t"}, norm, fc},
		{{Type: Dense, Name: "a", Units: 2}, {Type: BatchNorm, Name: "first"}, norm, fc},
	} {
		_, err := (&Network{Input: []int{4}, Layers: layers}).Shapes()
		if err == nil || !strings.Contains(err.Error(), `layer "norm" (batchnorm): it must follow a conv or dense layer`) {
			t.Errorf("error %v", err)
		}
	}
	_, err := (&Network{Input: []int{4}, Layers: []Layer{fc, norm}}).Shapes()
	if err == nil || !strings.Contains(err.Error(), "the last layer must be dense") {
		t.Errorf("error %v", err)
	}
}

// quantizedTables is normed with quantizers; its second batch norm is folded.
func quantizedTables(t *testing.T) *Quantized {
	t.Helper()
	n := normed()
	n, p := FoldBatchNorms(n, moved(t, n), func(i int) bool { return n.TableAfter(i) >= 0 })
	return &Quantized{
		Network: n, Params: p, Input: quant.Params{Scale: 1.0 / 15, ZeroPoint: 2, Bits: 4},
		Weights: []WeightQuantizer{
			{Layer: "conv", Bits: 4, Scales: []float32{0.05, 0.0625, 0.1}}, {Layer: "fc1", Bits: 3, Scales: []float32{0.5}}, {Layer: "fc2", Bits: 4, Scales: []float32{0.25}},
		},
		Activations: []ActivationQuantizer{{Layer: "tanh", Shift: 2, Params: quant.Params{Scale: 0.25, ZeroPoint: 4, Bits: 3}}},
	}
}

func TestTableCheckpoint(t *testing.T) {
	q := quantizedTables(t)
	want := &Checkpoint{Network: q.Network, Params: q.Params, Quantizers: &Quantizers{Input: q.Input, Weights: q.Weights, Activations: q.Activations}, Provenance: Provenance{Stage: "qat"}}
	got, err := DecodeCheckpoint(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
	again, err := got.Quantized()
	if d := cmp.Diff(q, again); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	for what, change := range map[string]func(*Checkpoint){
		`layer "tanh" (tanh): needs a lookup table`:                       func(c *Checkpoint) { c.Quantizers.Activations = nil },
		`layer "tanh" (tanh): it has the activation quantizer of "other"`: func(c *Checkpoint) { c.Quantizers.Activations[0].Layer = "other" },
		`2 activation quantizers for 1 lookup-table activations`:          func(c *Checkpoint) { a := &c.Quantizers.Activations; *a = append(*a, (*a)[0]) },
		`layer "tanh" (tanh): scale 0 is not finite and positive`:         func(c *Checkpoint) { c.Quantizers.Activations[0].Params.Scale = 0 },
		`layer "tanh" (tanh): zero point 9 is outside the grid 0..7`:      func(c *Checkpoint) { c.Quantizers.Activations[0].Params.ZeroPoint = 9 },
		`tensor "norm1.mean": element 0 is NaN, not finite`:               func(c *Checkpoint) { c.Params.Get("norm1.mean")[0] = float32(math.NaN()) },
	} {
		q := quantizedTables(t)
		c := &Checkpoint{Network: q.Network, Params: q.Params, Quantizers: &Quantizers{Input: q.Input, Weights: q.Weights, Activations: q.Activations}}
		change(c)
		_, err := c.Quantized()
		if b, encoded := c.Encode(); err == nil || encoded != nil {
			err = encoded
			if encoded == nil {
				_, err = DecodeCheckpoint(b)
			}
		}
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error %v, want one with %q", err, what)
		}
	}
}

// The integers that a deferred bias and a batch norm leave to the table stand for
// what the float layers make of the same integer weights.
func TestTableCode(t *testing.T) {
	q := quantizedTables(t)
	scaling, err := q.Scaling()
	if err != nil {
		t.Fatal(err)
	}
	s, l := &scaling[3], q.Network.Layers[3]
	_, bias := q.Params.Of("conv")
	slope, offset := q.Params.Normalisation("norm1")
	for c := range 3 {
		for n := -700.0; n <= 700; n += 3 {
			rounded := 4 * math.RoundToEven(n/4)
			// n is the sum of a window of four accumulators.
			real := float64(q.Weights[0].Scales[c])*float64(q.Input.Scale)*rounded/4 + float64(bias[c])
			want := q.Activations[0].Params.Code(float32(math.Tanh(slope[c]*real + offset[c])))
			if got := s.TableCode(l, c, n); got != want {
				// The order of float64 operations may move a tie.
				if math.Abs(float64(got-want)) > 1 {
					t.Errorf("channel %d, accumulator %v: code %v, want %v", c, n, got, want)
				}
			}
		}
	}
	if !scaling[0].Deferred || scaling[5].Deferred || scaling[7].Deferred {
		t.Error("the wrong layers leave their bias to a table")
	}
}

// The gradient of every scale is the gradient by its own weights, folded.
func TestLayerScaleGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, scales := range [][]float32{{0.5}, {0.25, 1, 0.5}} {
		for _, fold := range [][]float32{nil, {1, 0.5}} {
			s := &LayerScaling{Fold: fold, weights: &WeightQuantizer{Layer: "fc", Bits: 3, Scales: scales}}
			w, dcode := make([]float32, 12), make([]float32, 12)
			for k := range w {
				w[k], dcode[k] = float32(2*r.NormFloat64()), float32(r.NormFloat64())
			}
			got := make([]float32, len(scales))
			s.ScaleGradient(got, w, dcode, 3)
			for g, scale := range scales {
				sum, count := 0.0, 12/len(scales)
				for k := g * count; k < (g+1)*count; k++ {
					x := float64(w[k])
					if fold != nil {
						x *= float64(fold[k%4/2])
					}
					d := x / float64(scale)
					if d = min(max(d, -3), 3); math.Abs(d) < 3 {
						d = math.RoundToEven(d) - d
					}
					sum += float64(dcode[k]) * d
				}
				if want := sum / math.Sqrt(float64(count)*3); math.Abs(float64(got[g])-want) > 1e-6 {
					t.Errorf("scales %v, fold %v: gradient %d is %v, want %v", scales, fold, g, got[g], want)
				}
			}
		}
	}
}
