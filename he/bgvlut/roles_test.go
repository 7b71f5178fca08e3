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
)

// TestServerHoldsNoSecretKey walks every type that a Server, a Plan, the key or
// a ciphertext container reaches.
func TestServerHoldsNoSecretKey(t *testing.T) {
	rolestest.NoSecret(t, reflect.TypeFor[rlwe.SecretKey](), reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[Plan](), reflect.TypeFor[Inputs](), reflect.TypeFor[Outputs](),
		reflect.TypeFor[EvaluationKeys](), reflect.TypeFor[he.Result]())
}

// roles are a client and a server of a small program, and its samples.
func roles(t *testing.T) (*Plan, *Client, *Server, []bundle.Sample) {
	t.Helper()
	b := bundletest.New(6, 2, 6).Narrow(9).Dense(3, 3).RandomTable(2).Narrow(6).Dense(2, 3)
	plan := mustPlan(t, b.Done(), insecureOptions(10))
	client, _, server := newRoles(t, plan)
	return plan, client, server, b.Samples(20)
}

// newRoles are a client of the plan, its key, and a server with that.
func newRoles(t testing.TB, plan *Plan) (*Client, *EvaluationKeys, *Server) {
	t.Helper()
	client := NewClient(plan)
	key := client.EvaluationKeys()
	server, err := NewServer(plan, key)
	if err != nil {
		t.Fatal(err)
	}
	return client, key, server
}

// What does not fit the plan is refused; what was encrypted for another key
// decrypts to an error.
func TestInsecureMisuseIsAnError(t *testing.T) {
	ctx := context.Background()
	plan, client, server, samples := roles(t)
	other := mustPlan(t, bundletest.New(7, 2, 6).Narrow(30).Dense(3, 3).RandomTable(2).Done(), insecureOptions(10))
	stranger := NewClient(other)
	foreign := stranger.EvaluationKeys()
	if _, err := NewServer(plan, foreign); err == nil || !strings.Contains(err.Error(), "other parameters") {
		t.Errorf("a key of other parameters gives %v", err)
	}
	var in Inputs
	var out Outputs
	if err := client.Encrypt(ctx, samples, &in, nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Encrypt(ctx, []bundle.Sample{make(bundle.Sample, 5)}, &Inputs{}, nil); err == nil {
		t.Error("a short sample is accepted")
	}
	if err := client.Encrypt(ctx, make([]bundle.Sample, plan.Slots()+1), &Inputs{}, nil); err == nil {
		t.Error("more samples than slots are accepted")
	}
	for name, broken := range map[string]func(*Inputs){
		"truncated":     func(in *Inputs) { in.all = in.all[1:] },
		"fewer limbs":   func(in *Inputs) { in.all[2][1] = in.all[2][1][1:] },
		"short limb":    func(in *Inputs) { in.all[2][1][0] = in.all[2][1][0][1:] },
		"unreduced":     func(in *Inputs) { in.all[2][0][1][5] = plan.layout.q[1] },
		"an empty limb": func(in *Inputs) { in.all[0][0][0] = nil },
	} {
		var bad Inputs
		if err := client.Encrypt(ctx, samples, &bad, nil); err != nil {
			t.Fatal(err)
		}
		broken(&bad)
		if err := server.Evaluate(ctx, &bad, &out, nil); err == nil {
			t.Errorf("%s ciphertexts are accepted", name)
		}
	}
	if err := server.Evaluate(ctx, &in, &out, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Decrypt(ctx, &out, nil); err != nil {
		t.Error(err)
	}
	another := NewClient(plan)
	refused := func(what string, err error) {
		t.Helper()
		var wrong *KeyError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), what+" belongs to another secret key") {
			t.Errorf("another client's %s gives %v", what, err)
		}
	}
	var noise *batch.NoiseError
	_, _, err := another.Decrypt(ctx, &out, nil)
	refused("output", err)
	forged := out
	forged.id = another.secret.id
	if _, _, err := another.Decrypt(ctx, &forged, nil); !errors.As(err, &noise) {
		t.Errorf("another client's key decrypts with %v", err)
	}
	key := another.EvaluationKeys()
	if server, err = NewServer(plan, key); err != nil {
		t.Fatal(err)
	}
	var wrong Outputs
	refused("input", server.Evaluate(ctx, &in, &wrong, nil))
	server.key = client.secret.id
	if err := server.Evaluate(ctx, &in, &wrong, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Decrypt(ctx, &wrong, nil); !errors.As(err, &noise) {
		t.Errorf("logits made with another client's relinearisation key decrypt with %v", err)
	}
	if _, _, err := client.Decrypt(ctx, &Outputs{}, nil); err == nil {
		t.Error("no outputs are accepted")
	}
}

// An evaluation stops when its context ends.
func TestInsecureCancel(t *testing.T) {
	_, client, server, samples := roles(t)
	ctx, cancel := context.WithCancel(context.Background())
	var in Inputs
	if err := client.Encrypt(ctx, samples, &in, nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := server.Evaluate(ctx, &in, &Outputs{}, nil); !errors.Is(err, context.Canceled) {
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
	s := search{program: p, stages: good.stages, options: o, fields: map[uint64][]tables{good.layout.t: good.tables}}
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
