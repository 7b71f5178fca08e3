package bgvlut_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/bgvlut"
	"qtool/he/internal/halvestest"
	"qtool/he/roles"
	"qtool/he/security"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// mustPlan plans in an insecure ring of degree 2^10 for full batches.
func mustPlan(t testing.TB, p *bundle.Program) *bgvlut.Plan {
	t.Helper()
	return planFor(t, p, 0)
}

// planFor is mustPlan for so many samples: few enough have two places each in the slots.
func planFor(t testing.TB, p *bundle.Program, samples int) *bgvlut.Plan {
	t.Helper()
	plan, err := bgvlut.NewPlan(t.Context(), p, bgvlut.Options{LogN: 10, AllowInsecure: true, Samples: samples})
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
		name string
		b    *bundletest.Builder
	}{
		{"dense only", bundletest.From(r, 2, 9).Narrow(20).Dense(4, 3)},
		{"two tables", bundletest.From(r, 1, 40).Narrow(40).Dense(6, 3).RandomTable(2).Narrow(12).Dense(5, 3).RandomTable(2).Narrow(20).Dense(3, 3)},
		{"convolution and pool", bundletest.From(r, 1, 1, 6, 6).Narrow(12).Conv(2, 3, 1, 0, 2).Sigmoid(3).Pool(2, 2).Narrow(12).Dense(3, 2).RandomTable(3).Narrow(9).Dense(2, 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := halvestest.Whole(t, c.b.Done(), c.b.Samples(3))
			for _, few := range []int{0, 300} {
				plan := planFor(t, p, few)
				if want := map[bool]int{true: 512, false: 1024}[few > 0]; plan.Slots() != want {
					t.Errorf("for %d samples a batch holds %d, want %d", few, plan.Slots(), want)
				}
				samples := c.b.Samples(plan.Slots() + 100)
				halvestest.Check(t, p, plan, samples, exact(t, p, samples))
			}
		})
	}
}

// A graph's halves, too.
func TestInsecureHalvesOfAGraph(t *testing.T) {
	w := bundletest.Wire(2, 1, 2)
	w.Largest = 1
	p := w.DenseOf("x", "input", 3).DenseOf("y", "input", 3).Add("xy", &bundle.Mul{}, "x", "y").DenseOf("out", "xy", 2).Done(t, 2)
	samples := bundletest.Samples(p, 1100)
	halvestest.Whole(t, p, samples[:3])
	halvestest.Check(t, p, mustPlan(t, p), samples, exact(t, p, samples))
}

func goldenProgram(t testing.TB) *bundle.Program {
	b := golden()
	return halvestest.Whole(t, b.Done(), b.Samples(3))
}

func golden() *bundletest.Builder {
	return bundletest.New(41, 1, 1).Narrow(1).Dense(1, 1).RandomTable(1)
}

func TestInsecureGolden(t *testing.T) {
	b := golden()
	p := halvestest.Whole(t, b.Done(), b.Samples(3))
	samples := b.Samples(5)
	halvestest.Golden(t, "testdata/golden", p, mustPlan(t, p), samples, *update, exact(t, p, samples))
}

func TestInsecureObjects(t *testing.T) {
	b := golden()
	p := halvestest.Whole(t, b.Done(), b.Samples(3))
	all := halvestest.New(t, p, mustPlan(t, p))
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
	all := halvestest.New(t, p, mustPlan(t, p))
	for _, c := range []struct {
		samples []bundle.Sample
		said    uint32
	}{{b.Samples(2), 3}, {nil, 0}, {b.Samples(1025), 1025}, {[]bundle.Sample{{1, 1}}, 1}, {[]bundle.Sample{{100}}, 1}} {
		var out strings.Builder
		if err := all.Client.Encrypt(context.Background(), c.samples, wire.Message{Samples: c.said}, &out, nil); err == nil || out.Len() > 0 {
			t.Errorf("%d samples in a message of %d: %v, %d bytes", len(c.samples), c.said, err, out.Len())
		}
	}
}

// Parameters that are wrong in one place are refused, by name.
func TestInsecureWrongParameters(t *testing.T) {
	p := goldenProgram(t)
	plan := mustPlan(t, p)
	spec, _, err := roles.Split(bundle.Alone(p), plan)
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		T      uint64   `json:"plaintext_modulus"`
		Q      []uint64 `json:"ciphertext_moduli"`
		P      []uint64 `json:"special_moduli"`
		Digits []int    `json:"digits"`
	}
	if err := json.Unmarshal(spec.Parameters, &x); err != nil {
		t.Fatal(err)
	}
	first, second, plain := fmt.Sprint(x.Q[0]), fmt.Sprint(x.Q[1]), fmt.Sprint(x.T)
	digits := strings.ReplaceAll(fmt.Sprint(x.Digits), " ", ",")
	halvestest.Refusals(t, spec.Parameters, map[string][2]string{
		"unknown field":               {`{"log_n"`, `{"a":1,"log_n"`},
		"0 copies of a sample":        {`"copies":1`, `"copies":0`},
		"3 copies of a sample":        {`"copies":1`, `"copies":3`},
		"key that swaps copies":       {`,"output_primes"`, `,"swap_digits":[1],"output_primes"`},
		"not in canonical form":       {`{"log_n"`, `{ "log_n"`},
		"ring degree 2^9 is outside":  {`"log_n":10`, `"log_n":9`},
		"ring degree 2^60 is outside": {`"log_n":10`, `"log_n":60`},
		"there twice":                 {first + "," + second, second + "," + second},
		"outputs of 199 of":           {`"output_primes":1`, `"output_primes":199`},
		"is no prime":                 {first, "18446744073709551615"},
		"has fewer than 20 bits":      {first, "18433"},
		"has more than 24 bits":       {plain, "18446744073709551615"},
		"0 special primes":            {strings.ReplaceAll(fmt.Sprint(x.P), " ", ","), "[]"},
		"a digit of 0 primes":         {`"digits":[`, `"digits":[0,`},
		"a digit of 999":              {digits, "[999]"},
		"digits of 1 of":              {digits, "[1]"},
		"it says objects are":         {digits, strings.TrimSuffix("["+strings.Repeat("1,", len(x.Q)), ",") + "]"},
	}, func(b []byte) error {
		s := *spec
		s.Parameters = b
		_, err := bgvlut.NewClient(&s)
		return err
	})
	for name, change := range map[string]func(*he.ClientSpec){
		"128 bits of security": func(s *he.ClientSpec) { s.SecurityBits = 128 },
		"executor":             func(s *he.ClientSpec) { s.Executor = "bgv" },
		"objects are":          func(s *he.ClientSpec) { s.Sizes.Keys-- },
		"output range":         func(s *he.ClientSpec) { s.Output.Range = bundle.Range{} },
		"apart":                func(s *he.ClientSpec) { s.Output.Range = bundle.NewRange(-1<<62, 1<<62) },
	} {
		s := *spec
		change(&s)
		if _, err := bgvlut.NewClient(&s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A plan is the same plan behind its file, and a file that says anything else is refused.
func TestInsecurePlanFiles(t *testing.T) {
	program := func(seed uint64) *bundle.Program {
		return bundletest.New(seed, 1, 30).Narrow(30).Dense(4, 3).RandomTable(2).Narrow(9).Dense(3, 3).RandomTable(2).Narrow(9).Dense(2, 3).Done()
	}
	p := program(9)
	plan := mustPlan(t, p)
	b, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := bgvlut.DecodePlan(t.Context(), b, p)
	if err != nil || again.Hash() != plan.Hash() || strings.Join(again.Why(), "\n") != strings.Join(plan.Why(), "\n") || again.LogFailure() != plan.LogFailure() {
		t.Fatalf("the plan changed on its way through JSON: %v", err)
	}
	if plan.LogFailure() > -128 {
		t.Errorf("a failure probability of 2^%.1f", plan.LogFailure())
	}
	refuse := func(b []byte) error {
		_, err := bgvlut.DecodePlan(t.Context(), b, p)
		return err
	}
	special := string(b[strings.Index(string(b), `"special_moduli":[`):strings.Index(string(b), `,"drops"`)])
	halvestest.Refusals(t, b, map[string][2]string{
		"unknown field":              {`{"hash"`, `{"a":1,"hash"`},
		"canonical":                  {`"drops":`, `"drops": `},
		"ring degree":                {`"log_n":10`, `"log_n":63`},
		"3 copies":                   {`"copies":1`, `"copies":3`},
		"copies of a sample":         {`"copies":1`, `"copies":-1`},
		"its hash is":                {`{"hash":"`, `{"hash":"0`},
		"security":                   {`"allow_insecure":true`, `"allow_insecure":false`},
		"levels of 4 rounds":         {`"drops":[`, `"drops":[[],`},
		"level 0 of round 0 drops 9": {`"drops":[[`, `"drops":[[9`},
		"drops 0 of":                 {`"drops":[[`, `"drops":[[0,`},
		"digits of -1":               {`"digit_bits":`, `"digit_bits":-1`},
		"the noise allows":           {special, `"special_moduli":[1073692673]`},
		"257 reasons pass the limit": {`"why":[`, `"why":[` + strings.Repeat(`"x",`, 257-len(plan.Why()))},
		"passes the limit of 4096":   {`"why":["`, `"why":["` + strings.Repeat("x", 5000)},
	}, refuse)
	var insecure *security.InsecureError
	if err := refuse([]byte(strings.Replace(string(b), `"allow_insecure":true`, `"allow_insecure":false`, 1))); !errors.As(err, &insecure) {
		t.Errorf("insecure parameters without permission: %v", err)
	}
	if _, err := bgvlut.DecodePlan(t.Context(), b, bundletest.New(9, 1, 30).Narrow(30).Dense(4, 3).RandomTable(3).Narrow(9).Dense(2, 3).Done()); err == nil {
		t.Error("a plan of another program is taken")
	}
}

func FuzzReaders(f *testing.F) {
	b := golden()
	p := halvestest.Whole(f, b.Done(), b.Samples(3))
	all := halvestest.New(f, p, mustPlan(f, p))
	wiretest.FuzzObjects(f, all.Objects(f, b.Samples(5)))
}

func FuzzPlan(f *testing.F) {
	p := goldenProgram(f)
	b, err := mustPlan(f, p).Encode()
	if err != nil {
		f.Fatal(err)
	}
	halvestest.FuzzJSON(f, b, func(b []byte) ([]byte, error) {
		plan, err := bgvlut.DecodePlan(context.Background(), b, p)
		if err != nil {
			return nil, err
		}
		return plan.Encode()
	})
}

func FuzzParameters(f *testing.F) {
	p := goldenProgram(f)
	spec, _, err := roles.Split(bundle.Alone(p), mustPlan(f, p))
	if err != nil {
		f.Fatal(err)
	}
	halvestest.FuzzJSON(f, spec.Parameters, func(b []byte) ([]byte, error) {
		s := *spec
		s.Parameters = b
		_, err := bgvlut.NewClient(&s)
		return b, err
	})
}
