package model

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"qtool/quant"
)

// maxAbs chooses symmetric scales that reach the largest folded weight, of the
// layer or of each output.
func maxAbs(perChannel bool, bits quant.BitWidth) Observer {
	return func(o Observation) ([]float32, error) {
		groups := 1
		if perChannel {
			groups = o.Outputs
		}
		scales := make([]float32, groups)
		for k, v := range o.Folded {
			g := k * groups / len(o.Folded)
			scales[g] = max(scales[g], v, -v)
		}
		for g := range scales {
			p, err := quant.Symmetric(scales[g], bits)
			if err != nil {
				return nil, err
			}
			scales[g] = p.Scale
		}
		return scales, nil
	}
}

// quantized calibrates n with random parameters.
func quantized(t *testing.T, n *Network, perChannel bool, bits quant.BitWidth) (*Quantized, []LayerScaling) {
	t.Helper()
	q := &Quantized{Network: n, Params: initialise(t, n, 3), Input: quant.Params{Scale: 1.0 / 15, ZeroPoint: 2, Bits: 4}}
	for _, l := range n.Layers {
		if l.Weighted() {
			q.Weights = append(q.Weights, WeightQuantizer{Layer: l.Name, Bits: bits})
		}
	}
	s, err := q.Calibrate(maxAbs(perChannel, bits), false)
	if err != nil {
		t.Fatal(err)
	}
	return q, s
}

// fakeQuantized is the network whose real parameters are the grid's: what Scaling
// says the integers of a quantized network stand for. Each layer's fold is the
// ratio of its input channel's scale to the largest, so an integer weight m
// stands for m * scale / fold.
func fakeQuantized(q *Quantized, scaling []LayerScaling) []func(x []float64) []float64 {
	shapes, _ := q.Network.Shapes()
	layers := make([]func([]float64) []float64, len(shapes))
	in, inScale := q.Network.Input, []float64{float64(q.Input.Scale)}
	for i, l := range q.Network.Layers {
		s, shape, from, scale := scaling[i], in, in, inScale
		switch {
		case l.Weighted():
			w, b := q.Params.Of(l.Name)
			outputs := len(b)
			row := len(w) / outputs
			largest := 0.0
			for _, v := range scale {
				largest = max(largest, math.Abs(v))
			}
			wf, bf := make([]float64, len(w)), make([]float64, outputs)
			for o := range outputs {
				out := s.Out[o%len(s.Out)]
				p := s.weights.Params(o)
				for k := range row {
					fold := 1.0
					if len(scale) > 1 {
						fold = scale[k*len(scale)/row] / largest
					}
					folded := float32(float64(w[o*row+k]) * float64(float32(fold)))
					wf[o*row+k] = float64(p.Quantize(folded)) * float64(p.Scale) / fold
				}
				bf[o] = float64(float32(math.RoundToEven(float64(b[o])/out))) * out
			}
			out := shapes[i]
			layers[i] = func(x []float64) []float64 { return linear(l, x, shape, out, wf, bf) }
		case l.Type == AvgPool:
			out := shapes[i]
			layers[i] = func(x []float64) []float64 { return average(l, x, from, out) }
		case l.Type == Flatten:
			layers[i] = func(x []float64) []float64 { return x }
		default:
			coeffs := s.Coeffs
			layers[i] = func(x []float64) []float64 {
				y := make([]float64, len(x))
				for k, v := range x {
					c := k * len(coeffs) / len(x)
					a, lead := coeffs[c], s.Out[c]
					n := v / scale[c*len(scale)/len(coeffs)]
					for d := len(a) - 1; d >= 0; d-- {
						y[k] = y[k]*n + float64(a[d])
					}
					y[k] *= lead
				}
				return y
			}
		}
		in, inScale = shapes[i], s.Out
	}
	return layers
}

// linear is a convolution or a dense layer, by direct loops in float64.
func linear(l Layer, x []float64, in, out []int, w, b []float64) []float64 {
	y := make([]float64, size(out))
	if l.Type == Dense {
		for o := range y {
			y[o] = b[o]
			for k, v := range x {
				y[o] += w[o*len(x)+k] * v
			}
		}
		return y
	}
	at := 0
	for o := range out[0] {
		for r := range out[1] {
			for c := range out[2] {
				y[at] = b[o]
				k, stride := l.Kernel[0], l.Steps()[0] // the networks of these tests have square ones
				for t := range in[0] * k * k {
					ch, i, j := t/(k*k), t/k%k, t%k
					rr, cc := r*stride+i-l.Padding.Top, c*stride+j-l.Padding.Left
					if rr >= 0 && rr < in[1] && cc >= 0 && cc < in[2] {
						y[at] += w[o*in[0]*k*k+t] * x[(ch*in[1]+rr)*in[2]+cc]
					}
				}
				at++
			}
		}
	}
	return y
}

// integers runs the network on integers, held in float64: its codes, its integer
// polynomials, its pools as sums.
func integers(q *Quantized, scaling []LayerScaling, x []float64) [][]float64 {
	shapes, _ := q.Network.Shapes()
	outs := make([][]float64, len(shapes))
	in := q.Network.Input
	for i, l := range q.Network.Layers {
		s := scaling[i]
		switch {
		case l.Weighted():
			w, b := q.Params.Of(l.Name)
			m, beta := make([]float32, len(w)), make([]float64, len(b))
			s.WeightCodes(m, w, len(b))
			s.BiasCodes(beta, b)
			x = linear(l, x, in, shapes[i], wide(m), beta)
		case l.Type == AvgPool:
			x = scaled(average(l, x, in, shapes[i]), float64(s.PoolSize))
		case l.Type != Flatten:
			y := make([]float64, len(x))
			for k, v := range x {
				a := s.Coeffs[k*len(s.Coeffs)/len(x)]
				for d := len(a) - 1; d >= 0; d-- {
					y[k] = y[k]*v + a[d]
				}
			}
			x = y
		}
		outs[i], in = x, shapes[i]
	}
	return outs
}

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

// The integers, times their layer's scales, are the real values of the
// fake-quantized network: at one scale a layer and at one a channel, where the
// next layer folds them, and behind polynomials whose scale is negative.
func TestScaling(t *testing.T) {
	nets := map[string]*Network{
		"square": {Input: []int{1, 6, 6}, Layers: []Layer{
			{Type: Conv, Name: "conv1", Channels: 3, Kernel: Both(3), Padding: AllSides(1)},
			{Type: Square, Name: "square1"},
			{Type: AvgPool, Name: "pool", Kernel: Both(2)},
			{Type: Conv, Name: "conv2", Channels: 4, Kernel: Both(2)},
			{Type: Square, Name: "square2"},
			{Type: Flatten, Name: "flat"},
			{Type: Dense, Name: "fc1", Units: 5},
			{Type: Dense, Name: "fc2", Units: 3},
		}},
		"negative": {Input: []int{2, 4, 4}, Layers: []Layer{
			{Type: Polynomial, Name: "poly0", Coefficients: []float64{0.1, 1, -0.5}},
			{Type: Conv, Name: "conv", Channels: 3, Kernel: Both(3), Stride: Both(2), Padding: AllSides(1)},
			{Type: Polynomial, Name: "poly1", Coefficients: []float64{0.2, 0.5, -0.25}},
			{Type: Flatten, Name: "flat"},
			{Type: Dense, Name: "fc1", Units: 4},
			{Type: Polynomial, Name: "poly2", Coefficients: []float64{0, 0, 0, -0.75}},
			{Type: Dense, Name: "fc2", Units: 3},
		}},
	}
	for name, n := range nets {
		for _, perChannel := range []bool{false, true} {
			q, scaling := quantized(t, n, perChannel, 5)
			if folded := scaling[len(scaling)-1].Fold != nil; folded != perChannel {
				t.Errorf("%s: per channel %v, but the last layer folds: %v", name, perChannel, folded)
			}
			r := rand.New(rand.NewPCG(1, 1))
			x, real := make([]float64, size(n.Input)), make([]float64, size(n.Input))
			for i := range x {
				x[i] = float64(r.IntN(16) - 2)
				real[i] = x[i] * float64(q.Input.Scale)
			}
			outs := integers(q, scaling, x)
			for i, layer := range fakeQuantized(q, scaling) {
				real = layer(real)
				out := scaling[i].Out
				largest := 0.0
				for _, v := range real {
					largest = max(largest, math.Abs(v))
				}
				for k, v := range outs[i] {
					got := out[k*len(out)/len(outs[i])] * v
					// Sums of at most 108 terms in float64: 108*2^-53 a
					// layer, over eight layers.
					if math.Abs(got-real[k]) > 1e-12*largest {
						t.Errorf("%s, per channel %v, layer %q: element %d is %v, want %v", name, perChannel, n.Layers[i].Name, k, got, real[k])
					}
				}
			}
		}
	}
}

func TestNegativeScale(t *testing.T) {
	n := &Network{Input: []int{2}, Layers: []Layer{
		{Type: Polynomial, Name: "p", Coefficients: []float64{0, 0, -2}},
		{Type: Dense, Name: "fc", Units: 1},
	}}
	q := &Quantized{
		Network: n, Params: initialise(t, n, 1),
		Input:   quant.Params{Scale: 0.5, Bits: 4},
		Weights: []WeightQuantizer{{Layer: "fc", Bits: 4, Scales: []float32{0.25}}},
	}
	s, err := q.Scaling()
	if err != nil {
		t.Fatal(err)
	}
	if s[0].Out[0] != -0.5 || s[1].Out[0] != -0.125 {
		t.Errorf("scales %v and %v, want -0.5 and -0.125", s[0].Out, s[1].Out)
	}
	codes := make([]float64, 1)
	s[1].BiasCodes(codes, []float32{0.5})
	if codes[0] != -4 {
		t.Errorf("bias 0.5 at scale -0.125 is %v, want -4", codes[0])
	}
}

// The straight-through slopes are the finite differences of the surrogate
// clamp(fold*w/scale) away from the clamp, and 0 beyond it.
func TestWeightSlopes(t *testing.T) {
	s := LayerScaling{
		Fold:    []float32{1, -0.5},
		weights: &WeightQuantizer{Layer: "fc", Bits: 3, Scales: []float32{0.25, 1}},
	}
	w := []float32{0.5, 0.9, 0.5, -1.8, 3.4, 3.6, 3.4, 7.2} // grid -3..3
	got := make([]float32, len(w))
	s.WeightSlopes(got, w, 2)
	want := []float32{4, 0, -2, 0, 1, 0, -0.5, 0}
	codes := make([]float32, len(w))
	s.WeightCodes(codes, w, 2)
	wantCodes := []float32{2, 3, -1, 3, 3, 3, -2, -3}
	for k := range w {
		if got[k] != want[k] || codes[k] != wantCodes[k] {
			t.Errorf("weight %v: slope %v, code %v, want %v and %v", w[k], got[k], codes[k], want[k], wantCodes[k])
		}
	}
}

func TestScalingErrors(t *testing.T) {
	dense := func(name string) Layer { return Layer{Type: Dense, Name: name, Units: 2} }
	fc := WeightQuantizer{Layer: "fc", Bits: 4, Scales: []float32{1}}
	input := quant.Params{Scale: 1, Bits: 4}
	for _, c := range []struct {
		input   quant.Params
		layers  []Layer
		weights []WeightQuantizer
		want    string
	}{
		{quant.Params{Bits: 4}, []Layer{dense("fc")}, []WeightQuantizer{fc}, "model: input quantizer: scale 0"},
		{input, []Layer{{Type: Tanh, Name: "tanh1"}, dense("fc")}, []WeightQuantizer{fc}, `model: layer "tanh1" (tanh): needs a lookup table`},
		{input, []Layer{dense("fc")}, nil, `layer "fc" (dense): it has no weight quantizer`},
		{input, []Layer{dense("fc")}, []WeightQuantizer{fc, fc}, "2 weight quantizers for 1 weighted layers"},
		{input, []Layer{dense("a")}, []WeightQuantizer{fc}, `layer "a" (dense): weight quantizer of "fc"`},
		{input, []Layer{dense("fc")}, []WeightQuantizer{{Layer: "fc", Bits: 4, Scales: []float32{1, 1, 1}}}, "3 scales for 2 outputs"},
		{input, []Layer{dense("fc")}, []WeightQuantizer{{Layer: "fc", Bits: 4}}, "0 scales for 2 outputs"},
		{input, []Layer{dense("fc")}, []WeightQuantizer{{Layer: "fc", Bits: 17, Scales: []float32{1}}}, `layer "fc" (dense): 17 bits is outside 1..16`},
		{input, []Layer{dense("fc")}, []WeightQuantizer{{Layer: "fc", Bits: 4, Scales: []float32{-1}}}, `layer "fc" (dense): scale -1`},
		{quant.Params{Scale: 1e-30, Bits: 4}, []Layer{{Type: Polynomial, Name: "p", Coefficients: []float64{1e300, 0, 1e-300}}, dense("fc")}, []WeightQuantizer{fc}, `layer "p" (polynomial): integer coefficient`},
		{input, []Layer{{Type: Polynomial, Name: "p", Approximates: SiLU, Degree: 2, Method: "minimax", Percentile: 99}, dense("fc")}, []WeightQuantizer{fc}, `layer "p" (polynomial): it approximates silu but has no coefficients`},
		{input, []Layer{{Type: SiLU, Name: "silu1"}, dense("fc")}, []WeightQuantizer{fc}, `layer "silu1" (silu): needs a lookup table`},
	} {
		n := &Network{Input: []int{2}, Layers: c.layers}
		q := &Quantized{Network: n, Params: initialise(t, n, 1), Input: c.input, Weights: c.weights}
		s, err := q.Scaling()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if s != nil {
			t.Errorf("scaling beside error %v", err)
		}
		if strings.Contains(c.want, "lookup") != errors.Is(err, ErrNeedsTable) {
			t.Errorf("errors.Is(%v, ErrNeedsTable) is %v", err, errors.Is(err, ErrNeedsTable))
		}
	}
}
