package bgv

import (
	"context"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he/internal/meter"
)

// bytes is what a session's ciphertexts and plaintexts take.
func (s *session) bytes() (sum int64) {
	add := func(words int) { sum += 8 * int64(words) }
	for _, t := range append([]tensor{s.server.input, s.out.tensor}, s.server.between...) {
		for _, limb := range t.limbs[:cap(t.limbs)] {
			add(cap(limb))
		}
	}
	for _, behind := range s.server.digits {
		for _, d := range behind {
			for _, limb := range d.limbs {
				add(cap(limb))
			}
		}
	}
	add(cap(s.messages.plain))
	add(cap(s.messages.errors))
	return sum
}

// What a plan says of memory is what a batch takes, to the byte: of chains, of graphs
// whose buffers wait for several segments, and of a program whose outputs are dropped
// further. It is the same with any number of workers, and a second batch takes no more.
func TestInsecureMemoryIsAsPredicted(t *testing.T) {
	for name, p := range map[string]*bundle.Program{
		"no product":  bundletest.New(1, 2, 6).Dense(4, 3).Done(),
		"three":       bundletest.New(2, 2, 1, 8, 8).Conv(3, 3, 1, 0, 3).Square().Pool(2, 2).Dense(4, 3).Square().Dense(3, 3).Square().Dense(2, 3).Done(),
		"polynomials": bundletest.New(3, 3, 5).Dense(4, 3).Polynomials(20, 3, 2).Dense(3, 5).Done(),
		"late input":  late().Done(t, 2),
		"residual":    residual().Done(t, 3),
	} {
		for workers := 1; workers <= 3; workers++ {
			o := insecureOptions(11, 2)
			o.Workers = workers
			plan := mustPlan(t, p, o)
			s := &session{plan: plan, client: generate(plan.half), server: newEvaluator(plan), messages: newMessages()}
			for batch := range 2 {
				if _, err := s.Batch(context.Background(), bundletest.Samples(p, 3), meter.New(nil, 1)); err != nil {
					t.Fatal(err)
				}
				if got := s.bytes(); got != plan.Memory() {
					t.Errorf("%s: batch %d with %d workers takes %d bytes, the plan says %d", name, batch, workers, got, plan.Memory())
				}
			}
		}
	}
}

// A batch of a network of mnist-best's size takes at most 6 GiB, and far less than all
// limbs of what waits between segments: one limb is at work at a time.
func TestMemoryOfAWideNetwork(t *testing.T) {
	p := wide()
	plan := mustPlan(t, p, Options{Samples: 10_000})
	all := 0.0
	for i := range plan.circuit.segments {
		all += float64(plan.layout.level(i) * plan.circuit.polynomials(i) * plan.Slots() * 8)
	}
	if got := float64(plan.Memory()); got > 6<<30 || got > 0.6*all {
		t.Errorf("a batch takes %.1f GiB, all limbs that wait between segments are %.1f GiB", got/(1<<30), all/(1<<30))
	}
}

// Half the memory is worth a tenth of the time, down to a gibibyte.
func TestMemoryIsWeighed(t *testing.T) {
	const g = 1 << 30
	if a, b := weigh(1, 8*g), weigh(1.1, 4*g); a/b < 1-1e-12 || a/b > 1+1e-12 {
		t.Errorf("a cost of %v, with half the memory and a tenth more time %v", a, b)
	}
	if weigh(1, 8*g) >= weigh(1.11, 4*g) || weigh(1, 8*g) <= weigh(1.09, 4*g) {
		t.Error("half the memory is worth more or less than a tenth of the time")
	}
	if weigh(1, g) != weigh(1, 1) || weigh(1, g/2) != 1 {
		t.Error("memory below a gibibyte has a cost")
	}
}
