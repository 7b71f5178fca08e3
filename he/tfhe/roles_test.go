package tfhe

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"qtool/he"
	"qtool/he/internal/rolestest"
)

// TestServerHoldsNoSecretKey walks every type that a Server, a Plan or a public
// object reaches.
func TestServerHoldsNoSecretKey(t *testing.T) {
	rolestest.NoSecret(t, reflect.TypeFor[SecretKey](), reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[Plan](), reflect.TypeFor[EvaluationKeys](),
		reflect.TypeFor[Input](), reflect.TypeFor[Output](), reflect.TypeFor[he.Result]())
}

func TestInsecureSecretKeyDoesNotPrint(t *testing.T) {
	k, err := NewSecretKey(smallPlan(t).params)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, k); got != "tfhe.SecretKey" {
			t.Errorf("%s prints %q", format, got)
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
		c, err := NewClient(p)
		if err != nil {
			t.Fatal(err)
		}
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
	image := make([]uint8, 6)
	in, err := b.Encrypt(image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Evaluate(ctx, in, nil); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("input of another key: %v", err)
	}
	if in, err = c.Encrypt(image); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Evaluate(ctx, in, nil); err == nil {
		t.Error("input of other parameters is evaluated")
	}
	if in, err = a.Encrypt(image); err != nil {
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
	if _, err := a.Encrypt(image[:5]); err == nil || !strings.Contains(err.Error(), "5 values") {
		t.Errorf("short image: %v", err)
	}
	if _, err := s.Evaluate(ctx, &Input{}, nil); err == nil {
		t.Error("no input is evaluated")
	}
}
