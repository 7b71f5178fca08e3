package bgv

import (
	"context"
	"encoding/hex"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle/bundletest"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/wire"
	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// A key may be 0 at a root of unity modulo one of the primes, with a probability of N/q a
// prime: its negative is 0 there, and not q. Once for all roots, with the key 0, and once
// for a key of which one root was found to be 0 modulo one of the primes of this plan.
func TestInsecureKeysThatAreZeroAtRoots(t *testing.T) {
	b := bundletest.New(30, 2, 4).Dense(5, 7).Square()
	p := b.Done()
	first := mustPlan(t, p, insecureOptions(10, 2))
	var seed sample.Seed
	if _, err := hex.Decode(seed[:], []byte("230168fb03d435f61d5f2f1cb52c479a9e780542d00e72bc3d91c85766ab674d")); err != nil {
		t.Fatal(err)
	}
	keys := []*rlwe.SecretKey{rlwe.NewSecretKey(first.params), secret.New(first.params, sample.NewStream(seed))}
	for k, key := range keys {
		zeros := 0
		for _, limb := range key.Value.Q.Coeffs {
			for _, x := range limb {
				if x == 0 {
					zeros++
				}
			}
		}
		t.Logf("key %d has %d zeros modulo %v", k, zeros, first.layout.q)
		if zeros == 0 {
			t.Errorf("key %d has no zero", k)
		}
		for _, level := range cputest.Levels(t, cpu.IFMA) {
			plan, err := build(p, first.circuit, first.layout, 1, level)
			if err != nil {
				t.Fatal(err)
			}
			client, server := newClient(plan.half, wire.KeyID{}, key), newEvaluator(plan)
			var in ciphertexts
			var out ciphertexts
			if err := client.encryptBatch(context.Background(), b.Samples(3), 0, &seeds{sample.Seed{1}, sample.Seed{2}}, &in); err != nil {
				t.Fatal(err)
			}
			if err := server.evaluate(context.Background(), &in, &out); err != nil {
				t.Fatal(err)
			}
			if _, left, err := client.residues(context.Background(), &out, nil); err != nil || left < plan.PredictedNoiseBitsLeft() {
				t.Errorf("%v: %.2f bits left, %.2f are predicted; %v", level, left, plan.PredictedNoiseBitsLeft(), err)
			}
		}
	}
}
