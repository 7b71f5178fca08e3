package choose_test

import (
	"context"
	"fmt"
	"log"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he/choose"
)

// A bundle answers a batch of images at once, or a single one with low latency; both
// exactly. The executor makes keys, encrypts, evaluates and decrypts.
func Example() {
	ctx := context.Background()
	f, err := bundle.ReadFile("testdata/digits.qb")
	if err != nil {
		log.Fatal(err)
	}
	d, err := datasets.Load(ctx, "digits", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	batch := [][]uint8{d.Test.Image(0), d.Test.Image(1), d.Test.Image(2)}
	for backend, images := range map[string][][]uint8{"bgv": batch, "packed-bgv": batch[:1]} {
		plan, err := choose.New(ctx, f.Program, choose.Options{Backend: backend, Images: len(images)})
		if err != nil {
			log.Fatal(err)
		}
		r, err := plan.Executor(f.Program).Run(ctx, images, nil)
		if err != nil {
			log.Fatal(err)
		}
		for i := range r.Answers.Len() {
			fmt.Println(backend, "image", i, "is a", f.Program.Labels[r.Answers.Label(f.Program.Output(), i)])
		}
	}
	// Unordered output:
	// bgv image 0 is a 0
	// bgv image 1 is a 8
	// bgv image 2 is a 2
	// packed-bgv image 0 is a 0
}
