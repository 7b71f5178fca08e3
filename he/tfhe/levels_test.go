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
	p := newNet(t, seeded(40), net{bits: 1, maxWeight: 3, domain: 8, table: sigmoid(2), widths: []int{20, 6, 3}})
	several := testInsecureLiteral()
	several.Group, several.LogAccumulators = 3, 1
	for name, plan := range map[string]*Plan{
		"two accumulators": forced(t, p, several),
		"words":            forced(t, p, testInsecureLiteral()),
		"precise":          precisely(t, skips(t, 77, 901, 1013), testInsecureLiteral()),
		"precise, 58 bits": precisely(t, skips(t, 77, 901, 1013), preciseLiteral()),
	} {
		t.Run(name, func(t *testing.T) { sameAtEveryLevel(t, plan) })
	}
}

func sameAtEveryLevel(t *testing.T, plan *Plan) {
	secret := NewSecretKey(plan.params)
	keys, err := secret.evaluationKeys(context.Background(), [32]byte{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	one := randomSamples(seeded(41), 1, plan.program)[0]
	var sent [][2][]uint64
	var logits *Output
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		cpu.Active = level
		again, public := *plan, *keys
		again.params = mustParameters(t, plan.params.ParametersLiteral)
		own := newSecretKey(again.params, secret.id)
		copy(own.bigKey, secret.bigKey)
		copy(own.smallKey, secret.smallKey)
		own.prepare()
		public.params = again.params
		if !slices.Equal(own.ntt, secret.ntt) {
			t.Errorf("%v: the secret's transform differs", level)
		}
		half := *plan.half
		half.params, again.half = again.params, &half
		client := &Client{client: &client{input: plan.program.Input, half: &half, secret: own}}
		in, err := client.encryptWith(one, sample.Seed{1}, sample.Seed{2})
		if err != nil {
			t.Fatal(err)
		}
		out, err := newServer(&again, client.pair).evaluate(context.Background(), &public, in, &evaluation{})
		if err != nil {
			t.Fatal(err)
		}
		if level == cpu.Portable {
			sent, logits = in.parts, out
			continue
		}
		same := func(a, b [2][]uint64) bool { return slices.Equal(a[0], b[0]) && slices.Equal(a[1], b[1]) }
		if !slices.EqualFunc(in.parts, sent, same) {
			t.Errorf("%v: the input differs", level)
		}
		if !slices.EqualFunc(out.logits, logits.logits, slices.Equal[bigKey]) || !slices.EqualFunc(out.exact, logits.exact, slices.Equal[exact]) {
			t.Errorf("%v: the logits differ", level)
		}
	}
}
