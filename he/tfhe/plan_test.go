package tfhe

import (
	"errors"
	"math"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/security"
	"qtool/kernel/cpu"
)

func domainNet(t testing.TB, domain int64) *bundle.Program {
	return newNet(t, seeded(6), net{bits: 1, maxWeight: 3 + int(domain/64), domain: domain, table: arbitrary(2), widths: []int{200, 32, 16, 10}})
}

// Wider domains take larger parameters, all of them secure and within the bound.
func TestPlanGrowsWithTheDomain(t *testing.T) {
	last := 0.0
	for _, bits := range []int{3, 4, 5, 6, 8} {
		p := domainNet(t, 1<<bits)
		plan, err := NewPlan(t.Context(), p, Options{})
		if err != nil {
			t.Fatalf("%d bits: %v", bits, err)
		}
		l := plan.params
		if err := l.CheckSecurity(); err != nil || plan.SecurityBits() != security.Bits {
			t.Errorf("%d bits: %v", bits, err)
		}
		if f := plan.FailurePerSample(); f > math.Exp2(DefaultLogFailure) || f <= 0 || plan.FailurePerLookup() > f {
			t.Errorf("%d bits: a sample fails with probability %g, a look-up with %g", bits, f, plan.FailurePerLookup())
		}
		ns := l.nanoseconds(cpu.Active)
		if ns < last {
			t.Errorf("%d bits: %.0f ns after %.0f for one less", bits, ns, last)
		}
		last = ns
		if plan.Lookups() != 48 || len(plan.Why()) < 6 || len(plan.NoiseBudget()) != 3 {
			t.Errorf("%d bits: %d look-ups, %d reasons", bits, plan.Lookups(), len(plan.Why()))
		}
		stricter, err := NewPlan(t.Context(), p, Options{LogFailure: -60})
		if err != nil || stricter.FailurePerSample() > math.Exp2(-60) || stricter.params.nanoseconds(cpu.Active) < ns {
			t.Errorf("%d bits, failures at most 2^-60: %v", bits, err)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	p := domainNet(t, 32)
	insecure := testInsecureLiteral()
	var ring *security.InsecureError
	if _, err := NewPlan(t.Context(), p, Options{Parameters: &insecure}); !errors.As(err, &ring) || ring.LogN != 10 || ring.LogQP != 50 {
		t.Errorf("insecure ring: %v", err)
	}
	secure, err := NewPlan(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	smallKey := secure.params.ParametersLiteral
	smallKey.Dimension -= 100
	var lwe *security.InsecureLWEError
	if _, err := NewPlan(t.Context(), p, Options{Parameters: &smallKey}); !errors.As(err, &lwe) || lwe.Dimension != smallKey.Dimension {
		t.Errorf("insecure LWE dimension: %v", err)
	}
	if plan, err := NewPlan(t.Context(), p, Options{Parameters: &smallKey, AllowInsecure: true}); err != nil || plan.SecurityBits() >= security.Bits || !strings.Contains(strings.Join(plan.Why(), "\n"), "INSECURE") {
		t.Errorf("insecure LWE dimension that is allowed: %v", err)
	}
	if _, err := NewPlan(t.Context(), domainNet(t, 1<<12), Options{}); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), `layer "tablea"`) {
		t.Errorf("a domain of 12 bits: %v", err)
	}
	noisy := secure.params.ParametersLiteral
	noisy.Switch.Base, noisy.Switch.Levels = 1, 4
	if _, err := NewPlan(t.Context(), p, Options{Parameters: &noisy}); !errors.Is(err, he.ErrInsufficient) {
		t.Errorf("too much noise: %v", err)
	}
	for _, o := range []Options{{LogFailure: 1}, {Workers: -1}} {
		if _, err := NewPlan(t.Context(), p, o); err == nil {
			t.Errorf("options %+v are accepted", o)
		}
	}
	broken := domainNet(t, 32)
	broken.Nodes[1].Range = bundle.NewRange(0, 1)
	if _, err := NewPlan(t.Context(), broken, Options{}); err == nil {
		t.Error("a program that does not check is planned")
	}
	uncovered := domainNet(t, 32)
	tables := uncovered.Nodes[1].Op.(*bundle.LookupTable).Tables
	tables[0].Values = tables[0].Values[1:]
	if _, err := NewPlan(t.Context(), uncovered, Options{}); err == nil || !strings.Contains(err.Error(), "element 0: its table covers") {
		t.Errorf("a table that is too short: %v", err)
	}
}

func TestParametersAreChecked(t *testing.T) {
	for name, change := range map[string]func(l *ParametersLiteral){
		"degree":         func(l *ParametersLiteral) { l.LogN = 16 },
		"no group":       func(l *ParametersLiteral) { l.Group = 0 },
		"large group":    func(l *ParametersLiteral) { l.Group = 4 },
		"accumulators":   func(l *ParametersLiteral) { l.LogAccumulators = -1 },
		"many positions": func(l *ParametersLiteral) { l.LogN, l.LogAccumulators, l.LogSmallQ = 13, 3, 30 },
		"small degree":   func(l *ParametersLiteral) { l.LogN = 7 },
		"modulus":        func(l *ParametersLiteral) { l.LogQ = 59 },
		"levels":         func(l *ParametersLiteral) { l.Ring[0].Levels = 5 },
		"gadget":         func(l *ParametersLiteral) { l.Ring[1].Base = 26 },
		"dimension":      func(l *ParametersLiteral) { l.Dimension = 0 },
		"LWE modulus":    func(l *ParametersLiteral) { l.LogSmallQ = 32 },
		"no rounding":    func(l *ParametersLiteral) { l.LogSmallQ, l.Switch.Base = 11, 2 },
		"switch gadget":  func(l *ParametersLiteral) { l.Switch.Levels = 6 },
		"products":       func(l *ParametersLiteral) { l.Group, l.Ring = 3, [2]Digits{{8, 6}, {8, 6}} },
	} {
		l := testInsecureLiteral()
		change(&l)
		if _, err := NewParameters(l); err == nil || !strings.Contains(err.Error(), "is outside") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := NewPlan(t.Context(), squares(t), Options{Parameters: &l, AllowInsecure: true}); err == nil || !strings.Contains(err.Error(), "is outside") {
			t.Errorf("a plan, %s: %v", name, err)
		}
	}
}

// The digits that the search tries have the least noise of all bases.
func TestRingDigitsAreTheBest(t *testing.T) {
	for _, r := range ringDigits(11, 50, 2, wordLevels) {
		l := ParametersLiteral{LogN: 11, LogQ: 50, Group: 2, Dimension: 800, Ring: r}
		best := l.rotated()
		for c := range r {
			for base := 1; base <= min(32, 50/r[c].Levels); base++ {
				other := l
				other.Ring[c].Base = base
				if v := other.rotated(); v < best*0.999 {
					t.Errorf("%v: base %d has the variance %g, not %g", r, base, v, best)
				}
			}
		}
	}
}
