package sequence

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/internal/samebits"
	"qtool/model/sequence"
	"qtool/train"
	fit "qtool/train/sequence"
)

// An LSTM of tables: calibrated, fine-tuned, and its tables.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "6fd5c726ac258fa0b1bca09fc5ada90f2649f51ad6d53bf1e5737c09855afaac", func(w io.Writer) {
		ctx := context.Background()
		c, err := text.Load(ctx, "sentences", datasets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		v := text.NewVocabulary(c.Train, nil, 1)
		s := text.Selection{Kind: "chunk", Steps: 4}
		training, dev := fit.Samples(c.Train, v, s, nil)[:400], fit.Samples(c.Dev, v, s, nil)[:100]
		n := &sequence.Network{Cell: sequence.LSTM, Embedding: 8, Inputs: 6, Hidden: 7, Steps: 4}
		p, err := n.Initialise(v.Len(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"minmax", "mse"} {
			z, err := Start(ctx, n, p, Config{WeightBits: 4, InputBits: 4, StateBits: 4, WeightKind: kind, AccumulatorBits: 7, CellRange: 2}, training[:200])
			if err != nil {
				t.Fatal(err)
			}
			r, err := fit.Fit(ctx, fit.Task{
				Network: n, Params: z.Quantized().Params, Quantizer: z, Train: training, Dev: dev, Seed: 1,
				Config: train.Config{Epochs: 2, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Params {
				samebits.Write(w, p.Data)
			}
			samebits.Write(w, z.Quantized().Quantizers.Rows)
			var tables sequence.Tables
			tables.Update(z.Quantized())
			if err := json.NewEncoder(w).Encode([]any{r.History, tables}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
