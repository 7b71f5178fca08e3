package bgvtable

import (
	"context"
	"testing"

	"qtool/bundle"
	"qtool/verify"
)

// checkExact runs images under encryption and on plain integers and wants the
// same integers.
func checkExact(t testing.TB, p *bundle.Program, plan *Plan, images [][]uint8) *verify.Result {
	t.Helper()
	result, err := NewExecutor(p, plan).Run(context.Background(), images, nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, p, images, result)
	// The bound holds for all coefficients, if the model is right; its reserve is
	// not touched.
	if result.NoiseBitsLeft < plan.PredictedNoiseBitsLeft() {
		t.Errorf("measured noise leaves %.2f bits, the prediction is %.2f", result.NoiseBitsLeft, plan.PredictedNoiseBitsLeft())
	}
	return result
}

func compare(t testing.TB, p *bundle.Program, images [][]uint8, result *verify.Result) {
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
func insecureOptions(logN int) Options { return Options{LogN: logN, AllowInsecure: true} }

func TestInsecureProgramsAreExact(t *testing.T) {
	r := seeded(2)
	for _, c := range []struct {
		name   string
		b      *builder
		logN   int
		images int
	}{
		{"dense only", newProgram(r, 2, 9).dense(4, 3, 20), 10, 1024},
		{"reshape only", newProgram(r, 3, 2, 3).add(&bundle.Reshape{Shape: []int{6}}), 10, 5},
		{"table only", newProgram(r, 3, 6).random(4), 10, 50},
		{"one image", newProgram(r, 2, 9).dense(4, 3, 12).random(4).dense(3, 3, 20), 10, 1},
		{"two tables", newProgram(r, 1, 40).dense(6, 3, 40).random(2).dense(5, 3, 12).random(2).dense(3, 3, 20), 10, 1500},
		{"odd tables", newProgram(r, 1, 40).dense(6, 3, 63).sigmoid(2).dense(5, 3, 21).sigmoid(2).dense(3, 3, 20), 10, 100},
		{"table of table", newProgram(r, 2, 5).dense(3, 3, 9).random(4).random(3).dense(2, 3, 5), 10, 100},
		{"domains of one and two values", newProgram(r, 1, 5).dense(4, 1, 1).random(4).dense(2, 3, 5), 10, 100},
		{"narrow beside wide", newProgram(r, 2, 9).dense(7, 3, 1).random(3).dense(4, 5, 60).random(3).dense(2, 3, 5), 10, 100},
		{"convolution and pool", newProgram(r, 1, 1, 6, 6).conv(2, 3, 2, 12).sigmoid(3).pool(2, 2).dense(3, 2, 12).random(3).dense(2, 3, 9), 10, 100},
		{"overlapping pool", newProgram(r, 1, 1, 6, 6).conv(2, 3, 2, 12).random(2).pool(2, 1).dense(3, 2, 12).random(3).dense(2, 3, 9), 10, 100},
		{"pool with gaps", newProgram(r, 1, 1, 6, 6).conv(2, 3, 2, 12).random(2).pool(1, 3).dense(3, 2, 12).random(3), 10, 100},
		{"shifted", newProgram(r, 2, 9).dense(4, 5, 60).table(3, func(_, _, i int64) int32 { return int32(i & 3) }).dense(3, 3, 9), 10, 100},
		{"nine bits", newProgram(r, 3, 20).dense(2, 5, 72).random(7).dense(2, 3, 5), 11, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.b.done()
			plan := mustPlan(t, p, insecureOptions(c.logN))
			result := checkExact(t, p, plan, c.b.images(c.images))
			t.Logf("log QP %.0f, %d primes and %d, t %d, noise bits left %.1f, predicted %.1f", plan.LogQP(), len(plan.layout.q), len(plan.layout.special), plan.layout.t, result.NoiseBitsLeft, plan.PredictedNoiseBitsLeft())
		})
	}
}

func TestInsecureRandomPrograms(t *testing.T) {
	n := 25
	if testing.Short() {
		n = 5
	}
	for seed := range uint64(n) {
		r := seeded(seed + 100)
		b := newProgram(r, 1+r.IntN(2), 1, 4+r.IntN(2), 4+r.IntN(2))
		for range 1 + r.IntN(2) {
			if len(b.shape) == 3 && b.shape[1] > 2 && b.shape[2] > 2 && r.IntN(4) > 0 {
				b.conv(1+r.IntN(2), 2, 1+r.IntN(3), 1+r.IntN(20))
			} else {
				b.dense(1+r.IntN(4), 1+r.IntN(3), 1+r.IntN(40))
			}
			switch r.IntN(3) {
			case 0:
				b.sigmoid(1 + r.IntN(3))
			case 1:
				b.table(uint8(r.IntN(3)), func(_, _, i int64) int32 { return int32(i*i%7) - 3 })
			default:
				b.random(1 + r.IntN(3))
			}
			if len(b.shape) == 3 && b.shape[1] > 1 && b.shape[2] > 1 && r.IntN(2) == 0 {
				b.pool(2, 1+r.IntN(2))
			}
		}
		p := b.dense(1+r.IntN(3), 3, 30).done()
		plan := mustPlan(t, p, insecureOptions(10))
		checkExact(t, p, plan, b.images(1+r.IntN(1500)))
	}
}

// TestSmallestSecureRing runs a program in parameters that are fit for use: all
// slots of a batch and one image more.
func TestSmallestSecureRing(t *testing.T) {
	if testing.Short() {
		t.Skip("a ring of full size")
	}
	b := newProgram(seeded(3), 1, 20).dense(4, 3, 31).random(2).dense(3, 3, 10).random(3).dense(3, 3, 9)
	p := b.done()
	plan := mustPlan(t, p, Options{})
	if plan.SecurityBits() != 128 {
		t.Fatalf("%d bits of security: %v", plan.SecurityBits(), plan.Why())
	}
	r := checkExact(t, p, plan, b.images(plan.Slots()+1))
	t.Logf("N = 2^%d, log QP %.0f, noise bits left %.1f, predicted %.1f", plan.LogN(), plan.LogQP(), r.NoiseBitsLeft, plan.PredictedNoiseBitsLeft())
}
