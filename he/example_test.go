package he_test

import (
	"context"
	"fmt"
	"log"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he/choose"
)

// A bundle answers a batch of samples at once, or a single one with low latency; both
// exactly. The executor makes keys, encrypts, evaluates and decrypts.
func Example() {
	ctx := context.Background()
	f, err := bundle.ReadFile("choose/testdata/digits.qb")
	if err != nil {
		log.Fatal(err)
	}
	d, err := datasets.Load(ctx, "digits", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	batch := f.Program.Input.Samples([][]uint8{d.Test.Image(0), d.Test.Image(1), d.Test.Image(2)})
	for backend, samples := range map[string][]bundle.Sample{"bgv": batch, "packed-bgv": batch[:1]} {
		plan, err := choose.New(ctx, f.Program, choose.Options{Backend: backend, Samples: len(samples)})
		if err != nil {
			log.Fatal(err)
		}
		r, err := plan.Executor(f.Program).Run(ctx, samples, nil)
		if err != nil {
			log.Fatal(err)
		}
		for i := range r.Answers.Len() {
			fmt.Println(backend, "digit", i, "is a", f.Program.Labels[r.Answers.Label(f.Program.Output(), i)])
		}
	}
	// Unordered output:
	// bgv digit 0 is a 0
	// bgv digit 1 is a 8
	// bgv digit 2 is a 2
	// packed-bgv digit 0 is a 0
}
