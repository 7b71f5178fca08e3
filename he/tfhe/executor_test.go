package tfhe

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

func TestInsecureRunIsExact(t *testing.T) {
	t.Run("one accumulator", func(t *testing.T) { runIsExact(t, 2, 0) })
	t.Run("four accumulators", func(t *testing.T) { runIsExact(t, 2, 2) })
	if testing.Short() {
		return
	}
	t.Run("three bits a step", func(t *testing.T) { runIsExact(t, 3, 0) })
	t.Run("two accumulators, three bits", func(t *testing.T) { runIsExact(t, 3, 1) })
}

// runIsExact runs programs with so many key bits a step and 2^accumulators accumulators a
// look-up.
func runIsExact(t *testing.T, group, accumulators int) {
	rng := seeded(9)
	for name, p := range map[string]*bundle.Program{
		"convolution":      convNet(t),
		"arbitrary tables": newNet(t, rng, net{bits: 2, maxWeight: 1, table: arbitrary(3), domain: 30, widths: []int{10, 7, 5, 4}}),
		"recurrent":        lstmtest.Table(lstmtest.Shape{Steps: 2, Inputs: 3, Hidden: 2}, 30, 1),
		"unit":             lstmtest.Unit(lstmtest.Shape{Steps: 2, Inputs: 3, Hidden: 2}, 30, 1),
		"products":         squares(t),
		"no tables":        newNet(t, rng, net{bits: 2, maxWeight: 2, widths: []int{8, 4}}),
	} {
		t.Run(name, func(t *testing.T) {
			l := testInsecureLiteral()
			l.LogSmallQ, l.Group, l.LogAccumulators = 22, group, accumulators
			plan, err := NewPlan(t.Context(), p, Options{Parameters: &l, AllowInsecure: true})
			if err != nil {
				t.Fatal(err)
			}
			samples := randomSamples(rng, 3, plan.program)
			var phases []string
			last := he.Step{}
			e := NewExecutor(p, plan)
			r, err := e.Run(context.Background(), samples, func(s he.Step) {
				if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
					phases = append(phases, s.Phase)
				}
				if s.Done < last.Done {
					t.Errorf("step %+v after %+v", s, last)
				}
				if last = s; s.Done > s.Total {
					t.Errorf("step %+v", s)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range bundletest.Reference(t, p, samples) {
				if got := hetest.Exact(t, r)[i]; !got.Equal(w) {
					t.Errorf("sample %d: logits %v, want %v", i, got, w)
				}
			}
			lookups := plan.Lookups() * len(samples)
			if want := "keygen" + strings.Repeat(" encrypt evaluate decrypt", len(samples)); last.Done != last.Total || strings.Join(phases, " ") != want {
				t.Errorf("phases %v end at %+v", phases, last)
			}
			k := hetest.Account[*he.Lookups](t, r)
			if outputs := plan.last().n * len(samples); k.Done != lookups+outputs || k.Missed != 0 || k.Failed != 0 || len(k.Layers) != len(plan.layers) {
				t.Errorf("look-ups %+v", k)
			}
			seconds, left := hetest.Account[he.NodeSeconds](t, r), hetest.NoiseLeft(t, r)
			if len(seconds) != len(p.Nodes) || r.Cost.Bytes.Keys == 0 || left <= 0 {
				t.Errorf("node seconds %v, cost %+v, %v bits left", seconds, r.Cost, left)
			}
			if b := e.Backend(); b.Name != "pbs" || b.LogN != 10 || b.SecurityBits >= 128 || len(b.Why) == 0 {
				t.Errorf("backend %+v", b)
			}
		})
	}
}

func TestInsecureRunRefuses(t *testing.T) {
	plan := smallPlan(t)
	e := NewExecutor(plan.program, plan)
	if _, err := e.Run(context.Background(), []bundle.Sample{make(bundle.Sample, 6), make(bundle.Sample, 7)}, nil); err == nil || !strings.Contains(err.Error(), "sample 1 has 7 values") {
		t.Errorf("long sample: %v", err)
	}
	if _, err := plan.Simulate(context.Background(), []bundle.Sample{make(bundle.Sample, 7)}, 1, nil); err == nil || !strings.Contains(err.Error(), "sample 0 has 7 values") {
		t.Errorf("long sample simulated: %v", err)
	}
	r, err := e.Run(context.Background(), nil, nil)
	if err != nil || len(hetest.Exact(t, r)) != 0 || len(r.Accounts) != 0 {
		t.Errorf("no samples: %v, %v", r, err)
	}
	hetest.Cancelled(t, plan.program, 2*plan.workers+2, func() he.Executor { return NewExecutor(plan.program, plan) }, randomSamples(seeded(1), 50, plan.program))
}

// Under hopeless noise a run must not pass for a good one.
func TestInsecureNoiseIsReported(t *testing.T) {
	p := newNet(t, seeded(3), net{bits: 1, maxWeight: 1, table: arbitrary(4), widths: []int{12, 12, 3}})
	l := testInsecureLiteral()
	l.LogN, l.LogSmallQ, l.Switch.Base, l.Switch.Levels = 8, 12, 2, 6
	plan := forced(t, p, l)
	samples := randomSamples(seeded(4), 10, plan.program)
	r, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
	var noise *NoiseError
	if err != nil {
		if !errors.As(err, &noise) {
			t.Error(err)
		}
		return
	}
	if k := hetest.Account[*he.Lookups](t, r); k.Failed < 10 {
		t.Errorf("%d failures of %d, %.1f expected", k.Failed, k.Done, k.Expected)
	}
}

// The simulation is the reference without noise, whatever the workers, and its
// noise has the predicted deviations.
func TestSimulate(t *testing.T) {
	rng := seeded(12)
	p := newNet(t, rng, net{bits: 2, maxWeight: 1, domain: 40, table: arbitrary(3), widths: []int{40, 24, 16, 4}})
	samples := randomSamples(rng, 500, p)
	run := func(l ParametersLiteral, workers int, seed uint64) (*Plan, *he.Simulation) {
		plan := forced(t, p, l)
		plan.workers = workers
		s, err := plan.Simulate(context.Background(), samples, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		return plan, s
	}
	good, err := NewPlan(t.Context(), p, Options{LogFailure: -40})
	if err != nil {
		t.Fatal(err)
	}
	plan, s := run(good.params.ParametersLiteral, 2, 1)
	for i, w := range bundletest.Reference(t, p, samples) {
		if !s.Answers[i].Equal(w) {
			t.Fatalf("sample %d: logits %v, want %v", i, s.Answers[i], w)
		}
	}
	if s.Lookups.Done != 44*len(samples) || s.Lookups.Failed != 0 {
		t.Errorf("look-ups %+v", s.Lookups)
	}
	for i, l := range s.Lookups.Layers {
		if r := l.Measured / l.Predicted; r < 0.7 || r > 1.02 { // the prediction is the worst output's
			t.Errorf("layer %q: simulated deviation %g, predicted %g", plan.layers[i].name, l.Measured, l.Predicted)
		}
	}
	bad := good.params.ParametersLiteral
	bad.LogN -= 2
	_, a := run(bad, 1, 7)
	_, b := run(bad, 2, 7)
	_, c := run(bad, 2, 8)
	if !reflect.DeepEqual(a.Answers, b.Answers) || a.Lookups.Failed != b.Lookups.Failed {
		t.Error("the number of workers changes a simulation")
	}
	if reflect.DeepEqual(a.Answers, c.Answers) || a.Lookups.Failed == 0 {
		t.Error("noise does nothing")
	}
	if e := a.Lookups.Expected; math.Abs(float64(a.Lookups.Missed)-e) > 5*math.Sqrt(e)+0.05*e {
		t.Errorf("%d missed, %.1f expected", a.Lookups.Missed, e)
	}
}

// Samples in which no look-up failed have the reference's logits, whatever the noise,
// whether it was measured or drawn.
func TestInsecureFailuresAreNamed(t *testing.T) {
	p := newNet(t, seeded(6), net{bits: 2, maxWeight: 1, table: arbitrary(3), domain: 30, widths: []int{10, 7, 5, 4}})
	l := testInsecureLiteral()
	l.LogSmallQ = 18 // some 30 misses in 200 samples
	plan := forced(t, p, l)
	samples := randomSamples(seeded(7), 200, plan.program)
	reference := bundletest.Reference(t, p, samples)
	check := func(what string, logits []bundle.Vec, k *he.Lookups) {
		differ := 0
		for i, v := range logits {
			_, failed := slices.BinarySearch(k.FailedSamples, i)
			if !v.Equal(reference[i]) {
				differ++
				if !failed {
					t.Errorf("%s: sample %d has logits %v, want %v, and no failed look-up", what, i, v, reference[i])
				}
			}
		}
		t.Logf("%s: %d of %d samples differ, %d have failed look-ups; %d missed, %.1f expected", what, differ, len(logits), len(k.FailedSamples), k.Missed, k.Expected)
		if len(k.FailedSamples) == 0 || len(k.FailedSamples) == len(samples) || k.Failed < len(k.FailedSamples) {
			t.Errorf("%s: failures in samples %v: the noise is chosen so that some fail", what, k.FailedSamples)
		}
	}
	e := NewExecutor(p, plan)
	r, err := e.Run(context.Background(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	check("encrypted", hetest.Exact(t, r), hetest.Account[*he.Lookups](t, r))
	s, err := e.(he.Simulator).Simulate(context.Background(), samples, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	check("simulated", s.Answers, s.Lookups)
}
