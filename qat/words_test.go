package qat_test

import (
	"context"
	"slices"
	"testing"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// reader is an LSTM on words.
func reader(words, steps, embedding, inputs, hidden int) *model.Network {
	return &model.Network{Input: []int{steps}, Layers: []model.Layer{
		{Type: model.Embedding, Name: "embedding", Units: embedding, Words: words}, {Type: model.Projection, Name: "projection", Units: inputs},
		{Type: model.LSTM, Name: "lstm", Units: hidden}, {Type: model.Dense, Name: "output", Units: 1},
	}}
}

// bits is a configuration of tables, with weights of so many bits too.
func bits(n int, kind string, accumulator int) calibrate.Config {
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: n, Kind: kind}, Input: calibrate.InputConfig{Bits: n, Observer: "minmax"},
		Accumulator: calibrate.AccumulatorConfig{Bits: accumulator}, CellRange: 2, Images: 200,
	}
	c.Activations.Bits = n
	return c
}

func reviews(t testing.TB, s encode.Selection) (training, dev *datasets.Split, words int) {
	t.Helper()
	c, err := text.Load(context.Background(), "sentences", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := text.NewVocabulary(c.Train, nil, 1)
	return text.Samples(c.Train, v, s, nil), text.Samples(c.Dev, v, s, nil), v.Len()
}

// start rounds a network and makes it ready for training.
func start(t testing.TB, n *model.Network, p model.Parameters, c calibrate.Config, s *datasets.Split) *qat.Quantizer {
	t.Helper()
	q, err := ptq.Quantize(context.Background(), n, p, c, s)
	if err != nil {
		t.Fatal(err)
	}
	z, err := qat.Training(q, qat.OptionsOf(c, n))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Fine-tuning at 3 bits repairs what rounding broke, and every row's accumulator
// keeps to its bound.
func TestFineTuningWords(t *testing.T) {
	ctx := context.Background()
	training, dev, words := reviews(t, encode.Selection{Kind: "chunk", Steps: 6})
	n := reader(words, 6, 10, 6, 8)
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	task := train.Task{Network: n, Params: p, Train: training, Validation: dev, Seed: 1,
		Config: train.Config{Epochs: 4, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1}}
	float, err := train.Fit(ctx, task)
	if err != nil {
		t.Fatal(err)
	}
	z := start(t, n, float.Params, bits(3, "mse", 6), training)
	accuracy := func() float64 {
		e, err := train.NewEvaluator(n, z.Quantized().Params, z)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		a, err := e.Accuracy(ctx, dev)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	before := accuracy()
	task.Params, task.Quantizer = z.Quantized().Params, z
	task.Config.Epochs, task.Config.LearningRate, task.Config.Patience = 3, 0.003, 3
	tuned, err := train.Fit(ctx, task)
	if err != nil {
		t.Fatal(err)
	}
	after := accuracy()
	if best := tuned.History[tuned.Best-1].Validation; after != best {
		t.Errorf("accuracy %v after training, its best epoch had %v", after, best)
	}
	if after < before-0.02 {
		t.Errorf("accuracy %v, before fine-tuning %v", after, before)
	}
	t.Logf("float %.3f, rounded %.3f, fine-tuned %.3f", float.History[3].Validation, before, after)
	r, err := z.Quantized().Recurrence(2)
	if err != nil {
		t.Fatal(err)
	}
	var tables model.CellTables
	tables.Update(r)
	for r, gate := range tables.Gates {
		if len(gate.Codes) > 1<<6 {
			t.Errorf("row %d: a table of %d entries, want at most 64", r, len(gate.Codes))
		}
	}
	rows := slices.Clone(r.Weights.Scales)
	again, err := qat.New(z.Quantized())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Refresh(z.Quantized().Params); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rows, again.Quantized().Weights[0].Scales) {
		t.Fatal("a finished network's scales moved")
	}
}

// Polynomial gates are trained on through their rounding, and what is off in a mixed
// network computes in float.
func TestMixedWords(t *testing.T) {
	ctx := context.Background()
	training, dev, words := reviews(t, encode.Selection{Kind: "chunk", Steps: 4})
	for _, recurrent := range []model.Layer{
		{Type: model.LSTM}, {Type: model.GRU}, {Type: model.LSTM, Gates: &model.Gates{Degree: 3, Radius: 4, Penalty: 10, Inside: 0.7}},
	} {
		n := reader(words, 4, 8, 6, 6)
		recurrent.Name, recurrent.Units = "lstm", 6
		n.Layers[2] = recurrent
		p, err := n.Initialise(1)
		if err != nil {
			t.Fatal(err)
		}
		c := bits(4, "mse", 0)
		if recurrent.Gates != nil {
			c.Activations.Bits, c.CellRange, c.Fraction = 0, 0, 16
		}
		z := start(t, n, p, c, training)
		if _, err := train.Fit(ctx, train.Task{Network: n, Params: p, Quantizer: z, Train: training.First(500), Validation: dev, Seed: 1,
			Config: train.Config{Epochs: 1, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1}}); err != nil {
			t.Fatal(err)
		}
		q := z.Quantized()
		logits := func(z train.Quantizer) []float32 {
			e, err := train.NewEvaluator(n, q.Params, z)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			l, err := e.Logits(ctx, dev)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		mixed := func(on func(string) bool) []float32 {
			m, err := qat.Mixed(q, q.Params, on)
			if err != nil {
				t.Fatal(err)
			}
			return logits(m)
		}
		if !slices.Equal(mixed(func(string) bool { return true }), logits(z)) {
			t.Error("with all on it is another network than the quantized one")
		}
		float, off := logits(nil), mixed(func(string) bool { return false })
		for i := range float {
			if d := float[i] - off[i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("sentence %d: %v with all off, %v in float", i, off[i], float[i])
			}
		}
		if slices.Equal(mixed(func(name string) bool { return name == "lstm" }), off) {
			t.Error("the recurrent layer alone makes no difference")
		}
	}
}
