package qat_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qtool/datasets"
	"qtool/train"
)

// BenchmarkWordEpoch is an epoch of 60,000 samples, 100 a step, with all of a training:
// words' vectors of 16 numbers and their gradients, loss, clipping and Adam, but no
// dropout; in float, and with tables and weights of 4 bits.
func BenchmarkWordEpoch(b *testing.B) {
	const samples, words = 60000, 2000
	config := train.Config{Epochs: 1, Batch: 100, LearningRate: 0.001, Schedule: "constant", Clip: 1}
	for _, c := range []struct{ steps, hidden int }{{5, 16}, {10, 32}, {20, 64}} {
		rng := rand.New(rand.NewPCG(1, 2))
		all := &datasets.Split{Shape: []int{c.steps}, Words: make([][][]int32, samples)}
		for i := range all.Words {
			all.Labels = append(all.Labels, uint8(rng.IntN(2)))
			for range c.steps {
				all.Words[i] = append(all.Words[i], []int32{rng.Int32N(words)})
			}
		}
		n := reader(words, c.steps, 16, 16, c.hidden)
		p, err := n.Initialise(1)
		if err != nil {
			b.Fatal(err)
		}
		for _, quantized := range []bool{false, true} {
			name := "float"
			if quantized {
				name = "tables"
			}
			b.Run(fmt.Sprintf("steps=%d/hidden=%d/%s", c.steps, c.hidden, name), func(b *testing.B) {
				task := train.Task{Network: n, Params: p, Train: all, Validation: all.First(100), Config: config, Seed: 1}
				for b.Loop() {
					if quantized {
						task.Quantizer = start(b, n, p, bits(4, "mse", 8), all.First(200))
					}
					if _, err := train.Fit(b.Context(), task); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
