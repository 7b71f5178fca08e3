package train_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"qtool/ptq"
	"qtool/qat"
	"qtool/recipe"
	"qtool/train"
)

// BenchmarkEpoch trains the network of every embedded recipe on generated
// digits, with the recipe's own batch and augmentation, in float and with fake
// quantization. Each round is a fixed number of steps; s/epoch is extrapolated
// to MNIST's 60,000 images, best-s/epoch from the fastest tenth of the steps,
// which other work on the machine disturbs least.
func BenchmarkEpoch(b *testing.B) {
	const steps = 20
	for _, name := range recipe.Names() {
		r, err := recipe.Load(name, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, quantize := range []bool{false, true} {
			if quantize && r.Quantize.Method == "none" {
				continue
			}
			kind := "float"
			if quantize {
				kind = "qat"
			}
			b.Run(strings.Join([]string{name, kind}, "/"), func(b *testing.B) {
				params, err := r.Network.Initialise(r.Seed)
				if err != nil {
					b.Fatal(err)
				}
				images, _ := digits(b, 6000, 0)
				k := train.Task{Network: &r.Network, Params: params, Train: images, Config: r.Train, Seed: r.Seed}
				if quantize {
					q, err := ptq.Quantize(k.Network, params, r.Quantize.Config, images)
					if err != nil {
						b.Fatal(err)
					}
					if k.Quantizer, err = qat.Training(q, qat.OptionsOf(r.Quantize.Config, q.Network)); err != nil {
						b.Fatal(err)
					}
					k.Config = r.Quantize.Finetune
				}
				var spent []time.Duration // of each step
				b.ReportAllocs()
				for b.Loop() {
					ctx, cancel := context.WithCancel(context.Background())
					var last time.Time
					step := 0
					k.Progress = func(train.Progress) {
						now := time.Now()
						if step++; step > 1 { // graphs are built, buffers warm
							spent = append(spent, now.Sub(last))
						}
						if last = now; step == 1+steps {
							cancel()
						}
					}
					if _, err := train.Fit(ctx, k); !errors.Is(err, context.Canceled) {
						b.Fatalf("%v after %d steps", err, step)
					}
				}
				epoch := func(spent []time.Duration) float64 {
					sum := 0.0
					for _, s := range spent {
						sum += s.Seconds()
					}
					return sum / float64(len(spent)*k.Config.Batch) * 60000
				}
				b.ReportMetric(epoch(spent), "s/epoch")
				slices.Sort(spent)
				b.ReportMetric(epoch(spent[:len(spent)/10]), "best-s/epoch")
			})
		}
	}
}
