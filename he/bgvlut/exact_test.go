package bgvlut

import (
	"context"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// checkExact runs samples under encryption and on plain integers and wants the
// same integers.
func checkExact(t testing.TB, p *bundle.Program, plan *Plan, samples []bundle.Sample) *he.Result {
	t.Helper()
	result, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	bundletest.CheckExact(t, p, samples, hetest.Exact(t, result))
	// The bound holds for all coefficients, if the model is right; its reserve is
	// not touched.
	if left := hetest.NoiseLeft(t, result); left < plan.PredictedNoiseBitsLeft() {
		t.Errorf("measured noise leaves %.2f bits, the prediction is %.2f", left, plan.PredictedNoiseBitsLeft())
	}
	return result
}

func mustPlan(t testing.TB, p *bundle.Program, o Options) *Plan {
	t.Helper()
	plan, err := NewPlan(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// insecureOptions force a ring that is small, fast and insecure.
func insecureOptions(logN int) Options { return Options{LogN: logN, AllowInsecure: true} }

// insecureCopies force so many copies of a sample too.
func insecureCopies(logN, copies int) Options {
	o := insecureOptions(logN)
	o.copies = copies
	return o
}

func TestInsecureProgramsAreExact(t *testing.T) {
	r := bundletest.Rand(2)
	for _, c := range []struct {
		name    string
		b       *bundletest.Builder
		logN    int
		samples int
	}{
		{"dense only", bundletest.From(r, 2, 9).Narrow(20).Dense(4, 3), 10, 1024},
		{"reshape only", bundletest.From(r, 3, 2, 3).Add(&bundle.Reshape{Shape: []int{6}}), 10, 5},
		{"table only", bundletest.From(r, 3, 6).RandomTable(4), 10, 50},
		{"one sample", bundletest.From(r, 2, 9).Narrow(12).Dense(4, 3).RandomTable(4).Narrow(20).Dense(3, 3), 10, 1},
		{"two tables", bundletest.From(r, 1, 40).Narrow(40).Dense(6, 3).RandomTable(2).Narrow(12).Dense(5, 3).RandomTable(2).Narrow(20).Dense(3, 3), 10, 1500},
		{"odd tables", bundletest.From(r, 1, 40).Narrow(63).Dense(6, 3).Sigmoid(2).Narrow(21).Dense(5, 3).Sigmoid(2).Narrow(20).Dense(3, 3), 10, 100},
		{"table of table", bundletest.From(r, 2, 5).Narrow(9).Dense(3, 3).RandomTable(4).RandomTable(3).Narrow(5).Dense(2, 3), 10, 100},
		{"domains of one and two values", bundletest.From(r, 1, 5).Narrow(1).Dense(4, 1).RandomTable(4).Narrow(5).Dense(2, 3), 10, 100},
		{"narrow beside wide", bundletest.From(r, 2, 9).Narrow(1).Dense(7, 3).RandomTable(3).Narrow(60).Dense(4, 5).RandomTable(3).Narrow(5).Dense(2, 3), 10, 100},
		{"convolution and pool", bundletest.From(r, 1, 1, 6, 6).Narrow(12).Conv(2, 3, 1, 0, 2).Sigmoid(3).Pool(2, 2).Narrow(12).Dense(3, 2).RandomTable(3).Narrow(9).Dense(2, 3), 10, 100},
		{"overlapping pool", bundletest.From(r, 1, 1, 6, 6).Narrow(12).Conv(2, 3, 1, 0, 2).RandomTable(2).Pool(2, 1).Narrow(12).Dense(3, 2).RandomTable(3).Narrow(9).Dense(2, 3), 10, 100},
		{"pool with gaps", bundletest.From(r, 1, 1, 6, 6).Narrow(12).Conv(2, 3, 1, 0, 2).RandomTable(2).Pool(1, 3).Narrow(12).Dense(3, 2).RandomTable(3), 10, 100},
		{"shifted", bundletest.From(r, 2, 9).Narrow(60).Dense(4, 5).Table(3, func(_, _, i int64) int32 { return int32(i & 3) }).Narrow(9).Dense(3, 3), 10, 100},
		{"nine bits", bundletest.From(r, 3, 20).Narrow(72).Dense(2, 5).RandomTable(7).Narrow(5).Dense(2, 3), 11, 100},
	} {
		p := c.b.Done()
		for copies := 1; copies <= maxCopies; copies++ {
			plan := mustPlan(t, p, insecureCopies(c.logN, copies))
			result := checkExact(t, p, plan, c.b.Samples(c.samples))
			t.Logf("%s, %d copies: log QP %.0f, %d primes and %d, t %d, noise bits left %.1f, predicted %.1f", c.name, copies, plan.LogQP(), len(plan.layout.q), len(plan.layout.special), plan.layout.t, hetest.NoiseLeft(t, result), plan.PredictedNoiseBitsLeft())
		}
	}
}

func TestInsecureRandomChains(t *testing.T) {
	n := 25
	if testing.Short() {
		n = 5
	}
	for seed := range uint64(n) {
		r := bundletest.Rand(seed + 100)
		b := bundletest.From(r, 1+r.IntN(2), 1, 4+r.IntN(2), 4+r.IntN(2))
		for range 1 + r.IntN(2) {
			if len(b.Shape()) == 3 && b.Shape()[1] > 2 && b.Shape()[2] > 2 && r.IntN(4) > 0 {
				outputs, largest, norm := 1+r.IntN(2), 1+r.IntN(3), 1+r.IntN(20)
				b.Narrow(norm).Conv(outputs, 2, 1, 0, largest)
			} else {
				units, largest, norm := 1+r.IntN(4), 1+r.IntN(3), 1+r.IntN(40)
				b.Narrow(norm).Dense(units, largest)
			}
			switch r.IntN(3) {
			case 0:
				b.Sigmoid(1 + r.IntN(3))
			case 1:
				b.Table(uint8(r.IntN(3)), func(_, _, i int64) int32 { return int32(i*i%7) - 3 })
			default:
				b.RandomTable(1 + r.IntN(3))
			}
			if len(b.Shape()) == 3 && b.Shape()[1] > 1 && b.Shape()[2] > 1 && r.IntN(2) == 0 {
				b.Pool(2, 1+r.IntN(2))
			}
		}
		p := b.Narrow(30).Dense(1+r.IntN(3), 3).Done()
		plan := mustPlan(t, p, insecureCopies(10, 1+r.IntN(maxCopies)))
		checkExact(t, p, plan, b.Samples(1+r.IntN(1500)))
	}
}

// TestSmallestSecureRing runs a program in parameters that are fit for use: all
// slots of a batch and one sample more.
func TestSmallestSecureRing(t *testing.T) {
	if testing.Short() {
		t.Skip("a ring of full size")
	}
	b := bundletest.New(3, 1, 20).Narrow(31).Dense(4, 3).RandomTable(2).Narrow(10).Dense(3, 3).RandomTable(3).Narrow(9).Dense(3, 3)
	p := b.Done()
	plan := mustPlan(t, p, Options{})
	if plan.SecurityBits() != 128 {
		t.Fatalf("%d bits of security: %v", plan.SecurityBits(), plan.Why())
	}
	r := checkExact(t, p, plan, b.Samples(plan.Slots()+1))
	t.Logf("N = 2^%d, log QP %.0f, noise bits left %.1f, predicted %.1f", plan.LogN(), plan.LogQP(), hetest.NoiseLeft(t, r), plan.PredictedNoiseBitsLeft())
}
