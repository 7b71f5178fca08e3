package bgv

import (
	"context"
	"math"
	"testing"

	"qtool/bundle"
	"qtool/verify"
)

// checkExact runs images under encryption and on plain integers and wants the
// same integers. It returns the measured noise bits left.
func checkExact(t *testing.T, p *bundle.Program, plan *Plan, images [][]uint8) float64 {
	t.Helper()
	result, err := NewExecutor(p, plan).Run(context.Background(), images, nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, p, images, result)
	// Ten standard deviations bound the maximum over fewer than 2^40
	// coefficients, if the model is right; its reserve is not touched.
	if result.NoiseBitsLeft < plan.PredictedNoiseBitsLeft() {
		t.Errorf("measured noise leaves %.2f bits, the prediction is %.2f", result.NoiseBitsLeft, plan.PredictedNoiseBitsLeft())
	}
	return result.NoiseBitsLeft
}

func compare(t *testing.T, p *bundle.Program, images [][]uint8, result *verify.Result) {
	t.Helper()
	reference, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Logits) != len(images) {
		t.Fatalf("%d results for %d images", len(result.Logits), len(images))
	}
	for i, image := range images {
		want, err := reference.Run(p.Input.Quantize(image), nil)
		if err != nil {
			t.Fatal(err)
		}
		if k := want.FirstDifference(result.Logits[i]); k >= 0 {
			t.Fatalf("image %d of %d, logit %d: want %v, got %v", i, len(images), k, want.At(k), result.Logits[i].At(k))
		}
	}
}

// insecureOptions force a ring that is small, fast and insecure.
func insecureOptions(logN, moduli int) Options {
	return Options{LogN: logN, AllowInsecure: true, PlaintextModuli: moduli}
}

func TestInsecureProgramsAreExact(t *testing.T) {
	r := seeded(2)
	for _, c := range []struct {
		name   string
		b      *builder
		logN   int
		moduli int
		images int
	}{
		{"dense only", newProgram(r, 4, 9).dense(4, 7), 10, 0, 1024},
		{"one image", newProgram(r, 4, 9).dense(4, 7), 10, 1, 1},
		{"conv stride and padding", newProgram(r, 4, 2, 7, 6).conv(3, 3, 2, 1, 7).square().dense(3, 7), 10, 0, 100},
		{"biases far beyond 64 bits", wideBiases(newProgram(r, 4, 6)).dense(5, 7).polynomial(2, 9, false).dense(3, 7), 10, 0, 50},
		{"reshape only", newProgram(r, 3, 2, 3).add(&bundle.Reshape{Shape: []int{6}}), 10, 0, 5},
		{"square first", newProgram(r, 4, 6).square().dense(3, 7), 10, 0, 50},
		{"square last", newProgram(r, 4, 6).dense(3, 7).square(), 10, 0, 50},
		{"pool first", newProgram(r, 4, 1, 6, 6).pool(2, 2).square().dense(3, 7), 10, 0, 50},
		{"two linear maps", newProgram(r, 4, 6).dense(5, 7).dense(4, 7).square().dense(3, 7).dense(2, 7), 10, 0, 50},
		{"pool fused, then dense", newProgram(r, 4, 1, 10, 10).conv(2, 3, 1, 0, 7).square().pool(2, 2).dense(5, 7).square().dense(3, 7), 11, 0, 2500},
		{"overlapping pool", newProgram(r, 4, 1, 8, 8).conv(2, 3, 1, 0, 7).square().pool(3, 1).dense(5, 7).square().dense(3, 7), 10, 2, 300},
		{"pool with gaps", newProgram(r, 4, 1, 8, 8).conv(2, 3, 1, 0, 7).square().pool(2, 3).conv(2, 2, 1, 0, 3).square().dense(3, 7), 10, 2, 300},
		{"pool of pool", newProgram(r, 4, 1, 8, 8).square().pool(2, 2).pool(2, 2).dense(5, 7).square().dense(3, 7), 10, 2, 300},
		{"square of square", newProgram(r, 3, 5).square().square().dense(3, 3), 10, 3, 200},
		{"three primes", newProgram(r, 4, 8).dense(6, 7).square().dense(5, 7).square().dense(3, 7), 11, 3, 2049},
		{"six primes", newProgram(r, 4, 8).dense(6, 7).square().dense(5, 7).square().dense(3, 7), 11, 6, 64},
		{"three squares", newProgram(r, 4, 6).dense(5, 5).square().dense(4, 5).square().dense(4, 5).square().dense(3, 5), 10, 4, 100},
		{"polynomial", newProgram(r, 4, 6).dense(5, 5).polynomial(2, 900, false).dense(3, 5), 10, 0, 100},
		{"polynomials by channel", newProgram(r, 4, 2, 5, 5).conv(4, 3, 1, 0, 5).polynomial(2, 900, true).pool(3, 3).dense(4, 5).polynomial(2, 90, true).dense(3, 5), 11, 2, 100},
		{"cubic by channel", newProgram(r, 3, 5).dense(4, 3).polynomial(3, 20, true).dense(3, 5), 10, 2, 100},
		{"square then cubic", newProgram(r, 3, 5).dense(4, 3).square().dense(3, 3).polynomial(3, 20, true).dense(3, 3), 10, 4, 100},
		{"quintic", newProgram(r, 3, 5).dense(4, 3).polynomial(5, 20, false).dense(3, 5), 10, 4, 100},
		{"line by channel", newProgram(r, 4, 6).dense(5, 5).polynomial(1, 3_000_000_000, false).square().polynomial(1, 3_000_000_000, false).dense(3, 5), 10, 4, 100},
		{"coefficients past the prime", newProgram(r, 3, 4).polynomial(2, 1<<45, false), 10, 3, 100},
		{"heavy weights", newProgram(r, 4, 40).dense(5, 1<<20).square().dense(3, math.MaxInt32), 10, 3, 100},
		{"long rows", newProgram(r, 4, 600).dense(3, 127).square().dense(2, 7), 10, 0, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.b.done()
			plan := mustPlan(t, p, insecureOptions(c.logN, c.moduli))
			left := checkExact(t, p, plan, c.b.images(c.images))
			t.Logf("logQ %.0f, t %d x %.0f bits, noise bits left %.1f, predicted %.1f", plan.LogQ(), len(plan.layout.t), plan.layout.logT(), left, plan.PredictedNoiseBitsLeft())
		})
	}
}

func TestInsecureRandomPrograms(t *testing.T) {
	n := 60
	if testing.Short() {
		n = 10
	}
	for seed := range uint64(n) {
		r := seeded(seed + 100)
		b := newProgram(r, 1+r.IntN(4), 1+r.IntN(2), 5+r.IntN(4), 5+r.IntN(4))
		for range 1 + r.IntN(2) {
			if len(b.shape) == 3 && b.shape[1] > 2 && b.shape[2] > 2 && r.IntN(4) > 0 {
				b.conv(1+r.IntN(3), 2, 1+r.IntN(2), r.IntN(2), 1+r.IntN(7))
			} else {
				b.dense(1+r.IntN(6), 1+r.IntN(7))
			}
			if r.IntN(3) == 0 {
				b.polynomial(2, 1+r.IntN(30), r.IntN(2) == 0)
			} else {
				b.square()
			}
			if len(b.shape) == 3 && b.shape[1] > 1 && b.shape[2] > 1 && r.IntN(2) == 0 {
				b.pool(2, 1+r.IntN(2))
			}
		}
		p := b.dense(1+r.IntN(4), 7).done()
		checkExact(t, p, mustPlan(t, p, insecureOptions(10, 2+r.IntN(3))), b.images(1+r.IntN(1500)))
	}
}

// TestSmallestSecureRing runs a program in parameters that are fit for use.
func TestSmallestSecureRing(t *testing.T) {
	b := newProgram(seeded(3), 4, 1, 6, 6).conv(2, 3, 1, 0, 7).square().pool(2, 2).dense(3, 7)
	p := b.done()
	plan := mustPlan(t, p, Options{})
	if plan.SecurityBits() != 128 {
		t.Fatalf("%d bits of security: %v", plan.SecurityBits(), plan.Why())
	}
	checkExact(t, p, plan, b.images(plan.Slots()+1))
}

// TestAdversarialInputsOfLeNet encrypts images that drive LeNet-1 to its
// extremes: nothing but the smallest and the largest value, and rows of the
// first layer with each weight's sign matched.
func TestAdversarialInputsOfLeNet(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole LeNet-1")
	}
	b := lenet(seeded(4))
	p := b.done()
	images := b.images(4)
	flat := func(v uint8) []uint8 {
		image := make([]uint8, 784)
		for i := range image {
			image[i] = v
		}
		return image
	}
	images = append(images, flat(0), flat(255))
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
	left := checkExact(t, p, plan, images)
	t.Logf("%d images, noise bits left %.1f, predicted %.1f", len(images), left, plan.PredictedNoiseBitsLeft())
}
