package packed

import (
	"errors"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/packed/engine"
)

// recorder counts which keys an evaluation asks for.
type recorder struct {
	*EvaluationKeys
	used  map[int]bool
	relin bool
}

func (r *recorder) Rotation(slots int) (*rlwe.GadgetCiphertext, uint64) {
	r.used[slots] = true
	return r.EvaluationKeys.Rotation(slots)
}

func (r *recorder) Relinearisation() *rlwe.GadgetCiphertext {
	r.relin = true
	return r.EvaluationKeys.Relinearisation()
}

var _ engine.EvaluationKeys = (*recorder)(nil)

// The key set holds the keys that an evaluation uses, and no other.
func TestInsecureKeysAreMinimal(t *testing.T) {
	for name, n := range networks(t) {
		p := n.p
		if testing.Short() && name > "pool" {
			continue
		}
		plan, err := NewPlan(t.Context(), p, insecure(10))
		if err != nil {
			t.Fatal(err)
		}
		client, server := pairOf(t, plan)
		keys, err := client.evaluationKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		in, err := client.encrypt(t.Context(), &p.Input, n.samples[0])
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{keys, map[int]bool{}, false}
		if _, err := lockstep(t.Context(), []*set{{program: server.programs[0], engine: server.engines[0], in: in.cts[0]}}, r, nil); err != nil {
			t.Fatal(err)
		}
		if len(r.used) != len(keys.Galois) || r.relin != (keys.Relin != nil) {
			t.Errorf("%s: %d rotations of %d are used, relinearisation %v", name, len(r.used), len(keys.Galois), r.relin)
		}
		for s := range r.used {
			if keys.Galois[s] == nil {
				t.Errorf("%s: there is no key for %d", name, s)
			}
		}
	}
}

// What can't be evaluated says so, and why, before anything is encrypted.
func TestPlanRefuses(t *testing.T) {
	deep := bundletest.New(1, 1, 4)
	for range 8 {
		deep.Dense(4, 1).Square()
	}
	cubic := bundletest.New(2, 4, 4).Dense(3, 3).Polynomial(3, 3)
	for _, c := range []struct {
		what string
		b    *bundletest.Builder
		o    Options
		want string
	}{
		{"degree", cubic, Options{}, "layer \"layerb\": operation cannot be packed: polynomial"},
		{"depth", deep, Options{LogN: 13}, "bits of modulus at least in degree 2^13, where 214 are secure"},
		{"precision", bundletest.New(3, 4, 4).Dense(3, 3).Square().Dense(2, 3), Options{LogN: 13, Bits: 30}, "bits of output precision where 30.0 are asked for"},
	} {
		c.o.Costs = costs()
		plan, err := NewPlan(t.Context(), c.b.Observed(), c.o)
		if plan != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
		if c.what != "degree" && !errors.Is(err, he.ErrInsufficient) {
			t.Errorf("%s: %v does not say that parameters are insufficient", c.what, err)
		}
	}
	if _, err := NewExactPlan(t.Context(), deep.Observed(), Options{LogN: 13, Costs: costs()}); !errors.Is(err, he.ErrInsufficient) {
		t.Errorf("depth, exactly: %v", err)
	}
}

// The recipes' networks, with random weights, fit their rings at 128 bits.
func TestPlansOfRecipes(t *testing.T) {
	for name, b := range map[string]*bundletest.Builder{"lenet": bundletest.LeNet(1), "convnet": convnet(2), "cryptonets": bundletest.CryptoNets(3)} {
		p := b.Observed()
		plan, err := NewPlan(t.Context(), p, Options{Costs: costs()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d := plan.Describe(0)
		if d.SecurityBits != 128 || d.Predicted <= 0 || len(d.Layers) != 3 || len(d.Why) == 0 {
			t.Errorf("%s: %+v", name, d)
		}
		if testing.Short() && name != "lenet" {
			continue
		}
		exact, err := NewExactPlan(t.Context(), p, Options{Costs: costs()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := exact.Describe(0); d.SecurityBits != 128 || d.Layers[2].Bits < 1 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
