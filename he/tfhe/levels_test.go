package tfhe

import (
	"context"
	"slices"
	"testing"

	"qtool/he/internal/sample"
	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// TestInsecureCiphertextsAreTheSameAtEveryLevel encrypts and looks up with the same
// keys and randomness and all kernels that the machine has.
func TestInsecureCiphertextsAreTheSameAtEveryLevel(t *testing.T) {
	defer func(was cpu.Level) { cpu.Active = was }(cpu.Active)
	rng := seeded(40)
	p := newNet(t, rng, net{bits: 1, maxWeight: 3, domain: 8, table: sigmoid(2), widths: []int{20, 6, 3}})
	plan := forced(t, p, testInsecureLiteral())
	secret := NewSecretKey(plan.params)
	keys, err := secret.EvaluationKeys(context.Background(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := randomSamples(rng, 1, plan.program)[0]
	var sent [][2][]uint64
	var logits []wide
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		cpu.Active = level
		again, public := *plan, *keys
		again.params = mustParameters(t, plan.params.ParametersLiteral)
		own := newSecretKey(again.params, secret.id)
		copy(own.wide, secret.wide)
		copy(own.narrow, secret.narrow)
		own.prepare()
		public.params = again.params
		if !slices.Equal(own.ntt, secret.ntt) {
			t.Errorf("%v: the secret's transform differs", level)
		}
		client, err := NewClientWithKey(&again, own)
		if err != nil {
			t.Fatal(err)
		}
		client.sampler = again.params.newSampler(sample.Seed{1})
		in, err := client.Encrypt(one)
		if err != nil {
			t.Fatal(err)
		}
		server, err := NewServer(&again, &public)
		if err != nil {
			t.Fatal(err)
		}
		out, err := server.Evaluate(context.Background(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if level == cpu.Portable {
			sent, logits = in.parts, out.logits
			continue
		}
		same := func(a, b [2][]uint64) bool { return slices.Equal(a[0], b[0]) && slices.Equal(a[1], b[1]) }
		if !slices.EqualFunc(in.parts, sent, same) {
			t.Errorf("%v: the input differs", level)
		}
		if !slices.EqualFunc(out.logits, logits, func(a, b wide) bool { return slices.Equal(a, b) }) {
			t.Errorf("%v: the logits differ", level)
		}
	}
}
