package packed

import (
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle/bundletest"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// TestInsecureCiphertextsAreTheSameAtEveryLevel encrypts and evaluates with the
// same keys and randomness and all kernels that the machine has.
func TestInsecureCiphertextsAreTheSameAtEveryLevel(t *testing.T) {
	all := map[string]network{}
	for name, b := range map[string]*bundletest.Builder{
		"convolutions": bundletest.New(21, 4, 1, 10, 10).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Conv(3, 3, 1, 0, 7).Square().Dense(4, 7),
		"dense":        bundletest.New(22, 3, 30).Dense(9, 7).Square().Dense(5, 7).Square().Dense(3, 7),
	} {
		all[name] = network{b.Observed(), b.Samples(1)}
	}
	for _, name := range []string{"two linear skips", "product"} {
		all[name] = graphs(t)[name]
	}
	for name, n := range all {
		p, one := n.p, n.samples[0]
		check := func(t *testing.T, err error) {
			if t.Helper(); err != nil {
				t.Fatal(err)
			}
		}
		for scheme, newPlan := range map[string]func() (planned, error){
			"ckks": func() (planned, error) { return NewPlan(t.Context(), p, insecure(11)) },
			"bgv":  func() (planned, error) { return NewExactPlan(t.Context(), p, insecure(11)) },
		} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				// The first level's keys are for the plans of all.
				var key *rlwe.SecretKey
				var keys *EvaluationKeys
				wantOneResult(t, func() (in, out []engine.Ciphertext) {
					plan, err := newPlan()
					check(t, err)
					client, server := pairOf(t, plan)
					h := client.half
					if key == nil {
						key = client.secret
						keys, err = client.evaluationKeys(t.Context())
						check(t, err)
					}
					prepared, err := secret.Prepare(h.params, key)
					check(t, err)
					encrypter := prepared.Encrypter(sample.Seed{1})
					all := &Inputs{pair: client.pair, id: keys.id, cts: make([][]engine.Ciphertext, h.primes())}
					for k := range all.cts {
						tool := &tools{h.packer(k), encrypter}
						for v, view := range h.views {
							ct, err := tool.encrypt(view, one, len(h.Q), inputSeed([32]byte{}, k*len(h.views)+v))
							check(t, err)
							all.cts[k] = append(all.cts[k], ct)
						}
					}
					got, err := server.evaluate(t.Context(), all, keys, nil, nil)
					check(t, err)
					return slices.Concat(all.cts...), slices.Concat(got.cts...)
				})
			})
		}
	}
}

// wantOneResult runs f with the kernels of every level that the machine has.
func wantOneResult(t *testing.T, f func() (in, out []engine.Ciphertext)) {
	t.Helper()
	defer func(was cpu.Level) { cpu.Active = was }(cpu.Active)
	equal := func(a, b engine.Ciphertext) bool {
		return slices.EqualFunc(a, b, func(a, b engine.Poly) bool { return slices.EqualFunc(a, b, slices.Equal) })
	}
	var wantIn, wantOut []engine.Ciphertext
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		cpu.Active = level
		in, out := f()
		if level == cpu.Portable {
			wantIn, wantOut = in, out
			continue
		}
		if !slices.EqualFunc(in, wantIn, equal) {
			t.Errorf("%v: the input differs", level)
		}
		if !slices.EqualFunc(out, wantOut, equal) {
			t.Errorf("%v: the output differs", level)
		}
	}
}
