package verify_test

import (
	"context"
	"fmt"
	"log"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he"
	"qtool/he/choose"
	"qtool/verify"
	"qtool/verify/integer"
)

// The integer program and its encrypted evaluation side by side: the ladder's last two
// stages, which must agree on every logit.
func Example() {
	ctx := context.Background()
	f, err := bundle.ReadFile("../he/choose/testdata/digits.qb")
	if err != nil {
		log.Fatal(err)
	}
	d, err := datasets.Load(ctx, "digits", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	p, images := f.Program, make([][]uint8, 100)
	for i := range images {
		images[i] = d.Test.Image(i)
	}
	reference, err := integer.New(p)
	if err != nil {
		log.Fatal(err)
	}
	plain, err := reference.Run(ctx, p.Input.Samples(images), nil)
	if err != nil {
		log.Fatal(err)
	}
	plan, err := choose.New(ctx, p, choose.Options{Backend: "bgv", Samples: len(images)})
	if err != nil {
		log.Fatal(err)
	}
	encrypted, err := verify.Run(ctx, verify.Task{Executor: plan.Executor(p), Input: p.Input, Samples: images})
	if err != nil {
		log.Fatal(err)
	}
	ladder := verify.Ladder{Output: p.Output(), Labels: d.Test.Labels[:len(images)], Integer: plain.Answers.(he.Exact), Encrypted: encrypted.Answers}
	c, err := ladder.Compare()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d mismatches, %d flips, accuracy %.2f\n", c.LogitMismatches, c.Flips.IntegerEncrypted, *c.Accuracy.Encrypted)
	// Output:
	// 0 mismatches, 0 flips, accuracy 0.94
}
