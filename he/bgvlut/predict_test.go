package bgvlut

import (
	"cmp"
	"errors"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/kernel/cpu"
)

// Without interpolation the prediction is the plan's own, whose tables
// are arbitrary, odd, even or constant, with the kernels of every level that this
// processor may have or not: predictions build none.
func TestPredict(t *testing.T) {
	active := cpu.Active
	defer func() { cpu.Active = active }()
	// Of high degree: hash is even.
	hash := func(x int64) int32 { return int32(uint64(x*x*2654435761) >> 9 % 5) }
	sign := func(x int64) int32 { return int32(cmp.Compare(x, 0)) }
	for name, b := range map[string]*bundletest.Builder{
		"arbitrary": fullyConnected(1, 15, 5, false),
		"odd":       bundletest.New(1, 3, 9).Narrow(9).Dense(3, 3).Table(0, func(lo, hi, i int64) int32 { return sign(2*i-lo-hi) * hash(2*i-lo-hi) }).Narrow(3).Dense(3, 1).RandomTable(2),
		"even":      bundletest.New(2, 3, 9).Narrow(9).Dense(3, 3).Table(0, func(lo, hi, i int64) int32 { return hash(2*i - lo - hi) }),
		"constant":  bundletest.New(3, 1, 9).Narrow(9).Dense(3, 1).RandomTable(2).Narrow(0).Dense(3, 0).RandomTable(2),
	} {
		p := b.Done()
		for _, samples := range []int{1, 10000, 20000} {
			cpu.Active = active
			plan := mustPlan(t, p, Options{Samples: samples, Workers: 1})
			for level := cpu.Portable; level <= cpu.IFMA; level++ {
				cpu.Active = level
				got, err := Predict(t.Context(), p, Options{Samples: samples})
				if err != nil {
					t.Fatal(err)
				}
				want := Prediction{plan.LogN(), plan.LogQP(), got.PlaintextBits, len(plan.layout.q), plan.Work(samples), got.Seconds}
				slower := got.Seconds > got.Work
				if got != want || got.PlaintextBits < 13 || slower != (level < cpu.IFMA) || level == cpu.IFMA && got.Seconds != got.Work {
					t.Errorf("%s, %d samples, %v: predicted %+v, planned %+v", name, samples, level, got, want)
				}
			}
		}
	}
	wide := bundletest.New(4, 4, 300).Narrow(1<<14).Dense(2, 127).RandomTable(2).Done()
	if _, err := Predict(t.Context(), wide, Options{}); !errors.Is(err, he.ErrInsufficient) {
		t.Errorf("error %v", err)
	}
}
