package bgvlut

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/hetest"
	"qtool/he/internal/primes"
	"qtool/he/internal/rolestest"
	"qtool/he/internal/sample"
)

// TestServerHoldsNoSecretKey walks every type that a Server, a Plan, the key or
// a ciphertext container reaches.
func TestServerHoldsNoSecretKey(t *testing.T) {
	rolestest.NoSecret(t, reflect.TypeFor[rlwe.SecretKey](), reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[Plan](), reflect.TypeFor[ciphertexts](),
		reflect.TypeFor[EvaluationKeys](), reflect.TypeFor[he.Result]())
}

// roles are a client and a server of a small program, and its samples.
func roles(t *testing.T) (*Plan, *Client, *evaluator, []bundle.Sample) {
	t.Helper()
	b := bundletest.New(6, 2, 6).Narrow(9).Dense(3, 3).RandomTable(2).Narrow(6).Dense(2, 3)
	plan := mustPlan(t, b.Done(), insecureOptions(10))
	client, server := newRoles(t, plan)
	return plan, client, server, b.Samples(20)
}

// newRoles are a client of the plan, and an evaluator with its key.
func newRoles(t testing.TB, plan *Plan) (*Client, *evaluator) {
	t.Helper()
	client := generate(plan.half)
	return client, plan.prepare().newEvaluator(keyOf(t, plan, client))
}

// keyOf is a new relinearisation key of a client.
func keyOf(t testing.TB, plan *Plan, client *Client) *switchers {
	t.Helper()
	key, err := plan.switchers(client.evaluationKeys(sample.NewSeed()))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What was encrypted or evaluated under another key decrypts to an error.
func TestInsecureMisuseIsAnError(t *testing.T) {
	ctx := context.Background()
	plan, client, server, samples := roles(t)
	var in, out ciphertexts
	if err := client.encryptBatch(ctx, samples, newSeeds(), &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.encryptBatch(ctx, []bundle.Sample{make(bundle.Sample, 5)}, newSeeds(), &ciphertexts{}, nil); err == nil {
		t.Error("a short sample is accepted")
	}
	if err := client.encryptBatch(ctx, make([]bundle.Sample, plan.Slots()+1), newSeeds(), &ciphertexts{}, nil); err == nil {
		t.Error("more samples than slots are accepted")
	}
	if err := server.evaluate(ctx, &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.residues(ctx, out, nil); err != nil {
		t.Error(err)
	}
	another := generate(plan.half)
	var noise *batch.NoiseError
	if _, _, err := another.residues(ctx, out, nil); !errors.As(err, &noise) {
		t.Errorf("another client's key decrypts with %v", err)
	}
	server.key = keyOf(t, plan, another)
	var wrong ciphertexts
	if err := server.evaluate(ctx, &in, &wrong, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.residues(ctx, wrong, nil); !errors.As(err, &noise) {
		t.Errorf("logits made with another client's relinearisation key decrypt with %v", err)
	}
}

// An evaluation stops when its context ends.
func TestInsecureCancel(t *testing.T) {
	_, client, server, samples := roles(t)
	ctx, cancel := context.WithCancel(context.Background())
	var in, out ciphertexts
	if err := client.encryptBatch(ctx, samples, newSeeds(), &in, nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := server.evaluate(ctx, &in, &out, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestInsecureExhaustedNoiseIsAnError takes bits from the chain, at the end and
// at one level of a table, until the noise wraps: the client must say so, or be
// right.
func TestInsecureExhaustedNoiseIsAnError(t *testing.T) {
	b := bundletest.New(9, 1, 30).Narrow(30).Dense(4, 3).RandomTable(2).Narrow(9).Dense(3, 3).RandomTable(2).Narrow(9).Dense(2, 3)
	p := b.Done()
	samples := b.Samples(100)
	o := insecureOptions(10)
	good := mustPlan(t, p, o)
	s := search{program: p, stages: good.stages, options: o, packed: map[packedBy][]tables{{good.layout.t, good.layout.copies}: good.tables}}
	for _, at := range []int{0, 1, 3} { // the last modulus, and levels of the second table
		exhausted := 0
		for cut := 0; cut <= 14; cut += 2 {
			l := *good.layout
			l.q = append([]uint64(nil), l.q...)
			unused := primes.New(l.logN, append(good.CiphertextModuli(), l.t)...)
			bits := 0
			for q := l.q[at]; q > 0; q >>= 1 {
				bits++
			}
			if bits-cut < 14 {
				break
			}
			if cut > 0 {
				q, err := unused.Below(bits - cut)
				if err != nil {
					continue
				}
				l.q[at] = q
			}
			plan, err := build(&s, &l)
			if err != nil {
				t.Fatal(err)
			}
			result, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
			var noise *batch.NoiseError
			switch {
			case errors.As(err, &noise):
				exhausted++
				if result != nil || noise.BitsLeft >= batch.MinNoiseBits || !strings.Contains(err.Error(), "bgvlut: logit ") {
					t.Errorf("prime %d, %d bits cut: result %v with %v", at, cut, result, err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				bundletest.CheckExact(t, p, samples, hetest.Exact(t, result))
			}
		}
		if at == 0 && exhausted == 0 {
			t.Error("no cut exhausts the budget")
		}
	}
}
