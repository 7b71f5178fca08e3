package qat_test

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

var loadDigits = sync.OnceValues(func() (*datasets.Dataset, error) {
	return datasets.Load(context.Background(), "digits", datasets.Options{})
})

// mixedCases are networks with every kind of tensor that quantization touches.
func mixedCases() map[string]*model.Network {
	with := func(between ...model.Layer) *model.Network {
		layers := []model.Layer{
			{Type: model.AvgPool, Name: "shrink", Kernel: model.Both(4)},
			{Type: model.Conv, Name: "conv", Channels: 4, Kernel: model.Both(3), Padding: model.AllSides(1)},
		}
		layers = append(layers, between...)
		return &model.Network{Input: []int{1, 28, 28}, Layers: append(layers,
			model.Layer{Type: model.Flatten, Name: "flat"}, model.Layer{Type: model.Dense, Name: "fc", Units: 10})}
	}
	return map[string]*model.Network{
		"square":     with(model.Layer{Type: model.Square, Name: "act"}, model.Layer{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2)}),
		"polynomial": with(model.Layer{Type: model.Polynomial, Name: "act", Coefficients: []float64{0.1, 0.5, 0.25}}),
		"table": with(model.Layer{Type: model.BatchNorm, Name: "norm"}, model.Layer{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2)},
			model.Layer{Type: model.Tanh, Name: "act"}),
	}
}

// mixedCase is a trained network and what post-training quantization made of it.
type mixedCase struct {
	*ptq.Result
	images *datasets.Split // neither trained nor calibrated with
}

func newMixedCase(t *testing.T, n *model.Network, perChannel bool, shift int) mixedCase {
	t.Helper()
	d, err := loadDigits()
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	fit, err := train.Fit(context.Background(), train.Task{Network: n, Params: p, Train: d.Train.First(400), Seed: 1, Config: train.Config{
		Epochs: 3, Batch: 20, LearningRate: 0.01, Schedule: "constant", Clip: 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 3, PerChannel: perChannel}, Input: calibrate.InputConfig{Bits: 2, Observer: "minmax"}, Images: 100,
	}
	if slices.ContainsFunc(n.Layers, model.Layer.LookupTable) {
		c.Activations.Bits, c.Accumulator.Shift = 2, shift
	}
	r, err := ptq.Run(context.Background(), ptq.Task{
		Network: n, Params: fit.Params, Config: c, Images: d.Train.First(100), Options: ptq.Options{LearnedRounding: true, BiasCorrection: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return mixedCase{r, d.Test.First(600)}
}

func (c mixedCase) predict(t *testing.T, n *model.Network, p model.Parameters, z train.Quantizer) []int {
	t.Helper()
	e, err := train.NewEvaluator(n, p, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	answers, err := e.Predict(context.Background(), c.images)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func (c mixedCase) mixed(t *testing.T, on ...string) []int {
	t.Helper()
	z, err := qat.Mixed(c.Quantized, c.Float, func(name string) bool { return slices.Contains(on, name) })
	if err != nil {
		t.Fatal(err)
	}
	return c.predict(t, c.Quantized.Network, c.Quantized.Params, z)
}

func flips(a, b []int) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// With everything on it is the quantized network, with nothing the float one, and
// with one tensor what the definition says, in float64 on reals.
func TestMixed(t *testing.T) {
	for name, n := range mixedCases() {
		for _, perChannel := range []bool{false, true} {
			c := newMixedCase(t, n, perChannel, 0)
			all := []string{qat.InputName, "conv", "act", "fc"}
			z, err := qat.New(c.Quantized)
			if err != nil {
				t.Fatal(err)
			}
			quantized := c.predict(t, c.Quantized.Network, c.Quantized.Params, z)
			float := c.predict(t, c.Quantized.Network, c.Float, nil)
			if k := flips(c.mixed(t, all...), quantized); k != 0 {
				t.Errorf("%s: with all tensors on %d answers differ from the quantized network's", name, k)
			}
			if k := flips(c.mixed(t), float); k != 0 {
				t.Errorf("%s: with none on %d answers differ from the float network's", name, k)
			}
			if flips(quantized, float) < 20 {
				t.Errorf("%s: quantization changes %d answers: this tests nothing", name, flips(quantized, float))
			}
			for _, one := range all {
				others := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
				for _, on := range [][]string{{one}, others} {
					for k, a := range c.mixed(t, on...) {
						// Integer logits tie, and reals miss a tie by rounding.
						logits := c.reals(t, k, on)
						if best := slices.Max(logits); best-logits[a] > 1e-5*math.Abs(best) {
							t.Errorf("%s, per channel %v: with %v on the answer to image %d is %d, by the definition the logits are %v", name, perChannel, on, k, a, logits)
							break
						}
					}
				}
			}
		}
	}
}

// A table's rounding shift belongs to it.
func TestMixedShift(t *testing.T) {
	c := newMixedCase(t, mixedCases()["table"], false, 3)
	z, err := qat.New(c.Quantized)
	if err != nil {
		t.Fatal(err)
	}
	quantized := c.predict(t, c.Quantized.Network, c.Quantized.Params, z)
	if k := flips(c.mixed(t, qat.InputName, "conv", "act", "fc"), quantized); k != 0 {
		t.Errorf("%d answers differ", k)
	}
	if k := flips(c.mixed(t), c.predict(t, c.Quantized.Network, c.Float, nil)); k != 0 {
		t.Errorf("%d answers differ from the float network's", k)
	}
}

// reals are the logits of image k in the mixed network by its definition: tensors
// that are on have the reals that their integers stand for.
func (c mixedCase) reals(t *testing.T, k int, on []string) []float64 {
	t.Helper()
	q, n := c.Quantized, c.Quantized.Network
	scaling, err := q.Scaling()
	if err != nil {
		t.Fatal(err)
	}
	shapes, err := n.Shapes()
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, len(c.images.Image(k)))
	for i, b := range c.images.Image(k) {
		v := float32(b) / 255
		if slices.Contains(on, qat.InputName) {
			v = q.Input.FakeQuantize(v)
		}
		x[i] = float64(v)
	}
	in, scales := n.Input, []float64{float64(q.Input.Scale)}
	for i, l := range n.Layers {
		is, s := slices.Contains(on, l.Name), &scaling[i]
		switch {
		case l.Weighted():
			weight, bias := c.Float.Of(l.Name)
			if is {
				weight, bias = realWeights(q, s, l, scales)
			}
			x = l.Forward([][]float64{x}, in, shapes[i], weight, bias)
		case l.Type == model.BatchNorm:
			slope, offset := c.Float.Normalisation(l.Name)
			for j := range x {
				at := j * len(slope) / len(x)
				x[j] = slope[at]*x[j] + offset[at]
			}
		case l.Type == model.Polynomial && is:
			y := make([]float64, len(x))
			for j, v := range x {
				at := j * len(scales) / len(x)
				for d := len(s.Coeffs[at]) - 1; d >= 0; d-- {
					y[j] = y[j]*v/scales[at] + s.Coeffs[at][d]
				}
				y[j] *= s.Out[at]
			}
			x = y
		case l.LookupTable() && is:
			y := make([]float64, len(x))
			for j, v := range x {
				y[j] = float64(s.Table.Params.FakeQuantize(float32(l.Apply(v))))
			}
			x = y
		default:
			x = l.Forward([][]float64{x}, in, shapes[i], nil, nil)
		}
		in, scales = shapes[i], s.Out
	}
	return x
}

// realWeights are the reals that the layer's integers stand for.
func realWeights(q *model.Quantized, s *model.LayerScaling, l model.Layer, in []float64) (weight, bias []float32) {
	w, b := q.Params.Of(l.Name)
	weight, bias = make([]float32, len(w)), slices.Clone(b)
	row := len(w) / len(b)
	s.WeightCodes(weight, w, len(b))
	for k := range weight {
		weight[k] *= float32(s.Out[k/row%len(s.Out)] / in[k%row*len(in)/row])
	}
	if !s.Deferred {
		codes := make([]float64, len(b))
		s.BiasCodes(codes, b)
		for o, v := range codes {
			bias[o] = float32(v * s.Out[o%len(s.Out)])
		}
	}
	return weight, bias
}

func TestMixedErrors(t *testing.T) {
	q := quantized(t, network(model.Square))
	for i := range q.Weights {
		q.Weights[i].Scales = []float32{0.1}
	}
	none := func(string) bool { return false }
	if _, err := qat.Mixed(q, q.Params[:1], none); err == nil {
		t.Error("parameters of another network are accepted")
	}
	broken := q.Params.Clone()
	broken[0].Data[0] = float32(math.NaN())
	z, err := qat.Mixed(q, broken, none)
	if err == nil {
		_, err = train.NewEvaluator(q.Network, q.Params, z)
	}
	if err == nil {
		t.Error("a weight that is no number is accepted")
	}
}
