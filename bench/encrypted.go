package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/bgvlut"
	"qtool/he/lstm"
	"qtool/he/packed"
	"qtool/he/tfhe"
	"qtool/verify/integer"
)

// executors are what a subject's first rounds under encryption leave to later ones.
type executors struct {
	batch     he.Executor
	single    *packed.Plan
	sequences *lstm.Plan
	inBatch   func() []bgvlut.LookupTime
	lookups   *tfhe.Plan
	blind     func(context.Context) (time.Duration, error)
}

// encrypted are the measurements of the program, by what carries it; its inputs
// are called of.
func (s *subject) encrypted(of string) (all []measurement) {
	add := func(t Task, round func(context.Context) (reading, error)) { all = append(all, measurement{t, round}) }
	batch := Task{Kind: Batch, Name: "encrypted batch", Unit: of + "s/s", Rate: true}
	recurrent, tables := s.program.Uses(bundle.KindRecurrent), s.program.Uses(bundle.KindLookupTable)
	switch {
	case tables:
		if !recurrent {
			for _, n := range s.program.Nodes {
				if n.Kind() != bundle.KindLookupTable {
					continue
				}
				k := len(all)
				add(Task{Kind: Lookup, Name: "look-up in a batch, one core, " + n.Name, Unit: "us"}, func(ctx context.Context) (reading, error) { return s.lookupInBatch(ctx, k) })
			}
		}
		add(Task{Kind: Lookup, Name: "look-up by blind rotation", Unit: "ms"}, s.lookupAlone)
		add(Task{Kind: Lookup, Name: "one " + of + " by blind rotation, predicted", Unit: "s"}, s.predictAlone)
	case recurrent:
		batch.Long = true
		add(batch, s.encryptSequences)
	default:
		add(batch, s.encryptBatch)
		add(Task{Kind: Image, Name: "one " + of + ", packed-ckks", Unit: "ms"}, s.encryptOne)
	}
	return all
}

// take is the first n test inputs, over and over, and what the program answers.
func (s *subject) take(ctx context.Context, n int) error {
	if len(s.inputs) >= n {
		return nil
	}
	images := make([][]uint8, n)
	for i := range images {
		images[i] = s.test.Image(i % s.test.Len())
	}
	s.inputs = s.program.Input.Pictures(s.test.Encoder, images)
	e, err := integer.New(s.program)
	if err != nil {
		return err
	}
	r, err := e.Run(ctx, s.inputs[:min(n, s.test.Len())], nil)
	if err != nil {
		return err
	}
	logits, ok := r.Answers.(he.Exact)
	if !ok {
		return fmt.Errorf("bench: the reference answers with %T, want integers", r.Answers)
	}
	s.reference = nil
	for i := range n {
		s.reference = append(s.reference, logits[i%s.test.Len()])
	}
	return nil
}

// encryptBatch fills the slots of a batch and runs it, key generation to
// decryption: inputs a second.
func (s *subject) encryptBatch(ctx context.Context) (reading, error) {
	x := &s.executors
	if x.batch == nil {
		plan, err := bgv.NewPlan(ctx, s.program, bgv.Options{Samples: s.test.Len()})
		if err != nil {
			return reading{}, err
		}
		x.batch = bgv.NewExecutor(s.program, plan)
		if err := s.take(ctx, plan.Slots()); err != nil {
			return reading{}, err
		}
		// The first batch pays for fresh memory, as a user's first does; rounds
		// after it do not.
		if _, err := s.run(ctx, x.batch, plan.Slots(), nil); err != nil {
			return reading{}, err
		}
	}
	return s.throughput(ctx, x.batch, x.batch.Backend().Slots, nil)
}

// throughput is the pace of a batch of n inputs, key generation to decryption.
func (s *subject) throughput(ctx context.Context, e he.Executor, n int, step func(he.Step)) (reading, error) {
	start := begin()
	r, err := s.run(ctx, e, n, step)
	if err != nil {
		return reading{}, err
	}
	t, c := start.until(begin(), 1), r.Cost.Seconds
	t.wall = float64(n) / (c.Keygen + c.Encrypt + c.Evaluate + c.Decrypt)
	if t.cpu > 0 {
		t.cpu = float64(n) / t.cpu
	}
	t.note = s.network.Unit().Count(n)
	return t, nil
}

// encryptSequences is encryptBatch of a recurrent program without tables. Each
// round has fresh keys, and leaves no memory behind: it takes gigabytes.
func (s *subject) encryptSequences(ctx context.Context) (reading, error) {
	if s.executors.sequences == nil {
		plan, err := lstm.NewPlan(ctx, s.program, lstm.Options{})
		if err != nil {
			return reading{}, err
		}
		if err := s.take(ctx, plan.Slots()); err != nil {
			return reading{}, err
		}
		s.executors.sequences = plan
	}
	defer debug.FreeOSMemory()
	defer debug.SetGCPercent(debug.SetGCPercent(packedGarbage))
	plan := s.executors.sequences
	return s.throughput(ctx, lstm.NewExecutor(s.program, plan), plan.Slots(), func(step he.Step) {
		if s.report != nil && step.Done > 0 {
			s.report(float64(step.Done) / float64(step.Total))
		}
	})
}

// packedGarbage is what the command allows in packed ciphertexts: what stays is too
// large for as much garbage again.
const packedGarbage = 20

// packedInputs is how many inputs of a round the latency is the median of.
const packedInputs = 9

// encryptOne is the milliseconds of an evaluation of one input in packed
// ciphertexts.
func (s *subject) encryptOne(ctx context.Context) (reading, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(packedGarbage))
	if s.executors.single == nil {
		plan, err := packed.NewPlan(ctx, s.program, packed.Options{})
		if err != nil {
			return reading{}, err
		}
		if err := s.take(ctx, packedInputs); err != nil {
			return reading{}, err
		}
		s.executors.single = plan
	}
	// Each round has fresh keys, and none keeps its weights and keys in memory.
	r, err := s.run(ctx, packed.NewExecutor(s.program, s.executors.single), packedInputs, nil)
	if err != nil {
		return reading{}, err
	}
	latency, ok := he.AccountOf[*he.Latency](r)
	if !ok {
		return reading{}, fmt.Errorf("bench: a run of single inputs has no latency")
	}
	return reading{wall: 1000 * latency.Evaluate}, nil
}

// lookupInBatch is the microseconds of a look-up of table layer k.
func (s *subject) lookupInBatch(ctx context.Context, k int) (reading, error) {
	x := &s.executors
	if x.inBatch == nil {
		plan, err := bgvlut.NewPlan(ctx, s.program, bgvlut.Options{Samples: s.test.Len()})
		if err != nil {
			return reading{}, err
		}
		if x.inBatch, err = plan.MeasureLookups(); err != nil {
			return reading{}, err
		}
		x.inBatch()
	}
	start := begin()
	all := x.inBatch()
	us := float64(all[k].Time.Nanoseconds()) / 1e3
	t := reading{wall: us, note: fmt.Sprintf("%d values", all[k].Domain)}
	if r := start.until(begin(), 1); r.wall > 0 {
		t.cpu = us * min(1, r.cpu/r.wall)
	}
	return t, nil
}

// lookupAlone is the milliseconds of a look-up by blind rotation.
func (s *subject) lookupAlone(ctx context.Context) (reading, error) {
	x := &s.executors
	if x.blind == nil {
		plan, err := tfhe.NewPlan(ctx, s.program, tfhe.Options{})
		if err != nil {
			return reading{}, err
		}
		if x.blind, err = plan.MeasureLookups(ctx); err != nil {
			return reading{}, err
		}
		x.lookups = plan
	}
	start := begin()
	each, err := x.blind(ctx)
	if err != nil {
		return reading{}, err
	}
	t := start.until(begin(), 1)
	if t.wall > 0 {
		t.cpu *= each.Seconds() * 1e3 / t.wall
	}
	t.wall = each.Seconds() * 1e3
	return t, nil
}

// predictAlone is the seconds of all look-ups of one input at the pace of a few.
func (s *subject) predictAlone(ctx context.Context) (reading, error) {
	t, err := s.lookupAlone(ctx)
	if err != nil {
		return reading{}, err
	}
	n := s.executors.lookups.Lookups()
	t.wall, t.cpu, t.note = t.wall*float64(n)/1e3, t.cpu*float64(n)/1e3, fmt.Sprintf("%d look-ups", n)
	return t, nil
}
