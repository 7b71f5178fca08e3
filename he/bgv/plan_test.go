package bgv

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/security"
)

func fullyConnected(seed uint64) *bundletest.Builder {
	return bundletest.New(seed, 4, 784).Dense(128, 7).Square().Dense(64, 7).Square().Dense(10, 7)
}

func TestPlansOfNetworks(t *testing.T) {
	for name, b := range map[string]*bundletest.Builder{"lenet": bundletest.LeNet(1), "cryptonets": bundletest.CryptoNets(1), "fc": fullyConnected(1)} {
		p := b.Done()
		plan := mustPlan(t, p, Options{})
		t.Logf("%s: %+v\n%s", name, plan.layout, strings.Join(plan.Why(), "\n"))
		if plan.LogN() != 13 {
			t.Errorf("%s: ring degree 2^%d, measurements found 2^13 enough", name, plan.LogN())
		}
		if err := security.Check(plan.LogN(), plan.LogQ()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if plan.PredictedNoiseBitsLeft() < reserveBits {
			t.Errorf("%s: %.2f bits of noise left", name, plan.PredictedNoiseBitsLeft())
		}
		if plan.LogFailure() > -failureBits {
			t.Errorf("%s: a failure probability of 2^%.1f", name, plan.LogFailure())
		}
		checkPrimes(t, plan)
	}
}

// checkPrimes checks what evaluation relies on: distinct primes that are 1
// modulo 2N, and a plaintext product past the output's width.
func checkPrimes(t *testing.T, p *Plan) {
	t.Helper()
	seen := map[uint64]bool{}
	for _, q := range append(p.PlaintextModuli(), p.CiphertextModuli()...) {
		if seen[q] || q%(2<<p.LogN()) != 1 || q>>maxPrimeBits != 0 || !new(big.Int).SetUint64(q).ProbablyPrime(10) {
			t.Errorf("prime %d is not usable in degree 2^%d", q, p.LogN())
		}
		seen[q] = true
	}
	if product(p.layout.t).Cmp(width(p.output)) <= 0 {
		t.Errorf("plaintext primes %v do not carry range %v", p.layout.t, p.output)
	}
}

// TestNoiseAgreesWithMeasurement holds the analysis against the rule that was
// found by experiment for LeNet-1 in degree 2^13: the last level at least 2t+55
// bits, the dropped prime at least t+13.
func TestNoiseAgreesWithMeasurement(t *testing.T) {
	segments, err := lower(t.Context(), bundletest.LeNet(1).Done())
	if err != nil {
		t.Fatal(err)
	}
	for _, logT := range []float64{27, 35, 40, 44} {
		groups := demand(segments, 13, logT, 2)
		// The model adds up what worst weights could do, has a reserve, and room for what
		// happens once in 2^128 batches.
		if last := groups[0] - (2*logT + 55); last < 0 || last > 15 {
			t.Errorf("t of %v bits: last level of %.1f bits, %.1f past the rule", logT, groups[0], last)
		}
		if drop := groups[1] - (logT + 13); drop < -3 || drop > 3 {
			t.Errorf("t of %v bits: dropped prime of %.1f bits, %.1f past the rule", logT, groups[1], drop)
		}
	}
}

func TestInsecureIsRefused(t *testing.T) {
	p := bundletest.LeNet(1).Done()
	_, err := NewPlan(t.Context(), p, Options{LogN: 12})
	var insecure *security.InsecureError
	if !errors.As(err, &insecure) || insecure.LogN != 12 || insecure.Limit != 106 || insecure.LogQP <= 106 {
		t.Fatalf("got %v", err)
	}
	plan, err := NewPlan(t.Context(), p, Options{LogN: 12, AllowInsecure: true})
	if err != nil {
		t.Fatal(err)
	}
	if plan.SecurityBits() >= 128 || !strings.Contains(strings.Join(plan.Why(), "\n"), "INSECURE") {
		t.Errorf("%d bits: %v", plan.SecurityBits(), plan.Why())
	}
	// Permission alone changes nothing.
	if plan := mustPlan(t, p, Options{AllowInsecure: true}); plan.SecurityBits() != 128 {
		t.Errorf("%d bits without need", plan.SecurityBits())
	}
}

func TestInsufficient(t *testing.T) {
	deep := bundletest.New(1, 1, 4)
	for range 7 {
		deep.Square()
	}
	wide := bundletest.New(1, 1, 4).Polynomial(31, 1).Polynomial(31, 1)
	one := bundletest.New(1, 4, 100).Dense(20, 7).Square().Dense(20, 7).Square().Dense(20, 7).Square().Dense(3, 7)
	for name, c := range map[string]struct {
		p    *bundle.Program
		o    Options
		want string
	}{
		"deep": {deep.Done(), Options{}, "N = 2^15 needs "},
		"wide": {wide.Done(), Options{}, "ciphertext degree 961 passes the limit"},
		"one":  {one.Done(), Options{PlaintextModuli: 1}, "bits do not fit 1 plaintext prime(s) of 61"},
	} {
		_, err := NewPlan(t.Context(), c.p, c.o)
		if !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "layer") {
			t.Errorf("%s: got %v", name, err)
		} else {
			t.Log(err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := bundletest.New(1, 4, 4).Dense(2, 7).Done()
	for _, o := range []Options{{LogN: 9}, {LogN: 17}, {LogN: -1}, {PlaintextModuli: 11}, {PlaintextModuli: -1}, {Workers: -1}} {
		if _, err := NewPlan(t.Context(), p, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	p.Nodes[0].Range = bundle.NewRange(0, 1)
	if _, err := NewPlan(t.Context(), p, Options{}); err == nil {
		t.Error("a program whose range is not proved is accepted")
	}
}

// unknown is an operation of the future.
type unknown struct{ bundle.Op }

func TestUnsupportedOperationIsNamed(t *testing.T) {
	p := bundletest.New(1, 4, 4).Dense(2, 7).Done()
	p.Nodes[0].Name, p.Nodes[0].Op = "lookup", unknown{&bundle.Reshape{Shape: []int{4}}}
	_, err := lower(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), `layer "lookup"`) {
		t.Errorf("got %v", err)
	}
}

// wide is like mnist-best's network.
func wide() *bundle.Program {
	return bundletest.New(1, 4, 1, 28, 28).Conv(16, 5, 1, 0, 7).Square().Pool(2, 2).
		Conv(64, 5, 1, 0, 7).Square().Pool(2, 2).Dense(128, 7).Square().Dense(10, 7).Done()
}

// A bound on memory is kept by other parameters where there are some, and
// otherwise is an error with the numbers.
func TestPlansKeepToMemory(t *testing.T) {
	p := wide()
	free := mustPlan(t, p, Options{Samples: 1000, Memory: math.MaxInt64})
	needs := func(p *Plan) int64 { return int64(p.layout.bytes(p.circuit)) }
	bound := needs(free) - 1
	plan := mustPlan(t, p, Options{Samples: 1000, Memory: bound})
	if got := needs(plan); got > bound {
		t.Errorf("a plan for %d bytes takes %d", bound, got)
	}
	if err := security.Check(plan.LogN(), plan.LogQ()); err != nil {
		t.Error(err)
	}
	if again := mustPlan(t, p, Options{Samples: 1000, Memory: bound + 1}); again.LogQ() != free.LogQ() {
		t.Errorf("a bound that is kept makes log Q %v of %v", again.LogQ(), free.LogQ())
	}
	_, err := NewPlan(t.Context(), p, Options{Memory: 1e6})
	if !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), "the limit is 0.001 GB") {
		t.Errorf("a megabyte: %v", err)
	}
	if least := new(MemoryError); !errors.As(err, &least) || least.Limit != 1e6 {
		t.Errorf("a megabyte: %+v", err)
	} else if exact := mustPlan(t, p, Options{Memory: least.Need}); needs(exact) > least.Need {
		t.Errorf("%d bytes are said to do, %d are taken", least.Need, needs(exact))
	}
	if plan := mustPlan(t, p, Options{Samples: 1000}); needs(plan) > DefaultMemory {
		t.Errorf("without a bound the plan takes %d bytes, more than %d", needs(plan), int64(DefaultMemory))
	}
	if _, err := NewPlan(t.Context(), p, Options{Memory: -1}); err == nil {
		t.Error("less than nothing is accepted")
	}
}
