package packed_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he"
	"qtool/he/packed"
	"qtool/he/roles"
	"qtool/he/wire"
)

// A client and a server, which each have their half of a plan: the client has the secret
// key, the server the weights. What passes between them is bytes: evaluation keys once,
// then ciphertexts.
func Example() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	f, err := bundle.ReadFile("../choose/testdata/digits.qb")
	check(err)
	d, err := datasets.Load(ctx, "digits", datasets.Options{})
	check(err)
	plan, err := packed.NewPlan(ctx, f.Program, packed.Options{})
	check(err)
	spec, half, err := roles.Split(f, plan)
	check(err)

	// The client's side: of the weights it knows nothing.
	client, err := packed.NewClient(spec)
	check(err)
	var keys, in, out bytes.Buffer
	check(client.WriteEvaluationKeys(ctx, &keys, nil))

	// The server's side: it has no secret.
	server, err := half.NewServer(ctx)
	check(err)
	evaluation, err := server.ReadKeys(ctx, &keys)
	check(err)

	for i, s := range f.Program.Input.Samples([][]uint8{d.Test.Image(0), d.Test.Image(1)}) {
		place := wire.Message{Index: uint32(i), Samples: 1}
		check(client.Encrypt(ctx, []bundle.Sample{s}, place, &in, nil))
		message, err := wire.Open(&in)
		check(err)
		check(server.Evaluate(ctx, evaluation, message, &out, nil))
		answer, err := wire.Open(&out)
		check(err)
		got, err := client.Decrypt(ctx, answer, nil)
		check(err)
		reals := got.Answers.(he.Approximate)
		fmt.Println(spec.Labels[reals.Label(&spec.Output, 0)], reals.Undecided(&spec.Output, 0))
	}
	// Output:
	// 0 false
	// 8 false
}
