package qat_test

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"qtool/encode"
	"qtool/internal/samebits"
	"qtool/model"
	"qtool/train"
)

// An LSTM of tables: calibrated, fine-tuned, and its tables.
func TestSameBitsOfWords(t *testing.T) {
	samebits.Check(t, "6fd5c726ac258fa0b1bca09fc5ada90f2649f51ad6d53bf1e5737c09855afaac", func(w io.Writer) {
		training, dev, words := reviews(t, encode.Selection{Kind: "chunk", Steps: 4})
		training, dev = training.First(400), dev.First(100)
		n := reader(words, 4, 8, 6, 7)
		p, err := n.Initialise(1)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"minmax", "mse"} {
			z := start(t, n, p, bits(4, kind, 7), training)
			r, err := train.Fit(context.Background(), train.Task{
				Network: n, Params: p, Quantizer: z, Train: training, Validation: dev, Seed: 1,
				Config: train.Config{Epochs: 2, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Params {
				samebits.Write(w, p.Data)
			}
			l, err := z.Quantized().Recurrence(2)
			if err != nil {
				t.Fatal(err)
			}
			samebits.Write(w, l.Weights.Scales)
			var tables model.CellTables
			tables.Update(l)
			cell := struct {
				W, U      []float32
				Gates     []model.LookupTable
				Slope     []float64
				Squares   [3]model.LookupTable
				Divisors  [3]float32
				Cell, Out model.LookupTable
				SumScale  float64
			}{tables.W, tables.U, tables.Gates, tables.Slope, tables.Squares, tables.Divisors, tables.Cell, tables.Out, tables.SumScale}
			if err := json.NewEncoder(w).Encode([]any{r.History, cell}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
