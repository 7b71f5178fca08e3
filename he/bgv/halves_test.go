package bgv_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/internal/halvestest"
	"qtool/he/roles"
	"qtool/he/security"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// mustPlan plans in an insecure ring of degree 2^10.
func mustPlan(t testing.TB, p *bundle.Program, moduli int) *bgv.Plan {
	t.Helper()
	plan, err := bgv.NewPlan(t.Context(), p, bgv.Options{LogN: 10, AllowInsecure: true, PlaintextModuli: moduli})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// exact wants the reference's integers.
func exact(t *testing.T, p *bundle.Program, samples []bundle.Sample) func(*halvestest.Parties, []byte) {
	return func(all *halvestest.Parties, outputs []byte) {
		t.Helper()
		bundletest.CheckExact(t, p, samples, all.Exact(t, outputs))
	}
}

func TestInsecureHalves(t *testing.T) {
	r := bundletest.Rand(40)
	for _, c := range []struct {
		name   string
		b      *bundletest.Builder
		moduli int
	}{
		{"dense only", bundletest.From(r, 4, 9).Dense(4, 7), 0},
		{"two squares", bundletest.From(r, 4, 1, 8, 8).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(5, 7).Square().Dense(3, 7), 2},
		{"polynomials", bundletest.From(r, 3, 5).Dense(4, 3).Polynomials(20, 3, 2).Dense(3, 5), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := halvestest.Whole(t, c.b.Done(), c.b.Samples(3))
			plan := mustPlan(t, p, c.moduli)
			samples := c.b.Samples(plan.Slots() + 100)
			halvestest.Check(t, p, plan, samples, exact(t, p, samples))
		})
	}
}

// A graph's halves, too.
func TestInsecureHalvesOfAGraph(t *testing.T) {
	p := bundletest.Wire(3, 0, 4).DenseOf("a", "input", 3).DenseOf("b", "input", 3).
		Add("both", &bundle.Mul{}, "a", "b").DenseOf("out", "both", 2).Done(t, 2)
	samples := bundletest.Samples(p, 1100)
	halvestest.Whole(t, p, samples[:3])
	halvestest.Check(t, p, mustPlan(t, p, 0), samples, exact(t, p, samples))
}

func goldenProgram(t testing.TB) *bundle.Program {
	b := golden()
	return halvestest.Whole(t, b.Done(), b.Samples(3))
}

func golden() *bundletest.Builder { return bundletest.New(41, 2, 2).Dense(2, 3).Square().Dense(1, 3) }

func TestInsecureGolden(t *testing.T) {
	b := golden()
	p := halvestest.Whole(t, b.Done(), b.Samples(3))
	samples := b.Samples(5)
	halvestest.Golden(t, "testdata/golden", p, mustPlan(t, p, 1), samples, *update, exact(t, p, samples))
}

func TestInsecureObjects(t *testing.T) {
	b := golden()
	p := halvestest.Whole(t, b.Done(), b.Samples(3))
	all := halvestest.New(t, p, mustPlan(t, p, 1))
	objects := all.Objects(t, b.Samples(5))
	wiretest.CheckObjects(t, objects)
	wiretest.CheckNotReduced(t, wire.Inputs, objects[wire.Inputs], 32, 8)
	wiretest.CheckNotReduced(t, wire.Outputs, objects[wire.Outputs], 8, 8)
	damaged := wiretest.Changed(all.SecretKey, func(head, payload []byte) ([]byte, []byte) {
		payload[7] = 3
		return head, payload
	})
	if _, err := roles.ReadClient(all.Client.Spec(), strings.NewReader(string(damaged))); err == nil || !strings.Contains(err.Error(), "coefficient 7") {
		t.Errorf("a secret key that is not ternary: %v", err)
	}
}

// Samples that a message cannot have are refused before anything is written.
func TestInsecureWrongMessages(t *testing.T) {
	b := golden()
	p := halvestest.Whole(t, b.Done(), b.Samples(3))
	all := halvestest.New(t, p, mustPlan(t, p, 1))
	for _, c := range []struct {
		samples []bundle.Sample
		said    uint32
	}{{b.Samples(2), 3}, {nil, 0}, {b.Samples(1025), 1025}, {[]bundle.Sample{{1}}, 1}, {[]bundle.Sample{{100, 1}}, 1}} {
		var out strings.Builder
		if err := all.Client.Encrypt(context.Background(), c.samples, wire.Message{Samples: c.said}, &out, nil); err == nil || out.Len() > 0 {
			t.Errorf("%d samples in a message of %d: %v, %d bytes", len(c.samples), c.said, err, out.Len())
		}
	}
}

// Parameters that are wrong in one place are refused, by name.
func TestInsecureWrongParameters(t *testing.T) {
	p := bundletest.New(42, 4, 2).Dense(2, 300).Square().Done()
	plan := mustPlan(t, p, 2)
	spec, _, err := roles.Split(bundle.Alone(p), plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", spec.Parameters)
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Trim(string(b), "[]")
	}
	first, plain := text(plan.CiphertextModuli()[:1]), text(plan.PlaintextModuli())
	scales := string(spec.Parameters[strings.Index(string(spec.Parameters), `"output_scales"`):])
	halvestest.Refusals(t, spec.Parameters, map[string][2]string{
		"unknown field":                {`{"log_n"`, `{"a":1,"log_n"`},
		"not in canonical form":        {`{"log_n"`, `{ "log_n"`},
		"ring degree 2^9 is outside":   {`"log_n":10`, `"log_n":9`},
		"ring degree 2^60 is outside":  {`"log_n":10`, `"log_n":60`},
		"0 plaintext primes":           {`[` + plain + `]`, `[]`},
		"there twice":                  {plain, strings.Split(plain, ",")[0] + "," + strings.Split(plain, ",")[0]},
		"outputs of 99 of":             {`"output_primes":1`, `"output_primes":99`},
		"is no prime":                  {first, "18446744073709551615"},
		"1152921504606846975 is no":    {first, "1152921504606846975"},
		"has fewer than 20 bits":       {first, "12289"},
		"outputs of degree 0":          {`"output_degree":2`, `"output_degree":0`},
		"outputs of degree 257":        {`"output_degree":2`, `"output_degree":257`},
		"it says messages are":         {`"output_degree":2`, `"output_degree":3`},
		"1 output scales for 2":        {scales, `"output_scales":[1],"order":2}`},
		"output scale 0 is outside 1.": {scales, `"output_scales":[0,1],"order":2}`},
	}, func(b []byte) error {
		s := *spec
		s.Parameters = b
		_, err := bgv.NewClient(&s)
		return err
	})
	for name, change := range map[string]func(*he.ClientSpec){
		"128 bits of security": func(s *he.ClientSpec) { s.SecurityBits = 128 },
		"executor":             func(s *he.ClientSpec) { s.Executor = "bgvlut" },
		"messages are":         func(s *he.ClientSpec) { s.Sizes.Inputs-- },
		"output range":         func(s *he.ClientSpec) { s.Output.Range = bundle.Range{} },
		"carry":                func(s *he.ClientSpec) { s.Output.Range = bundle.NewRange(-1<<62, 1<<62) },
	} {
		s := *spec
		change(&s)
		if _, err := bgv.NewClient(&s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A plan is the same plan behind its file, and a file that says anything else is refused.
func TestInsecurePlanFiles(t *testing.T) {
	p := bundletest.New(43, 2, 4).Dense(3, 3).Square().Dense(2, 3).Done()
	plan := mustPlan(t, p, 1)
	b, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := bgv.DecodePlan(t.Context(), b, p)
	if err != nil || again.Hash() != plan.Hash() || strings.Join(again.Why(), "\n") != strings.Join(plan.Why(), "\n") || again.LogFailure() != plan.LogFailure() {
		t.Fatalf("the plan changed on its way through JSON: %v", err)
	}
	if plan.LogFailure() > -128 {
		t.Errorf("a failure probability of 2^%.1f", plan.LogFailure())
	}
	refuse := func(b []byte) error {
		_, err := bgv.DecodePlan(t.Context(), b, p)
		return err
	}
	halvestest.Refusals(t, b, map[string][2]string{
		"unknown field":             {`{"hash"`, `{"a":1,"hash"`},
		"canonical":                 {`"drops":`, `"drops": `},
		"ring degree":               {`"log_n":10`, `"log_n":63`},
		"its hash is":               {`{"hash":"`, `{"hash":"0`},
		"security":                  {`"allow_insecure":true`, `"allow_insecure":false`},
		"behind 2 segments":         {`"drops":[`, `"drops":[0,`},
		"of those that are left":    {`"drops":[`, `"drops":[9`},
		"-1 primes are dropped":     {`"drops":[0`, `"drops":[-1`},
		"65 reasons pass the limit": {`"why":[`, `"why":[` + strings.Repeat(`"x",`, 65-len(plan.Why()))},
		"passes the limit of 4096":  {`"why":["`, `"why":["` + strings.Repeat("x", 5000)},
	}, refuse)
	var insecure *security.InsecureError
	if err := refuse([]byte(strings.Replace(string(b), `"allow_insecure":true`, `"allow_insecure":false`, 1))); !errors.As(err, &insecure) {
		t.Errorf("insecure parameters without permission: %v", err)
	}
	if _, err := bgv.DecodePlan(t.Context(), b, bundletest.New(44, 2, 4).Dense(3, 3).Square().Dense(2, 2).Done()); err == nil {
		t.Error("a plan of another program is taken")
	}
	secure, err := bgv.NewPlan(t.Context(), p, bgv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if b, err = secure.Encode(); err != nil || !strings.Contains(string(b), `"allow_insecure":false`) {
		t.Fatal(err)
	}
	if again, err := bgv.DecodePlan(t.Context(), b, p); err != nil || again.SecurityBits() != 128 {
		t.Errorf("a secure plan: %v", err)
	}
}

func FuzzReaders(f *testing.F) {
	b := golden()
	p := halvestest.Whole(f, b.Done(), b.Samples(3))
	all := halvestest.New(f, p, mustPlan(f, p, 1))
	wiretest.FuzzObjects(f, all.Objects(f, b.Samples(5)))
}

func FuzzPlan(f *testing.F) {
	p := goldenProgram(f)
	b, err := mustPlan(f, p, 1).Encode()
	if err != nil {
		f.Fatal(err)
	}
	halvestest.FuzzJSON(f, b, func(b []byte) ([]byte, error) {
		plan, err := bgv.DecodePlan(context.Background(), b, p)
		if err != nil {
			return nil, err
		}
		return plan.Encode()
	})
}

func FuzzParameters(f *testing.F) {
	p := goldenProgram(f)
	spec, _, err := roles.Split(bundle.Alone(p), mustPlan(f, p, 1))
	if err != nil {
		f.Fatal(err)
	}
	halvestest.FuzzJSON(f, spec.Parameters, func(b []byte) ([]byte, error) {
		s := *spec
		s.Parameters = b
		_, err := bgv.NewClient(&s)
		return b, err
	})
}
