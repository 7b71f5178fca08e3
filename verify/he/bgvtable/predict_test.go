package bgvtable

import (
	"cmp"
	"errors"
	"testing"

	"qtool/kernel/cpu"
	"qtool/verify/he/bgv"
)

// Without interpolation the prediction is that of the plan itself, whose tables
// are arbitrary, odd, even or constant, for the reference's kernels.
func TestPredict(t *testing.T) {
	active := cpu.Active
	defer func() { cpu.Active = active }()
	cpu.Active = cpu.IFMA
	// Of high degree: hash is even.
	hash := func(x int64) int32 { return int32(uint64(x*x*2654435761) >> 9 % 5) }
	sign := func(x int64) int32 { return int32(cmp.Compare(x, 0)) }
	for name, b := range map[string]*builder{
		"arbitrary": fullyConnected(1, 15, 5, false),
		"odd":       newProgram(seeded(1), 3, 9).dense(3, 3, 9).table(0, func(lo, hi, i int64) int32 { return sign(2*i-lo-hi) * hash(2*i-lo-hi) }).dense(3, 1, 3).random(2),
		"even":      newProgram(seeded(2), 3, 9).dense(3, 3, 9).table(0, func(lo, hi, i int64) int32 { return hash(2*i - lo - hi) }),
		"constant":  newProgram(seeded(3), 1, 9).dense(3, 1, 9).random(2).dense(3, 0, 0).random(2),
	} {
		p := b.done()
		for _, images := range []int{1, 10000, 20000} {
			cpu.Active = cpu.IFMA
			plan := mustPlan(t, p, Options{Images: images, Workers: 1})
			cpu.Active = cpu.Portable
			got, err := Predict(p, Options{Images: images})
			if err != nil {
				t.Fatal(err)
			}
			want := Prediction{plan.LogN(), plan.LogQP(), got.PlaintextBits, len(plan.layout.q), plan.PredictedSeconds(images)}
			if got != want || got.PlaintextBits < 13 {
				t.Errorf("%s, %d images: predicted %+v, planned %+v", name, images, got, want)
			}
		}
	}
	wide := newProgram(seeded(4), 4, 300).dense(2, 127, 1<<14).random(2).done()
	if _, err := Predict(wide, Options{}); !errors.Is(err, bgv.ErrInsufficient) {
		t.Errorf("error %v", err)
	}
}
