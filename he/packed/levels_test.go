package packed

import (
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle/bundletest"
	"qtool/he/internal/sample"
	"qtool/he/packed/engine"
	"qtool/he/wire"
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
		var secret *rlwe.SecretKey
		var keys *EvaluationKeys
		check := func(t *testing.T, err error) {
			if t.Helper(); err != nil {
				t.Fatal(err)
			}
		}
		// prepare makes the keys with the first level's plan, for the plans of all.
		prepare := func(t *testing.T, c *common) {
			if secret == nil {
				var err error
				secret = rlwe.NewKeyGenerator(c.ring).GenSecretKeyNew()
				keys, err = generateKeys(t.Context(), c, secret, wire.KeyID{})
				check(t, err)
			}
		}
		t.Run(name+"/ckks", func(t *testing.T) {
			secret = nil
			wantOneResult(t, func() (in, out []engine.Ciphertext) {
				plan, err := NewPlan(t.Context(), p, insecure(11))
				check(t, err)
				prepare(t, &plan.common)
				client := &Client{client: &client{plan: plan}}
				tool := newTools(ckksEncoder(plan.params)(), plan.ring, secret, sample.Seed{1})
				for _, view := range plan.lowered.Views {
					ct, err := tool.encrypt(&plan.common, client.slots(view, one), plan.scales.fresh)
					check(t, err)
					in = append(in, ct)
				}
				server, err := NewServer(t.Context(), plan)
				check(t, err)
				got, err := server.Evaluate(t.Context(), &Inputs{ciphertexts{plan: plan.hash, cts: in, scale: plan.scales.fresh}}, keys)
				check(t, err)
				return in, got.cts
			})
		})
		t.Run(name+"/bgv", func(t *testing.T) {
			secret = nil
			wantOneResult(t, func() (in, out []engine.Ciphertext) {
				plan, err := NewExactPlan(t.Context(), p, insecure(11))
				check(t, err)
				prepare(t, &plan.common)
				client := &ExactClient{exactClient: &exactClient{plan: plan}}
				tool := newTools(exactEncoder(plan.params[0])(), plan.ring, secret, sample.Seed{2})
				for _, view := range plan.lowered.Views {
					ct, err := tool.encrypt(&plan.common, client.slots(view, one, 0), 1)
					check(t, err)
					in = append(in, ct)
				}
				server, err := NewExactServer(t.Context(), plan)
				check(t, err)
				got, err := server.Evaluate(t.Context(), &ExactInputs{0, ciphertexts{plan: plan.hash, cts: in, scale: 1}}, keys)
				check(t, err)
				return in, got.cts
			})
		})
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
