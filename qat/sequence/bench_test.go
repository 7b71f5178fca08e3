package sequence

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qtool/model/sequence"
	"qtool/train"
	fit "qtool/train/sequence"
)

// BenchmarkEpoch is an epoch of 60,000 samples, 100 a step, with all of a training:
// words' vectors of 16 numbers and their gradients, loss, clipping and Adam, but no
// dropout; in float, and with tables and weights of 4 bits.
func BenchmarkEpoch(b *testing.B) {
	const samples, words = 60000, 2000
	config := train.Config{Epochs: 1, Batch: 100, LearningRate: 0.001, Schedule: "constant", Clip: 1}
	for _, c := range []struct{ steps, hidden int }{{5, 16}, {10, 32}, {20, 64}} {
		rng := rand.New(rand.NewPCG(1, 2))
		all := make([]fit.Sample, samples)
		for i := range all {
			all[i].Label = uint8(rng.IntN(2))
			for range c.steps {
				all[i].Steps = append(all[i].Steps, []int32{rng.Int32N(words)})
			}
		}
		n := &sequence.Network{Cell: sequence.LSTM, Embedding: 16, Inputs: 16, Hidden: c.hidden, Steps: c.steps}
		p, err := n.Initialise(words, 1)
		if err != nil {
			b.Fatal(err)
		}
		for _, quantized := range []bool{false, true} {
			name := "float"
			if quantized {
				name = "tables"
			}
			b.Run(fmt.Sprintf("steps=%d/hidden=%d/%s", c.steps, c.hidden, name), func(b *testing.B) {
				task := fit.Task{Network: n, Params: p, Train: all, Dev: all[:100], Config: config, Seed: 1}
				for b.Loop() {
					if quantized {
						if task.Quantizer, err = Start(b.Context(), n, p, Config{WeightBits: 4, InputBits: 4, StateBits: 4, WeightKind: "mse", AccumulatorBits: 8, CellRange: 2}, all[:200]); err != nil {
							b.Fatal(err)
						}
					}
					if _, err := fit.Fit(b.Context(), task); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
