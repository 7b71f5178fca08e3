package tfhe

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/guard/guardtest"
	"qtool/he/internal/rolestest"
	"qtool/he/internal/sample"
	"qtool/he/wire"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
)

// TestServerHoldsNoSecretKey walks every type that a Server, a Plan or a public
// object reaches.
func TestServerHoldsNoSecretKey(t *testing.T) {
	rolestest.NoSecret(t, reflect.TypeFor[SecretKey](), reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[Plan](), reflect.TypeFor[EvaluationKeys](),
		reflect.TypeFor[Input](), reflect.TypeFor[Output](), reflect.TypeFor[he.Result]())
}

// What a server holds after an evaluation, and what it sees, has no run of the
// client's keys; client and key print none.
func TestInsecureSecretStaysWithTheClient(t *testing.T) {
	ctx, plan := context.Background(), smallPlan(t)
	client, server, keys := parties(t, plan)
	in, err := client.encrypt(make(bundle.Sample, 6))
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.evaluate(ctx, keys, in, &evaluation{})
	if err != nil {
		t.Fatal(err)
	}
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: plan.params.LogN, Q: []uint64{plan.params.q}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	ring := rlwe.NewSecretKey(params)
	copy(ring.Value.Q.Coeffs[0], client.secret.ntt)
	bits := make([]int8, len(client.secret.smallKey))
	for i, x := range client.secret.smallKey {
		bits[i] = int8(x)
	}
	c := rolestest.Key(params, ring)
	rolestest.NoSecretValue(t, c, client, []any{server, plan, keys, in, out})
	c = c.And(rolestest.Small(bits))
	guardtest.Hidden(t, client, c.Secrets())
	guardtest.Hidden(t, client.secret, c.Secrets())
}

// An encryption's errors are cleared behind it, and so is the stream that they came from.
func TestInsecureErrorsAreCleared(t *testing.T) {
	plan := smallPlan(t)
	k, s := NewSecretKey(plan.params), plan.params.newSampler(sample.Seed{1})
	c0, c1 := make([]uint64, plan.params.N()), make([]uint64, plan.params.N())
	s.body(k, c0, c1)
	s.row(k, c0, c1, 1, 1)
	for _, e := range s.e {
		if e != 0 {
			t.Fatal("encryption leaves an error behind")
		}
	}
}

// Ciphertexts of other parameters, keys and shapes are refused inside a process, too.
func TestInsecureStrangersAreRefused(t *testing.T) {
	ctx := context.Background()
	plan := smallPlan(t)
	l := plan.params.ParametersLiteral
	l.Dimension++
	layers, err := lower(t.Context(), plan.program)
	if err != nil {
		t.Fatal(err)
	}
	wider, err := build(plan.program, layers, l, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, s, keysA := parties(t, plan)
	b, _, _ := parties(t, plan)
	_, _, keysC := parties(t, wider)
	in, err := a.encrypt(make(bundle.Sample, 6))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.evaluate(ctx, keysC, in, &evaluation{}); err == nil || !strings.Contains(err.Error(), "evaluation keys for N = 2^8") {
		t.Errorf("evaluation keys of other parameters: %v", err)
	}
	foreign, err := b.encrypt(make(bundle.Sample, 6))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.evaluate(ctx, keysA, foreign, &evaluation{}); !errors.Is(err, wire.ErrKey) {
		t.Errorf("input of another key: %v", err)
	}
	out, err := s.evaluate(ctx, keysA, in, &evaluation{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.decrypt(out); !errors.Is(err, wire.ErrKey) {
		t.Errorf("output of another key: %v", err)
	}
	out.pair[0]++
	if _, _, err := a.decrypt(out); !errors.Is(err, wire.ErrSpec) {
		t.Errorf("output of another client half: %v", err)
	}
	out.pair[0]--
	in.parts = nil
	if _, err := s.evaluate(ctx, keysA, in, &evaluation{}); err == nil {
		t.Error("an empty input is evaluated")
	}
	out.logits = out.logits[:1]
	if _, _, err := a.decrypt(out); err == nil {
		t.Error("missing logits are not missed")
	}
	if _, err := a.encrypt(make(bundle.Sample, 5)); err == nil || !strings.Contains(err.Error(), "5 values") {
		t.Errorf("short sample: %v", err)
	}
}
