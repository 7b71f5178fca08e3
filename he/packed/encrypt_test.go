package packed

import (
	"math"
	"slices"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he/internal/sample"
	"qtool/he/packed/engine"
)

// The phase of an encryption of zero is an error of the standard's deviation,
// the same modulo every prime, and another one each time; the mask is another
// too, and uniform.
func TestInsecureFreshEncryption(t *testing.T) {
	plan, err := NewPlan(t.Context(), bundletest.New(1, 4, 30).Dense(7, 7).Square().Dense(3, 7).Observed(), insecure(12))
	if err != nil {
		t.Fatal(err)
	}
	client, _ := pairOf(t, plan)
	secret, seed := client.secret, sample.NewSeed()
	prepared, err := client.prepared()
	if err != nil {
		t.Fatal(err)
	}
	tool := client.tool(0, prepared)
	zero := slices.Repeat([]int32{-1}, plan.params.MaxSlots())
	var last engine.Ciphertext
	var before []int64
	for round := range 3 {
		ct, err := tool.encrypt(zero, nil, len(plan.ring.Q()), inputSeed(seed, round))
		if err != nil {
			t.Fatal(err)
		}
		var first []int64
		for i, s := range plan.ring.RingQ().SubRings[:ct.Limbs()] {
			phase := slices.Clone(ct[0][i])
			s.MulCoeffsMontgomeryThenAdd(ct[1][i], secret.Value.Q.Coeffs[i], phase)
			s.INTT(phase, phase)
			errors, square, mean := make([]int64, s.N), 0.0, 0.0
			for k, v := range phase {
				if errors[k] = int64(v); v > s.Modulus/2 {
					errors[k] -= int64(s.Modulus)
				}
				square += float64(errors[k]) * float64(errors[k]) / float64(s.N)
				mean += float64(ct[1][i][k]) / float64(s.Modulus) / float64(s.N)
			}
			if largest := max(slices.Max(errors), -slices.Min(errors)); float64(largest) > sample.Bound {
				t.Fatalf("limb %d: an error of %d", i, largest)
			}
			// Six deviations of an estimate from N of them; rounding adds 1/12.
			if d := math.Sqrt(square - 1./12); math.Abs(d/sample.Sigma-1) > 6/math.Sqrt(2*float64(s.N)) {
				t.Errorf("limb %d: the errors' deviation is %.3f, want %.1f", i, d, sample.Sigma)
			}
			if math.Abs(mean-0.5) > 6/math.Sqrt(12*float64(s.N)) {
				t.Errorf("limb %d: the mask's mean is %.4f of the prime", i, mean)
			}
			if first == nil {
				first = errors
			} else if !slices.Equal(first, errors) {
				t.Errorf("limb %d has other errors than the first", i)
			}
			if last != nil && slices.Equal(last[1][i], ct[1][i]) {
				t.Errorf("limb %d: two encryptions have one mask", i)
			}
		}
		if slices.Equal(before, first) {
			t.Error("two encryptions have one error")
		}
		last, before = ct, first
	}
}
