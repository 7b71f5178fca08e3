package bgv

import (
	"context"
	"errors"
	"math"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/kernel/cpu"
)

// A prediction is the same with the kernels of every level, whether this processor has
// them or not: predictions build none.
func TestPredictAtEveryLevel(t *testing.T) {
	defer func(was cpu.Level) { cpu.Active = was }(cpu.Active)
	p := bundletest.LeNet(1).Done()
	var want Prediction
	for level := cpu.Portable; level <= cpu.IFMA; level++ {
		cpu.Active = level
		got, err := Predict(t.Context(), p, Options{Samples: 10000})
		if err != nil {
			t.Fatal(err)
		}
		if level == cpu.Portable {
			want = got
		}
		if got != want {
			t.Errorf("%v: %+v, with portable kernels %+v", level, got, want)
		}
	}
}

// A prediction says of a plan what the plan says of itself.
func TestPredict(t *testing.T) {
	p := bundletest.LeNet(1).Done()
	o := Options{Samples: 10000}
	plan := mustPlan(t, p, o)
	got, err := Predict(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if got.LogN != plan.LogN() || got.LogQP != plan.LogQ() || got.PlaintextPrimes != len(plan.PlaintextModuli()) || got.CiphertextPrimes != len(plan.CiphertextModuli()) {
		t.Errorf("%+v predicted of a plan with N = 2^%d, log Q %v, primes %v and %v", got, plan.LogN(), plan.LogQ(), plan.PlaintextModuli(), plan.CiphertextModuli())
	}
	if got.OutputBits >= got.PlaintextBits || got.OutputBits < float64(p.Output().Range.Bits()-2) {
		t.Errorf("%.1f bits of output in %.1f of plaintext primes, the range has %d", got.OutputBits, got.PlaintextBits, p.Output().Range.Bits())
	}
	// Batches are paid for whole.
	one, err := Predict(t.Context(), p, Options{LogN: got.LogN, PlaintextModuli: got.PlaintextPrimes, Samples: plan.Slots()})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Predict(t.Context(), p, Options{LogN: got.LogN, PlaintextModuli: got.PlaintextPrimes, Samples: plan.Slots() + 1})
	if err != nil {
		t.Fatal(err)
	}
	if !(one.Work > 0) || math.Abs(two.Work/one.Work-2) > 0.1 {
		t.Errorf("work %v of a full batch and %v of one sample more", one.Work, two.Work)
	}
	if s := (Speed{Factor: 3, Workers: 2}); got.Seconds(s) != got.Work*1.5 {
		t.Errorf("%v seconds of work %v at factor 3 on two workers", got.Seconds(s), got.Work)
	}
	deep := bundletest.New(1, 1, 4)
	for range 7 {
		deep.Square()
	}
	if got, err := Predict(t.Context(), deep.Done(), Options{}); !errors.Is(err, he.ErrInsufficient) || got != (Prediction{}) {
		t.Errorf("%+v, %v of a program that nothing carries", got, err)
	}
}

func TestMeasureSpeed(t *testing.T) {
	s, err := MeasureSpeed(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", s)
	if !(s.Factor > 0) || !(s.Seconds > 0) || s.Workers < 1 {
		t.Errorf("%+v", s)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := MeasureSpeed(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
}
