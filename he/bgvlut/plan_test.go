package bgvlut

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/security"
)

// The networks that the executor is made for have secure parameters.
func TestPlansAreSecure(t *testing.T) {
	for _, c := range []struct {
		name string
		b    *bundletest.Builder
		logN int
	}{
		{"fully connected, 4 bits", fullyConnected(1, 15, 5, false), 14},
		{"fully connected, 8 bits", fullyConnected(1, 255, 85, true), 15},
		// The second layer's tables have one value: 20 bits are enough for a level,
		// and no prime has so few.
		{"constant", bundletest.New(1, 1, 9).Narrow(9).Dense(3, 3).RandomTable(2).Narrow(0).Dense(3, 0).RandomTable(2), 14},
		{"small", bundletest.New(1, 1, 9).Narrow(3).Dense(3, 1).RandomTable(2), 13},
	} {
		p := c.b.Done()
		plan := mustPlan(t, p, Options{Samples: 10000})
		if plan.LogN() != c.logN || plan.SecurityBits() != security.Bits || security.Check(plan.LogN(), plan.LogQP()) != nil {
			t.Errorf("%s: ring degree 2^%d, log QP %.1f, %d bits of security", c.name, plan.LogN(), plan.LogQP(), plan.SecurityBits())
		}
		if plan.PredictedNoiseBitsLeft() < reserveBits {
			t.Errorf("%s: %.1f bits of noise left", c.name, plan.PredictedNoiseBitsLeft())
		}
		all := plan.CiphertextModuli()
		slices.Sort(all)
		if len(slices.Compact(all)) != len(plan.layout.q)+len(plan.layout.special) || slices.Contains(all, plan.PlaintextModulus()) {
			t.Errorf("%s: primes %v are not distinct", c.name, all)
		}
		if plan.PredictedSeconds(plan.Slots()+1) != 2*plan.PredictedSeconds(1) {
			t.Errorf("%s: a sample more than a batch does not take another", c.name)
		}
		if len(plan.NoiseBudget()) < len(p.Nodes) {
			t.Errorf("%s: noise budget of %d layers", c.name, len(plan.NoiseBudget()))
		}
	}
}

func TestProgramsThatDoNotFit(t *testing.T) {
	wide := func(r *rand.Rand, l1 int) *bundletest.Builder {
		return bundletest.From(r, 4, 300).Narrow(l1).Dense(2, 127).RandomTable(2)
	}
	b := bundletest.New(2, 2, 30)
	for range 6 {
		b.Narrow(300).Dense(2, 200).Table(0, func(lo, hi, i int64) int32 { return int32((i - lo) % 4) })
	}
	deep := b.Done()
	for _, c := range []struct {
		name string
		p    *bundle.Program
		o    Options
		want []string
	}{
		{"domain too wide", wide(bundletest.Rand(1), 3000).Done(), Options{}, []string{`layer "layerb"`, "above 8192"}},
		{"too many levels", deep, Options{}, []string{`layer "layer`, "128 bits of security", "N = 2^16 needs", "take 10 levels"}},
		{"outputs too wide", bundletest.New(3, 3, 5).Narrow(9).Dense(2, 3).RandomTable(3).Narrow(1<<30).Dense(2, 1<<28).Done(), Options{}, []string{`layer "layerc"`, "plaintext prime of more than 24 bits"}},
	} {
		_, err := NewPlan(t.Context(), c.p, c.o)
		if !errors.Is(err, he.ErrInsufficient) {
			t.Errorf("%s: error %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not contain %q", c.name, err, want)
			}
		}
	}
	small := bundletest.New(4, 3, 5).Narrow(9).Dense(2, 3).RandomTable(3).Done()
	var insecure *security.InsecureError
	if _, err := NewPlan(t.Context(), small, Options{LogN: 10}); !errors.As(err, &insecure) || insecure.LogN != 10 {
		t.Errorf("an insecure ring gives %v", err)
	}
	plan, err := NewPlan(t.Context(), small, Options{LogN: 10, AllowInsecure: true})
	if err != nil || plan.SecurityBits() >= security.Bits || !strings.Contains(strings.Join(plan.Why(), "\n"), "INSECURE") {
		t.Errorf("an insecure ring that was asked for: %v, %+v", err, plan)
	}
	for _, o := range []Options{{LogN: 9}, {LogN: 17}, {Workers: -1}, {Samples: -1}} {
		if _, err := NewPlan(t.Context(), small, o); err == nil {
			t.Errorf("options %+v are accepted", o)
		}
	}
	uncovered := bundletest.New(6, 1, 4).Narrow(2).Dense(2, 1).RandomTable(2).Done()
	tables := uncovered.Nodes[1].Op.(*bundle.LookupTable).Tables
	tables[1].Values = tables[1].Values[1:]
	if _, err := NewPlan(t.Context(), uncovered, Options{}); err == nil || !strings.Contains(err.Error(), `layer "layerb": element 1: its table covers`) {
		t.Errorf("a table that is too short gives %v", err)
	}
	mixed := bundletest.New(5, 2, 4).Narrow(9).Dense(2, 3).RandomTable(2).Add(bundle.Square()).Done()
	if _, err := NewPlan(t.Context(), mixed, Options{}); err == nil || !strings.Contains(err.Error(), `layer "layerc": operation Polynomial is not supported`) {
		t.Errorf("a polynomial after a table gives %v", err)
	}
}
