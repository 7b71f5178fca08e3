package packed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/security"
	"qtool/internal/edits"
	"qtool/internal/whole"
)

// A plan is refused with another program, if anything in it was changed, and if it is
// insecure without saying so.
func TestPlanFile(t *testing.T) {
	build := func(seed uint64) *bundle.Program {
		return bundletest.New(seed, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	}
	p, other := build(30), build(31)
	plan, err := NewPlan(t.Context(), p, Options{Costs: costs()})
	if err != nil {
		t.Fatal(err)
	}
	if plan.SecurityBits() != 128 {
		t.Errorf("%d bits of security", plan.SecurityBits())
	}
	file, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, []byte(" ms")) {
		t.Errorf("a time stands in the plan: %s", file)
	}
	change := func(from, to string) string {
		if !strings.Contains(string(file), from) {
			t.Fatalf("%s has no %s", file, from)
		}
		return strings.Replace(string(file), from, to, 1)
	}
	q := plan.ring.Q()
	for _, c := range []struct {
		what string
		file string
		p    *bundle.Program
		want string
	}{
		{"another program", string(file), other, "with this program it has hash"},
		{"version", change(`"version":3`, `"version":9`), p, "unsupported version 9"},
		{"scheme", change("ckks", "bgv"), p, `for scheme "bgv"`},
		{"field", change("scheme", "schema"), p, "unknown field"},
		{"ring", change(fmt.Sprintf(`"log_n":%d`, plan.logN), fmt.Sprintf(`"log_n":%d`, plan.logN+1)), p, "is not a prime that is 1 modulo"},
		{"huge ring", change(fmt.Sprintf(`"log_n":%d`, plan.logN), `"log_n":40`), p, "ring degree 2^40"},
		{"prime", change(fmt.Sprint(q[1]), fmt.Sprint(q[1]+2)), p, "is not a prime"},
		{"a prime twice", change(fmt.Sprint(q[1]), fmt.Sprint(q[0])), p, "there once"},
		{"grid", change(`"grid":[1,1,6]`, `"grid":[1,2,3]`), p, "cannot hold a tensor"},
		{"strides", change(`"strides":[6,6,1]`, `"strides":[0,6,1]`), p, "cannot hold a tensor"},
		{"giant", change(`"giant":`, `"giant":3`), p, "power of two"},
		{"scale", change(fmt.Sprintf(`"log_scale":%d`, plan.message), `"log_scale":70`), p, "scales of 2^70"},
		{"reasons", change(`"why":["`, `"why":["x`), p, ""},
		{"blank", change(`"version":3`, `"version": 3`), p, "canonical"},
		{"precision", change(`"bits":9`, `"bits":40`), p, "bits of output precision"},
		{"cuts", change(`"cuts":[]`, `"cuts":[[1,0]]`), p, ""},
		{"bad cuts", change(`"cuts":[]`, `"cuts":[[0,0]]`), p, "cannot be cut"},
		{"long", strings.Repeat(" ", maxPlanFile+1), p, "pass the limit"},
	} {
		got, err := DecodePlan(t.Context(), []byte(c.file), c.p)
		if c.what == "reasons" { // they are the plan's own words
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
		} else if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
	for _, n := range []int{0, 1, len(file) / 2, len(file) - 1} {
		if got, err := DecodePlan(t.Context(), file[:n], p); got != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	weak, err := NewPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	if file, err = weak.Encode(); err != nil {
		t.Fatal(err)
	}
	if again, err := DecodePlan(t.Context(), file, p); err != nil || again.SecurityBits() >= 128 || !strings.Contains(strings.Join(again.Describe(0).Why, ""), "INSECURE") {
		t.Errorf("an insecure plan that says so: %v", err)
	}
	if got, err := DecodePlan(t.Context(), []byte(change(`,"insecure":true`, "")), p); got != nil || !errors.Is(err, security.ErrInsecure) {
		t.Errorf("an insecure plan that does not say so: %v", err)
	}
}

// An exact plan is refused with primes that its noise does not leave room in.
func TestInsecureExactPlanFile(t *testing.T) {
	p := bundletest.New(30, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	plan, err := NewExactPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.LogFailure(); !(got <= maxLogFailure && got > -1e6) {
		t.Errorf("outputs are wrong with probability 2^%v", got)
	}
	q, limbs := plan.ring.Q(), len(plan.ring.Q())
	q[0], q[limbs-1] = q[limbs-1], q[0]
	f := plan.file(bgvScheme)
	f.Q, f.T = q, plan.t
	for _, c := range []struct {
		what, want string
		change     func()
	}{
		{"one wide prime less", "", func() { f.T = f.T[1:] }},
		{"another plaintext prime", "", func() { f.T = []uint64{12289} }},
		{"no plaintext prime", "0 plaintext primes", func() { f.T = nil }},
	} {
		c.change()
		b, err := f.encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeExactPlan(t.Context(), b, p); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
}

// Halves of another kind, security, size or failure than their parameters give, and
// parameters out of their ranges, are refused by name.
func TestInsecureHalvesAreChecked(t *testing.T) {
	p, _, plan := smallPlan(t, 20)
	exact, err := NewExactPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		plan   he.Halves
		change func(s *he.ClientSpec, l *literal)
		want   string
	}{
		{"executor", plan, func(s *he.ClientSpec, _ *literal) { s.Executor = bgvName }, "are of packed-ckks"},
		{"security", plan, func(s *he.ClientSpec, _ *literal) { s.SecurityBits = 128 }, "bits of security, the client half says 128"},
		{"sizes", plan, func(s *he.ClientSpec, _ *literal) { s.Sizes.Inputs++ }, "sizes are"},
		{"failure", exact, func(s *he.ClientSpec, _ *literal) { s.LogFailure = -20 }, "decryption fails"},
		{"ring", plan, func(_ *he.ClientSpec, l *literal) { l.LogN = 30 }, "ring degree 2^30"},
		{"composite", plan, func(_ *he.ClientSpec, l *literal) { l.Q[0] -= 2 }, "is not a prime"},
		{"special", plan, func(_ *he.ClientSpec, l *literal) { l.P = nil }, "0 special"},
		{"both schemes", exact, func(_ *he.ClientSpec, l *literal) { l.Reals = &realConstants{} }, "constants of reals: true"},
		{"unit", plan, func(_ *he.ClientSpec, l *literal) { l.Reals.Unit = 0 }, "a unit or scale of 0"},
		{"bound", plan, func(_ *he.ClientSpec, l *literal) { l.Reals.Bound[0] = -1 }, "an error bound of -1"},
		{"constants", plan, func(_ *he.ClientSpec, l *literal) { l.Reals.Gain = make([]float64, 2) }, "2 constants of 3 outputs"},
		{"residue", exact, func(_ *he.ClientSpec, l *literal) { l.Residues[0].Gain[0] = l.Residues[0].Modulus }, "the constant"},
		{"rotations", plan, func(_ *he.ClientSpec, l *literal) { l.Rotations[0][0] = 1 << 20 }, "want ascending ones"},
		{"limbs", plan, func(_ *he.ClientSpec, l *literal) { l.Relin = 99 }, "relinearisation of 99 limbs"},
		{"outputs", plan, func(_ *he.ClientSpec, l *literal) { l.Ciphertexts = 4 }, "3 outputs in 4 ciphertexts"},
		{"views", plan, func(_ *he.ClientSpec, l *literal) { l.Slots[2] = 1 << 40 }, "views, want at most"},
		{"view sizes", plan, func(_ *he.ClientSpec, l *literal) { l.Slots[1] = 3 }, "a view of 3 slots"},
		{"view runs", plan, func(_ *he.ClientSpec, l *literal) { l.Views[1] = 36 }, "views: "},
		{"slot", plan, func(_ *he.ClientSpec, l *literal) { l.Slot[1] = -1 }, ""},
	} {
		s := specOf(t, p, c.plan)
		l := c.plan.(interface{ literal() literal }).literal()
		l.Q = append([]uint64{}, l.Q...)
		c.change(s, &l)
		if s.Parameters, err = l.encode(); err != nil {
			t.Fatal(err)
		}
		if got, err := NewClient(s); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
	s := specOf(t, p, plan)
	s.Parameters = append(bytes.Clone(s.Parameters), ' ')
	if _, err := NewClient(s); !errors.Is(err, whole.ErrNotCanonical) {
		t.Errorf("a blank behind the parameters: %v", err)
	}
}

// Plans and halves of whatever bytes are refused or come back as the same bytes.
func FuzzDecodePlan(f *testing.F) {
	p := bundletest.New(30, 2, 5).Dense(3, 3).Square().Dense(2, 3).Observed()
	plan, err := NewPlan(f.Context(), p, insecure(6))
	if err != nil {
		f.Fatal(err)
	}
	exact, err := NewExactPlan(f.Context(), p, insecure(6))
	if err != nil {
		f.Fatal(err)
	}
	// Whatever the reasons say, the plan is as right as before: edits of them reach nothing.
	plan.why, exact.why = []string{"chosen"}, []string{"chosen"}
	var originals [][]byte
	for _, plan := range []he.Halves{plan, exact} {
		b, err := plan.Encode()
		if err != nil {
			f.Fatal(err)
		}
		originals = append(originals, b)
	}
	edits.Fuzz(f, originals, edits.JSON, nil, func(t *testing.T, b []byte) {
		if plan, err := DecodePlan(t.Context(), b, p); err == nil {
			if again, err := plan.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s came back as %s, %v", b, again, err)
			}
		}
		if plan, err := DecodeExactPlan(t.Context(), b, p); err == nil {
			if again, err := plan.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s came back as %s, %v", b, again, err)
			}
		}
	})
}

func FuzzClientHalf(f *testing.F) {
	p := bundletest.New(30, 2, 5).Dense(3, 3).Square().Dense(2, 3).Observed()
	plan, err := NewPlan(f.Context(), p, insecure(6))
	if err != nil {
		f.Fatal(err)
	}
	exact, err := NewExactPlan(f.Context(), p, insecure(6))
	if err != nil {
		f.Fatal(err)
	}
	specs := []*he.ClientSpec{specOf(f, p, plan), specOf(f, p, exact)}
	edits.Fuzz(f, [][]byte{specs[0].Parameters, specs[1].Parameters}, edits.JSON, nil, func(t *testing.T, b []byte) {
		for _, s := range specs {
			changed := *s
			changed.Parameters = b
			if h, err := parseHalf(&changed, 5, 2); err == nil {
				if again, err := h.encode(); err != nil || !bytes.Equal(again, b) {
					t.Errorf("%s came back as %s, %v", b, again, err)
				}
			}
		}
	})
}
