package packed_test

import (
	"context"
	"fmt"
	"log"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he"
	"qtool/he/packed"
)

// A client and a server: the client has the secret key, the server the weights. What
// passes between them is ciphertexts, and evaluation keys before the first of them.
func Example() {
	ctx := context.Background()
	f, err := bundle.ReadFile("../choose/testdata/digits.qb")
	if err != nil {
		log.Fatal(err)
	}
	d, err := datasets.Load(ctx, "digits", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := packed.NewPlan(ctx, f.Program, packed.Options{})
	if err != nil {
		log.Fatal(err)
	}
	client := packed.NewClient(plan)
	keys, err := client.EvaluationKeys(ctx)
	if err != nil {
		log.Fatal(err)
	}
	server, err := packed.NewServer(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range f.Program.Input.Samples([][]uint8{d.Test.Image(0), d.Test.Image(1)}) {
		in, err := client.Encrypt(ctx, s)
		if err != nil {
			log.Fatal(err)
		}
		out, err := server.Evaluate(ctx, in, keys)
		if err != nil {
			log.Fatal(err)
		}
		reals, err := client.Decrypt(ctx, out)
		if err != nil {
			log.Fatal(err)
		}
		answer := he.Approximate{Reals: [][]float64{plan.Public(reals)}, Bound: plan.ErrorBound(true), Usual: plan.ErrorBound(false)}
		fmt.Println(f.Program.Labels[answer.Label(f.Program.Output(), 0)])
	}
	// Output:
	// 0
	// 8
}
