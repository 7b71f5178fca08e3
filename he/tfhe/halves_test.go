package tfhe_test

import (
	"context"
	"errors"
	"flag"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/halvestest"
	"qtool/he/roles"
	"qtool/he/security"
	"qtool/he/tfhe"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
)

var update = flag.Bool("update", false, "rewrite testdata")

// plans are small ones of words and of residues.
var plans = map[string]func(testing.TB) (*bundle.Program, *tfhe.Plan){"words": tfhe.SmallPlan, "precise": tfhe.PrecisePlan}

// small is a program with what a file of it needs, its plan, and samples.
func small(t testing.TB, name string, samples int) (*bundle.Program, *tfhe.Plan, []bundle.Sample) {
	t.Helper()
	p, plan := plans[name](t)
	s := tfhe.Samples(tfhe.Seeded(2), samples, p)
	return halvestest.Whole(t, p, s), plan, s
}

// exact wants the reference's integers.
func exact(t *testing.T, p *bundle.Program, samples []bundle.Sample) func(*halvestest.Parties, []byte) {
	return func(all *halvestest.Parties, outputs []byte) {
		t.Helper()
		bundletest.CheckExact(t, p, samples, all.Exact(t, outputs))
	}
}

// A client and server that meet through bytes alone compute the same.
func TestInsecureHalves(t *testing.T) {
	for name := range plans {
		t.Run(name, func(t *testing.T) {
			p, plan, samples := small(t, name, 4)
			halvestest.Check(t, p, plan, samples, exact(t, p, samples))
		})
	}
}

func TestInsecureGolden(t *testing.T) {
	for name := range plans {
		t.Run(name, func(t *testing.T) {
			p, plan, samples := small(t, name, 2)
			halvestest.Golden(t, "testdata/"+name, p, plan, samples, *update, exact(t, p, samples))
		})
	}
}

func TestInsecureObjects(t *testing.T) {
	for name := range plans {
		t.Run(name, func(t *testing.T) {
			p, plan, samples := small(t, name, 1)
			all := halvestest.New(t, p, plan)
			objects := all.Objects(t, samples)
			wiretest.CheckObjects(t, objects)
			wiretest.CheckNotReduced(t, wire.Inputs, objects[wire.Inputs], 32, 8)
			wiretest.CheckNotReduced(t, wire.EvaluationKeys, objects[wire.EvaluationKeys], 32, 8)
			if name == "precise" { // words of 32 bits have all values
				wiretest.CheckNotReduced(t, wire.Outputs, objects[wire.Outputs], 8, 8)
			}
			for at, want := range map[int]string{7: "coefficient 7", len(all.SecretKey) - 124 - 32 - 1: "coefficient"} {
				damaged := wiretest.Changed(all.SecretKey, func(head, payload []byte) ([]byte, []byte) {
					payload[at] = 3
					return head, payload
				})
				if _, err := roles.ReadClient(all.Client.Spec(), strings.NewReader(string(damaged))); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("a secret key with a 3 at byte %d: %v", at, err)
				}
			}
			// Masks are seeds: of every ring ciphertext one polynomial of two is written.
			if half, whole := plan.Describe(0).KeyBytes, all.Keys.Bytes(); half != whole || int64(len(all.EvaluationKeys)) > whole*6/10 {
				t.Errorf("evaluation keys of %d bytes are written as %d", whole, len(all.EvaluationKeys))
			}
		})
	}
}

// Samples that a message cannot have are refused before anything is written.
func TestInsecureWrongMessages(t *testing.T) {
	p, plan, samples := small(t, "words", 2)
	all := halvestest.New(t, p, plan)
	for _, c := range []struct {
		samples []bundle.Sample
		said    uint32
	}{{samples, 2}, {nil, 0}, {samples[:1], 2}, {[]bundle.Sample{{1}}, 1}, {[]bundle.Sample{{100, 0, 0, 0, 0, 0}}, 1}} {
		var out strings.Builder
		if err := all.Client.Encrypt(context.Background(), c.samples, wire.Message{Samples: c.said}, &out, nil); err == nil || out.Len() > 0 {
			t.Errorf("%d samples in a message of %d: %v, %d bytes", len(c.samples), c.said, err, out.Len())
		}
	}
}

// Parameters that are wrong in one place are refused, by name.
func TestInsecureWrongParameters(t *testing.T) {
	p, plan, _ := small(t, "words", 1)
	spec, _, err := roles.Split(bundle.Alone(p), plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", spec.Parameters)
	client := func(s *he.ClientSpec) error {
		_, err := tfhe.NewClient(s)
		return err
	}
	halvestest.Refusals(t, spec.Parameters, map[string][2]string{
		"unknown field":                  {`{"parameters"`, `{"a":1,"parameters"`},
		"not in canonical form":          {`{"parameters"`, `{ "parameters"`},
		"log2 of the ring degree 60 is":  {`"log_n":8`, `"log_n":60`},
		"log2 of the ring modulus 5 is":  {`"log_q":50`, `"log_q":5`},
		"LWE dimension -1 is":            {`"lwe_dimension":8`, `"lwe_dimension":-1`},
		"LWE dimension 1000000 is":       {`"lwe_dimension":8`, `"lwe_dimension":1000000`},
		"its parameters give the sizes":  {`"log_n":8`, `"log_n":14`},
		"run 0 of inputs":                {`"inputs":[[3`, `"inputs":[[0`},
		"of 6 inputs have no encoding":   {`,6]]`, `,5]]`},
		"of which 6 are left":            {`,6]]`, `,7]]`},
		"run 1 of inputs":                {`"inputs":[[`, `"inputs":[[1,1],[1,1],[`},
		"in half a message space of 0":   {`"half_message_space":3`, `"half_message_space":0`},
		"it says {Samples:1":             {`"precise":false`, `"precise":true`},
		"3 logits":                       {`"outputs":[`, `"outputs":[[0,0],`},
		"cannot unmarshal number -1e999": {`"log_n":8`, `"log_n":-1e999`},
		"logit 0 has the bounds [5 0]":   {`"outputs":[[-2`, `"outputs":[[5`},
		"logit 0 has the bounds [-9 0]":  {`"outputs":[[-2`, `"outputs":[[-9`},
	}, func(b []byte) error {
		s := *spec
		s.Parameters = b
		return client(&s)
	})
	for want, change := range map[string]func(*he.ClientSpec){
		"bits of security, it says 128": func(s *he.ClientSpec) { s.SecurityBits = 128 },
		`executor "bgv"`:                func(s *he.ClientSpec) { s.Executor = "bgv" },
		"it says {Samples:2":            func(s *he.ClientSpec) { s.Sizes.Samples = 2 },
		"it says {Samples:1":            func(s *he.ClientSpec) { s.Sizes.Keys-- },
		"of 7 inputs":                   func(s *he.ClientSpec) { s.Input.Shape = []int{7} },
		"2 logits":                      func(s *he.ClientSpec) { s.Output.Shape = []int{3} },
	} {
		s := *spec
		change(&s)
		if err := client(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A plan is the same plan behind its file, and a file that says anything else is refused.
func TestInsecurePlanFiles(t *testing.T) {
	for name := range plans {
		p, plan, _ := small(t, name, 1)
		b, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := tfhe.DecodePlan(t.Context(), b, p)
		if err != nil || again.Hash() != plan.Hash() || strings.Join(again.Why(), "\n") != strings.Join(plan.Why(), "\n") || again.LogFailure() != plan.LogFailure() {
			t.Fatalf("the plan changed on its way through JSON: %v", err)
		}
		if name == "precise" {
			continue
		}
		t.Logf("%s", b)
		refuse := func(b []byte) error {
			_, err := tfhe.DecodePlan(t.Context(), b, p)
			return err
		}
		layers := string(b[strings.Index(string(b), `"layers":`):strings.Index(string(b), `,"precise"`)])
		halvestest.Refusals(t, b, map[string][2]string{
			"unknown field":                                  {`{"parameters"`, `{"a":1,"parameters"`},
			"not in canonical form":                          {`"layers":`, `"layers": `},
			"log2 of the ring degree 63":                     {`"log_n":8`, `"log_n":63`},
			"is outside the table":                           {`"insecure":true`, `"insecure":false`},
			"it has 0 layers, the program 2":                 {layers, `"layers":[]`},
			"half a message space of 0":                      {`"layers":[[3`, `"layers":[[0`},
			"half a message space of -":                      {`"layers":[[`, `"layers":[[-`},
			"do not fit a message space":                     {layers, `"layers":[[1,1],[1,1]]`},
			"a sample fails with":                            {layers, `"layers":[[64,1],[64,1]]`},
			"passes the test polynomial of 2^8 coefficients": {layers, `"layers":[[300000000,1],[300000000,1]]`},
			"with a gain of 0":                               {layers, `"layers":[[64,0],[64,1]]`},
			"with a gain of 9":                               {layers, `"layers":[[64,9223372036854775807],[64,1]]`},
			"it says at most 2^-2000":                        {`"log2_failure_per_sample":-20`, `"log2_failure_per_sample":-2000`},
			"failure probabilities of 2^0":                   {`"log2_failure_per_sample":-20`, `"log2_failure_per_sample":0`},
			"failure probabilities of 2^5":                   {`"log2_failure_per_sample":-20`, `"log2_failure_per_sample":5`},
			"sentences, the limit is":                        {`"why":["`, `"why":["` + strings.Repeat("x", 5000)},
		}, refuse)
		var insecure *security.InsecureError
		forged := strings.Replace(strings.Replace(string(b), `"insecure":true`, `"insecure":false`, 1), `"log_n":8`, `"log_n":10`, 1)
		if err := refuse([]byte(forged)); !errors.As(err, &insecure) {
			t.Errorf("insecure parameters without permission: %v", err)
		}
		coarse := strings.Replace(string(b), `"log_small_q":20,"switch_digits":{"base":4,"levels":4}`, `"log_small_q":20,"switch_digits":{"base":1,"levels":1}`, 1)
		if err := refuse([]byte(coarse)); err == nil || !strings.Contains(err.Error(), "a sample fails with") {
			t.Errorf("parameters that do not carry the program: %v", err)
		}
		other, _, _ := small(t, "precise", 1)
		if _, err := tfhe.DecodePlan(t.Context(), b, other); err == nil {
			t.Error("a plan of another program is taken")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := tfhe.DecodePlan(ctx, b, p); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that is done: %v", err)
		}
	}
}

// Plans for keys that stay in use keep 2^-64 a look-up, and say what they keep; others say
// that their keys are to be thrown away.
func TestFailureALookup(t *testing.T) {
	p, _ := tfhe.SmallPlan(t)
	living, err := tfhe.NewPlan(t.Context(), p, tfhe.Options{LogLookupFailure: tfhe.LivingLogFailure})
	if err != nil {
		t.Fatal(err)
	}
	thrown, err := tfhe.NewPlan(t.Context(), p, tfhe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const warning = "thrown away"
	for _, c := range []struct {
		plan  *tfhe.Plan
		limit float64
		says  string
		warns bool
	}{{living, -64, "where 2^-64 a look-up is accepted", false}, {thrown, tfhe.DefaultLogFailure, "where 2^-20 a sample is accepted", true}} {
		why := strings.Join(c.plan.Why(), "\n")
		if c.plan.LogFailure() > c.limit || strings.Contains(why, warning) != c.warns || !strings.Contains(why, c.says) {
			t.Errorf("a look-up fails with probability 2^%.1f:\n%s", c.plan.LogFailure(), why)
		}
		part, err := c.plan.ClientPart()
		if err != nil || part.LogFailure != c.plan.LogFailure() {
			t.Errorf("the client half says 2^%v, the plan 2^%v: %v", part.LogFailure, c.plan.LogFailure(), err)
		}
		b, err := c.plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := tfhe.DecodePlan(t.Context(), b, p); err != nil || again.SecurityBits() != 128 || again.LogFailure() != c.plan.LogFailure() {
			t.Errorf("a secure plan: %v", err)
		}
	}
}

func FuzzReaders(f *testing.F) {
	p, plan, samples := small(f, "words", 1)
	wiretest.FuzzObjects(f, halvestest.New(f, p, plan).Objects(f, samples))
}

func FuzzPlan(f *testing.F) {
	p, plan, _ := small(f, "words", 1)
	b, err := plan.Encode()
	if err != nil {
		f.Fatal(err)
	}
	halvestest.FuzzJSON(f, b, func(b []byte) ([]byte, error) {
		plan, err := tfhe.DecodePlan(context.Background(), b, p)
		if err != nil {
			return nil, err
		}
		return plan.Encode()
	})
}

func FuzzParameters(f *testing.F) {
	p, plan, _ := small(f, "words", 1)
	spec, _, err := roles.Split(bundle.Alone(p), plan)
	if err != nil {
		f.Fatal(err)
	}
	halvestest.FuzzJSON(f, spec.Parameters, func(b []byte) ([]byte, error) {
		s := *spec
		s.Parameters = b
		_, err := tfhe.NewClient(&s)
		return b, err
	})
}
