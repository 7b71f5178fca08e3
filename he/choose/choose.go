// Package choose picks the back end of a program and plans it. What it picks depends on
// the program and the options alone: the same on every machine, unless timings of this
// one are asked for.
package choose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/bgvlut"
	"qtool/he/lstm"
	"qtool/he/packed"
	"qtool/he/tfhe"
	"qtool/internal/elementary"
)

// Names are the back ends that a program can be planned for; auto picks one.
var Names = []string{"auto", "bgv", "pbs", "packed-ckks", "packed-bgv"}

// Options are the caller's wishes, unchecked. The zero value but for Backend leaves the
// rest to the planners, whose options have the same names.
type Options struct {
	Backend       string // one of Names
	Samples       int    // that a run will have; 0: as many as fill their batches
	LogN          int
	AllowInsecure bool
	Bits          float64 // of output precision, packed-ckks
	Memory        int64   // bytes of ciphertexts at once, bgv
	// Failure is the largest probability that a sample has a decryption failure, pbs; 0 is
	// its default.
	Failure float64
	// FailurePerLookup is the largest probability that a look-up or logit has one, pbs; 0
	// is no limit besides Failure or its default.
	FailurePerLookup float64
	TuneTimings      bool
}

// LivingFailure is the FailurePerLookup for secret keys that stay in use; Failure's default
// is for those that are thrown away.
const LivingFailure = 0x1p-64

// Plan is a plan of one of the back ends.
type Plan struct {
	Backend // the plan itself
	// Why says why auto took this back end; empty where it was named.
	Why string
}

// Backend is a plan itself, which splits into the halves of client and server.
type Backend interface{ he.Halves }

// Describe describes the plan, with the reason for its back end.
func (p *Plan) Describe(samples int) he.Description {
	d := p.Backend.Describe(samples)
	if p.Why != "" {
		d.Why = append(append([]string(nil), d.Why...), p.Why)
	}
	return d
}

// Executor returns an executor of the plan, which was made for p.
func (p *Plan) Executor(program *bundle.Program) he.Executor {
	var e he.Executor
	switch plan := p.Backend.(type) {
	case *bgv.Plan:
		e = bgv.NewExecutor(program, plan)
	case *bgvlut.Plan:
		e = bgvlut.NewExecutor(program, plan)
	case *tfhe.Plan:
		e = tfhe.NewExecutor(program, plan)
	case *packed.Plan:
		e = packed.NewExecutor(program, plan)
	case *packed.ExactPlan:
		e = packed.NewExactExecutor(program, plan)
	case *lstm.Plan:
		e = lstm.NewExecutor(program, plan)
	default:
		panic(fmt.Sprintf("choose: a plan of type %T", plan))
	}
	if p.Why == "" {
		return e
	}
	return explained{e, p.Why}
}

// explained is an executor that says why it was chosen.
type explained struct {
	he.Executor
	why string
}

// Unwrap is the executor without the reason.
func (e explained) Unwrap() he.Executor { return e.Executor }

func (e explained) Backend() he.Backend {
	b := e.Executor.Backend()
	b.Why = append(slices.Clip(b.Why), e.why)
	return b
}

// New plans p. Its errors are the planners': of package security for insecure
// parameters, and errors that wrap a planner's he.ErrInsufficient where nothing fits;
// ctx's once that is done.
func New(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	if p.Uses(bundle.KindRecurrent) && o.Backend != "pbs" {
		return recurrent(ctx, p, o)
	}
	switch o.Backend {
	case "auto", "bgv":
		if p.Uses(bundle.KindLookupTable) || p.Uses(bundle.KindMaxPool) || rounds(p) {
			return tables(ctx, p, o)
		}
		plan, err := bgv.NewPlan(ctx, p, bgv.Options{LogN: o.LogN, AllowInsecure: o.AllowInsecure, Samples: o.Samples, Memory: o.Memory, TuneTimings: o.TuneTimings})
		return wrap(plan, "", err)
	case "pbs":
		plan, err := single(ctx, p, o)
		return wrap(plan, "", err)
	case "packed-ckks":
		plan, err := packed.NewPlan(ctx, p, packed.Options{LogN: o.LogN, Bits: o.Bits, AllowInsecure: o.AllowInsecure, TuneTimings: o.TuneTimings})
		return wrap(plan, "", err)
	case "packed-bgv":
		plan, err := packed.NewExactPlan(ctx, p, packed.Options{LogN: o.LogN, AllowInsecure: o.AllowInsecure, TuneTimings: o.TuneTimings})
		return wrap(plan, "", err)
	}
	return nil, fmt.Errorf("backend %q is unknown: want one of %s", o.Backend, strings.Join(Names, ", "))
}

// wrap is the plan, or nil with the error.
func wrap[P Backend](p P, why string, err error) (*Plan, error) {
	if err != nil {
		return nil, err
	}
	return &Plan{p, why}, nil
}

// tables plans the batch executor of programs with lookup tables, or, for auto, blind
// rotation where the batch executor cannot carry the tables or takes more work.
func tables(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	plan, err := bgvlut.NewPlan(ctx, p, bgvlut.Options{LogN: o.LogN, AllowInsecure: o.AllowInsecure, Samples: o.Samples, TuneTimings: o.TuneTimings})
	if o.Backend != "auto" || err != nil && !errors.Is(err, he.ErrInsufficient) {
		return wrap(plan, "", err)
	}
	alone, aloneErr := single(ctx, p, Options{LogN: o.LogN, Failure: o.Failure, FailurePerLookup: o.FailurePerLookup, TuneTimings: o.TuneTimings})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch {
	case err != nil && aloneErr != nil:
		return nil, err
	case err != nil:
		return &Plan{alone, fmt.Sprintf("auto takes look-ups by blind rotation, as batches cannot carry the tables: %v", err)}, nil
	}
	samples := o.Samples
	if samples == 0 {
		samples = plan.Slots()
	}
	batch := plan.Work(samples)
	if aloneErr != nil {
		return &Plan{plan, fmt.Sprintf("auto takes the batch executor for tables: %.3g core seconds predicted for %s; blind rotation cannot carry them: %v", batch, count(samples), aloneErr)}, nil
	}
	if one := alone.Work(samples); one < batch {
		return &Plan{alone, fmt.Sprintf("auto takes look-ups by blind rotation: %.3g core seconds predicted for %s where an exact batch would take %.3g; a sample fails with probability at most %.1g",
			one, count(samples), batch, alone.FailurePerSample())}, nil
	}
	return &Plan{plan, fmt.Sprintf("auto takes the batch executor for tables: %.3g core seconds predicted for %s where blind rotation would take %.3g", batch, count(samples), alone.Work(samples))}, nil
}

// rounds reports whether a Mul of p has a shift: what tables carry and residues do not.
func rounds(p *bundle.Program) bool {
	return slices.ContainsFunc(p.Nodes, func(n bundle.Node) bool {
		m, ok := n.Op.(*bundle.Mul)
		return ok && m.Shift > 0
	})
}

// single plans blind rotation.
func single(ctx context.Context, p *bundle.Program, o Options) (*tfhe.Plan, error) {
	options := tfhe.Options{LogN: o.LogN, AllowInsecure: o.AllowInsecure, TuneTimings: o.TuneTimings}
	for _, f := range []struct {
		given float64
		log   *float64
	}{{o.Failure, &options.LogFailure}, {o.FailurePerLookup, &options.LogLookupFailure}} {
		if f.given == 0 {
			continue
		}
		if !(f.given > 0 && f.given < 1) {
			return nil, fmt.Errorf("failure probability %v is outside 0..1", f.given)
		}
		*f.log = elementary.Log2(f.given)
	}
	return tfhe.NewPlan(ctx, p, options)
}

// recurrent plans programs with Recurrent nodes: for auto, programs with tables by blind
// rotation, those without by CKKS.
func recurrent(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	switch {
	case o.Backend == "auto" && p.Uses(bundle.KindLookupTable):
		o.AllowInsecure = false // nothing was named that it could be for
		plan, err := single(ctx, p, o)
		return wrap(plan, "auto takes look-ups by blind rotation, as the recurrent program has tables", err)
	case o.Backend == "auto" || o.Backend == "packed-ckks":
		plan, err := lstm.NewPlan(ctx, p, lstm.Options{LogN: o.LogN, Bits: o.Bits, AllowInsecure: o.AllowInsecure})
		why := ""
		if o.Backend == "auto" {
			why = "auto takes CKKS, as the recurrent program has no tables: all sequences of a batch at once"
		}
		return wrap(plan, why, err)
	}
	return nil, &RecurrentError{o.Backend}
}

// RecurrentError says that a back end has no form of recurrent programs.
type RecurrentError struct{ Backend string }

// Error names the back end.
func (e *RecurrentError) Error() string {
	return fmt.Sprintf("backend %q has no form of recurrent programs", e.Backend)
}

func count(n int) string {
	if n == 1 {
		return "1 sample"
	}
	return fmt.Sprintf("%d samples", n)
}
