package bgvlut

import (
	"context"
	"slices"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// atEveryLevel runs f with the kernels of every level that the machine has.
func atEveryLevel(t *testing.T, f func(level cpu.Level)) {
	t.Helper()
	defer func(was cpu.Level) { cpu.Active = was }(cpu.Active)
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		cpu.Active = level
		f(level)
	}
}

// TestInsecureCiphertextsAreTheSameAtEveryLevel encrypts and evaluates with the
// same keys and randomness and all kernels that the machine has.
func TestInsecureCiphertextsAreTheSameAtEveryLevel(t *testing.T) {
	for name, b := range map[string]*bundletest.Builder{
		"dense": bundletest.New(30, 2, 12).Narrow(15).Dense(5, 3).RandomTable(2).Narrow(9).Dense(4, 3).Sigmoid(2).Narrow(20).Dense(3, 3),
		"pools": bundletest.New(31, 1, 1, 6, 6).Narrow(7).Conv(2, 3, 1, 0, 3).RandomTable(2).Pool(2, 2).Narrow(20).Dense(3, 3),
	} {
		t.Run(name, func(t *testing.T) {
			first := mustPlan(t, b.Done(), insecureOptions(10))
			secret := secret.NewFromSystem(first.ring.Parameters())
			key := newClient(first.half, wire.KeyID{}, secret).evaluationKeys(sample.NewSeed())
			samples := b.Samples(500)
			var want [2][]ciphertext
			atEveryLevel(t, func(level cpu.Level) {
				plan, err := buildPlan(first.program, first.stages, first.tables, first.layout, 0)
				if err != nil {
					t.Fatal(err)
				}
				ready, err := plan.switchers(key)
				if err != nil {
					t.Fatal(err)
				}
				var in, out ciphertexts
				if err := newClient(plan.half, wire.KeyID{}, secret).encryptBatch(context.Background(), samples, &seeds{sample.Seed{1}, sample.Seed{2}}, &in, nil); err != nil {
					t.Fatal(err)
				}
				if err := plan.prepare().newEvaluator(ready).evaluate(context.Background(), &in, &out, nil); err != nil {
					t.Fatal(err)
				}
				for i, got := range [][]ciphertext{in, out} {
					if level == cpu.Portable {
						want[i] = got
					} else if !slices.EqualFunc(got, want[i], equal) {
						t.Errorf("%v: %s differ", level, []string{"inputs", "outputs"}[i])
					}
				}
			})
		})
	}
}

func equal(a, b ciphertext) bool {
	return slices.EqualFunc(a[0], b[0], slices.Equal) && slices.EqualFunc(a[1], b[1], slices.Equal)
}
