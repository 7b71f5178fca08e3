package sequence

import (
	"context"
	"testing"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model/sequence"
	"qtool/train"
	fit "qtool/train/sequence"
)

// Fine-tuning at 3 bits repairs what rounding broke, and every row's accumulator
// keeps to its bound.
func TestFineTuning(t *testing.T) {
	ctx := context.Background()
	c, err := text.Load(ctx, "sentences", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := text.NewVocabulary(c.Train, nil, 1)
	s := text.Selection{Kind: "chunk", Steps: 6}
	training, dev := fit.Samples(c.Train, v, s, nil), fit.Samples(c.Dev, v, s, nil)
	n := &sequence.Network{Cell: sequence.LSTM, Embedding: 10, Inputs: 6, Hidden: 8, Steps: 6}
	p, err := n.Initialise(v.Len(), 1)
	if err != nil {
		t.Fatal(err)
	}
	task := fit.Task{Network: n, Params: p, Train: training, Dev: dev, Seed: 1,
		Config: train.Config{Epochs: 4, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1}}
	float, err := fit.Fit(ctx, task)
	if err != nil {
		t.Fatal(err)
	}
	z, err := Start(ctx, n, float.Params, Config{WeightBits: 3, InputBits: 3, StateBits: 3, WeightKind: "mse", AccumulatorBits: 6, CellRange: 2}, training[:200])
	if err != nil {
		t.Fatal(err)
	}
	accuracy := func() float64 {
		e, err := fit.NewEvaluator(n, z.Quantized().Params, z)
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
	tuned, err := fit.Fit(ctx, task)
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
	var tables sequence.Tables
	tables.Update(z.Quantized())
	for r, gate := range tables.Gates {
		if len(gate.Codes) > 1<<6 {
			t.Errorf("row %d: a table of %d entries, want at most 64", r, len(gate.Codes))
		}
	}
	again, err := New(z.Quantized())
	if err != nil {
		t.Fatal(err)
	}
	rows := append([]float32(nil), z.Quantized().Quantizers.Rows...)
	if err := again.Refresh(z.Quantized().Params); err != nil {
		t.Fatal(err)
	}
	for r, s := range again.Quantized().Quantizers.Rows {
		if s != rows[r] {
			t.Fatal("a finished network's scales moved")
		}
	}
}
