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
	client := NewClient(plan)
	keys, err := client.EvaluationKeys(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(plan, keys)
	if err != nil {
		t.Fatal(err)
	}
	in, err := client.Encrypt(make(bundle.Sample, 6))
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.Evaluate(ctx, in, nil)
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
	for _, e := range client.sampler.e {
		if e != 0 {
			t.Fatal("encryption leaves an error behind")
		}
	}
}

// Keys and ciphertexts of other parameters, keys or programs are refused.
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
	client := func(p *Plan) (*Client, *EvaluationKeys) {
		c := NewClient(p)
		k, err := c.EvaluationKeys(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c, k
	}
	a, keysA := client(plan)
	b, _ := client(plan)
	c, keysC := client(wider)

	var wrong *KeyError
	if _, err := NewServer(plan, keysC); !errors.As(err, &wrong) || wrong.Got.Dimension != l.Dimension || !strings.Contains(err.Error(), "other parameters") {
		t.Errorf("evaluation keys of other parameters: %v", err)
	}
	if _, err := NewClientWithKey(plan, c.secret); !errors.As(err, &wrong) {
		t.Errorf("secret key of other parameters: %v", err)
	}
	s, err := NewServer(plan, keysA)
	if err != nil {
		t.Fatal(err)
	}
	sample := make(bundle.Sample, 6)
	in, err := b.Encrypt(sample)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Evaluate(ctx, in, nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("input of another key: %v", err)
	}
	if in, err = c.Encrypt(sample); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Evaluate(ctx, in, nil); err == nil {
		t.Error("input of other parameters is evaluated")
	}
	if in, err = a.Encrypt(sample); err != nil {
		t.Fatal(err)
	}
	out, err := s.Evaluate(ctx, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Decrypt(out); !errors.As(err, &wrong) {
		t.Errorf("output of another key: %v", err)
	}
	if _, _, err := c.Decrypt(out); err == nil {
		t.Error("output of other parameters is decrypted")
	}
	in.parts = nil
	if _, err := s.Evaluate(ctx, in, nil); err == nil {
		t.Error("an empty input is evaluated")
	}
	out.logits = out.logits[:1]
	if _, _, err := a.Decrypt(out); err == nil {
		t.Error("missing logits are not missed")
	}
	if _, err := a.Encrypt(sample[:5]); err == nil || !strings.Contains(err.Error(), "5 values") {
		t.Errorf("short sample: %v", err)
	}
	if _, err := s.Evaluate(ctx, &Input{}, nil); err == nil {
		t.Error("no input is evaluated")
	}
}
