package bgv

import (
	"context"
	"math"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he/internal/hetest"
)

// checkExact runs samples under encryption and on plain integers and wants the
// same integers. It returns the measured noise bits left.
func checkExact(t *testing.T, p *bundle.Program, plan *Plan, samples []bundle.Sample) float64 {
	t.Helper()
	result, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	bundletest.CheckExact(t, p, samples, hetest.Exact(t, result))
	// Ten standard deviations bound the maximum over fewer than 2^40
	// coefficients, if the model is right; its reserve is not touched.
	if left := hetest.NoiseLeft(t, result); left < plan.PredictedNoiseBitsLeft() {
		t.Errorf("measured noise leaves %.2f bits, the prediction is %.2f", left, plan.PredictedNoiseBitsLeft())
	}
	return hetest.NoiseLeft(t, result)
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
func insecureOptions(logN, moduli int) Options {
	return Options{LogN: logN, AllowInsecure: true, PlaintextModuli: moduli}
}

func TestInsecureProgramsAreExact(t *testing.T) {
	r := bundletest.Rand(2)
	for _, c := range []struct {
		name    string
		b       *bundletest.Builder
		logN    int
		moduli  int
		samples int
	}{
		{"dense only", bundletest.From(r, 4, 9).Dense(4, 7), 10, 0, 1024},
		{"one sample", bundletest.From(r, 4, 9).Dense(4, 7), 10, 1, 1},
		{"conv stride and padding", bundletest.From(r, 4, 2, 7, 6).Conv(3, 3, 2, 1, 7).Square().Dense(3, 7), 10, 0, 100},
		{"biases far beyond 64 bits", bundletest.From(r, 4, 6).Wide(75).Dense(5, 7).Polynomial(2, 9).Dense(3, 7), 10, 0, 50},
		{"reshape only", bundletest.From(r, 3, 2, 3).Add(&bundle.Reshape{Shape: []int{6}}), 10, 0, 5},
		{"square first", bundletest.From(r, 4, 6).Square().Dense(3, 7), 10, 0, 50},
		{"square last", bundletest.From(r, 4, 6).Dense(3, 7).Square(), 10, 0, 50},
		{"pool first", bundletest.From(r, 4, 1, 6, 6).Pool(2, 2).Square().Dense(3, 7), 10, 0, 50},
		{"two linear maps", bundletest.From(r, 4, 6).Dense(5, 7).Dense(4, 7).Square().Dense(3, 7).Dense(2, 7), 10, 0, 50},
		{"pool fused, then dense", bundletest.From(r, 4, 1, 10, 10).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(5, 7).Square().Dense(3, 7), 11, 0, 2500},
		{"overlapping pool", bundletest.From(r, 4, 1, 8, 8).Conv(2, 3, 1, 0, 7).Square().Pool(3, 1).Dense(5, 7).Square().Dense(3, 7), 10, 2, 300},
		{"pool with gaps", bundletest.From(r, 4, 1, 8, 8).Conv(2, 3, 1, 0, 7).Square().Pool(2, 3).Conv(2, 2, 1, 0, 3).Square().Dense(3, 7), 10, 2, 300},
		{"pool of pool", bundletest.From(r, 4, 1, 8, 8).Square().Pool(2, 2).Pool(2, 2).Dense(5, 7).Square().Dense(3, 7), 10, 2, 300},
		{"square of square", bundletest.From(r, 3, 5).Square().Square().Dense(3, 3), 10, 3, 200},
		{"three primes", bundletest.From(r, 4, 8).Dense(6, 7).Square().Dense(5, 7).Square().Dense(3, 7), 11, 3, 2049},
		{"six primes", bundletest.From(r, 4, 8).Dense(6, 7).Square().Dense(5, 7).Square().Dense(3, 7), 11, 6, 64},
		{"three squares", bundletest.From(r, 4, 6).Dense(5, 5).Square().Dense(4, 5).Square().Dense(4, 5).Square().Dense(3, 5), 10, 4, 100},
		{"polynomial", bundletest.From(r, 4, 6).Dense(5, 5).Polynomial(2, 900).Dense(3, 5), 10, 0, 100},
		{"polynomials by channel", bundletest.From(r, 4, 2, 5, 5).Conv(4, 3, 1, 0, 5).Polynomials(900, 2, 1).Pool(3, 3).Dense(4, 5).Polynomials(90, 2, 1).Dense(3, 5), 11, 2, 100},
		{"cubic by channel", bundletest.From(r, 3, 5).Dense(4, 3).Polynomials(20, 3, 2).Dense(3, 5), 10, 2, 100},
		{"square then cubic", bundletest.From(r, 3, 5).Dense(4, 3).Square().Dense(3, 3).Polynomials(20, 3, 2).Dense(3, 3), 10, 4, 100},
		{"quintic", bundletest.From(r, 3, 5).Dense(4, 3).Polynomial(5, 20).Dense(3, 5), 10, 4, 100},
		{"line by channel", bundletest.From(r, 4, 6).Dense(5, 5).Polynomial(1, 3_000_000_000).Square().Polynomial(1, 3_000_000_000).Dense(3, 5), 10, 4, 100},
		{"coefficients past the prime", bundletest.From(r, 3, 4).Polynomial(2, 1<<45), 10, 3, 100},
		{"heavy weights", bundletest.From(r, 4, 40).Dense(5, 1<<20).Square().Dense(3, math.MaxInt32), 10, 3, 100},
		{"long rows", bundletest.From(r, 4, 600).Dense(3, 127).Square().Dense(2, 7), 10, 0, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.b.Done()
			plan := mustPlan(t, p, insecureOptions(c.logN, c.moduli))
			left := checkExact(t, p, plan, c.b.Samples(c.samples))
			t.Logf("logQ %.0f, t %d x %.0f bits, noise bits left %.1f, predicted %.1f", plan.LogQ(), len(plan.layout.t), plan.layout.logT(), left, plan.PredictedNoiseBitsLeft())
		})
	}
}

func TestInsecureRandomChains(t *testing.T) {
	n := 60
	if testing.Short() {
		n = 10
	}
	for seed := range uint64(n) {
		r := bundletest.Rand(seed + 100)
		b := bundletest.From(r, 1+r.IntN(4), 1+r.IntN(2), 5+r.IntN(4), 5+r.IntN(4))
		for range 1 + r.IntN(2) {
			if len(b.Shape()) == 3 && b.Shape()[1] > 2 && b.Shape()[2] > 2 && r.IntN(4) > 0 {
				b.Conv(1+r.IntN(3), 2, 1+r.IntN(2), r.IntN(2), 1+r.IntN(7))
			} else {
				b.Dense(1+r.IntN(6), 1+r.IntN(7))
			}
			if r.IntN(3) > 0 {
				b.Square()
			} else if largest := 1 + r.IntN(30); r.IntN(2) == 0 {
				b.Polynomials(largest, 2, 1)
			} else {
				b.Polynomial(2, largest)
			}
			if len(b.Shape()) == 3 && b.Shape()[1] > 1 && b.Shape()[2] > 1 && r.IntN(2) == 0 {
				b.Pool(2, 1+r.IntN(2))
			}
		}
		p := b.Dense(1+r.IntN(4), 7).Done()
		checkExact(t, p, mustPlan(t, p, insecureOptions(10, 2+r.IntN(3))), b.Samples(1+r.IntN(1500)))
	}
}

// TestSmallestSecureRing runs a program in parameters that are fit for use.
func TestSmallestSecureRing(t *testing.T) {
	b := bundletest.New(3, 4, 1, 6, 6).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(3, 7)
	p := b.Done()
	plan := mustPlan(t, p, Options{})
	if plan.SecurityBits() != 128 {
		t.Fatalf("%d bits of security: %v", plan.SecurityBits(), plan.Why())
	}
	checkExact(t, p, plan, b.Samples(plan.Slots()+1))
}

// TestAdversarialInputsOfLeNet encrypts samples that drive LeNet-1 to its
// extremes: nothing but the smallest and the largest value, and rows of the
// first layer with each weight's sign matched.
func TestAdversarialInputsOfLeNet(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole LeNet-1")
	}
	b := bundletest.LeNet(4)
	p := b.Done()
	flat := func(v uint8) []uint8 { return slices.Repeat([]uint8{v}, 784) }
	images := [][]uint8{flat(0), flat(255)}
	conv := p.Nodes[0].Op.(bundle.Linear).Rows(p.Input.Shape)
	for o := 0; o < conv.Outputs(); o += 97 {
		for _, positive := range []bool{true, false} {
			image := flat(0)
			in, w := conv.Row(o)
			for k, i := range in {
				if (w[k] > 0) == positive {
					image[i] = 255
				}
			}
			images = append(images, image)
			// The same pattern in every window at once.
			tiled := flat(0)
			weights := p.Nodes[0].Op.(*bundle.Conv2D).Weight[o/576*25:][:25]
			for i := range tiled {
				if (weights[i/28%5*5+i%28%5] > 0) == positive {
					tiled[i] = 255
				}
			}
			images = append(images, tiled)
		}
	}
	plan := mustPlan(t, p, Options{})
	samples := append(b.Samples(4), p.Input.Samples(images)...)
	left := checkExact(t, p, plan, samples)
	t.Logf("%d samples, noise bits left %.1f, predicted %.1f", len(samples), left, plan.PredictedNoiseBitsLeft())
}
