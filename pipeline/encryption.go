package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/choose"
	"qtool/he/packed"
	"qtool/he/roles/files"
	"qtool/he/security"
	"qtool/internal/hint"
	"qtool/internal/memory"
	"qtool/internal/promptly"
	"qtool/recipe"
)

const narrowerHint = "smaller weights, or fewer of them, make the sums and with them the tables' domains narrower"

const smallerHint = "fewer bits for weights and inputs, or fewer products in a row, make the numbers smaller"

// Encryption says how a bundle is run under encryption. The zero value but for Backend
// leaves the choice to the planners.
type Encryption struct {
	Backend       string  // one of recipe.Backends
	LogN          int     // ring degree 2^LogN; 0: chosen
	AllowInsecure bool    // take parameters below 128 bits of security
	Precision     float64 // bits of the output, packed-ckks; 0: its default
	Failure       float64 // probability that a sample has a decryption failure, pbs; 0: its default
	Living        bool    // keys will stay in use: a look-up fails with choose.LivingFailure at most, unless there is a Failure
	Memory        float64 // GiB that ciphertexts may take at once, bgv; 0: its default
	TuneTimings   bool    // measure this machine to choose among plans
}

// unused refuses options that the back end has no use for.
func (o Encryption) unused() error {
	if o.Precision != 0 && o.Backend != "packed-ckks" {
		return fmt.Errorf("--precision %v: it is for the backend packed-ckks, this one is %q", o.Precision, o.Backend)
	}
	if o.Memory != 0 && o.Backend != "bgv" && o.Backend != "auto" {
		return fmt.Errorf("--memory %v: it is for the backend bgv, this one is %q", o.Memory, o.Backend)
	}
	if !(o.Memory >= 0 && o.Memory <= 1<<20) {
		return fmt.Errorf("--memory %v GiB is outside 0..%d", o.Memory, 1<<20)
	}
	if o.Backend != BackendNone {
		return nil
	}
	if o.LogN != 0 {
		return fmt.Errorf("--log-n %d: nothing is encrypted, the backend is none", o.LogN)
	}
	if o.AllowInsecure {
		return fmt.Errorf("--allow-insecure-parameters: nothing is encrypted, the backend is none")
	}
	return nil
}

// BackendNone leaves encryption out: the clear stages of the ladder alone.
const BackendNone = "none"

// Plan plans a program for so many images: parameters are chosen, or refused, before
// any work is done.
func (o Encryption) Plan(ctx context.Context, p *bundle.Program, images int) (*choose.Plan, error) {
	if err := o.unused(); err != nil {
		return nil, err
	}
	if o.Backend == BackendNone {
		return nil, fmt.Errorf("backend %q encrypts nothing, there is no plan", BackendNone)
	}
	perLookup := 0.0
	if o.Living && o.Failure == 0 {
		perLookup = choose.LivingFailure
	}
	plan, err := promptly.Do(ctx, func() (*choose.Plan, error) {
		return choose.New(ctx, p, choose.Options{
			Backend: o.Backend, Samples: images, LogN: o.LogN, AllowInsecure: o.AllowInsecure, Bits: o.Precision,
			Failure: o.Failure, FailurePerLookup: perLookup, Memory: MemoryBytes(o.Memory), TuneTimings: o.TuneTimings,
		})
	})
	return plan, withHint(err, o.planHint(p))
}

// Executor plans the encrypted run of so many samples. It is nil for BackendNone.
func (o Encryption) Executor(ctx context.Context, p *bundle.Program, samples int) (he.Executor, error) {
	return o.executor(ctx, p, samples, func(plan *choose.Plan) he.Executor { return plan.Executor(p) })
}

// throughFiles is Executor for f's program, with both sides made of files; see
// files.Executor. What it gives must be closed with closed.
func (o Encryption) throughFiles(ctx context.Context, f *bundle.File, samples int) (he.Executor, error) {
	if o.Backend == BackendNone {
		return nil, fmt.Errorf("--through-files: nothing is encrypted, the backend is none")
	}
	return o.executor(ctx, f.Program, samples, func(plan *choose.Plan) he.Executor {
		return files.NewExecutor(f, plan.Backend, plan.Executor(f.Program).Backend())
	})
}

// closed closes an executor that holds files, and joins the error to err.
func closed(e he.Executor, err error) error {
	if e == nil {
		return err
	}
	if c, ok := unwrapped(e).(io.Closer); ok {
		return errors.Join(err, c.Close())
	}
	return err
}

// executor plans, and gives what make makes of the plan.
func (o Encryption) executor(ctx context.Context, p *bundle.Program, samples int, make func(*choose.Plan) he.Executor) (he.Executor, error) {
	if o.Backend == BackendNone {
		return nil, o.unused()
	}
	if !slices.Contains(recipe.Backends, o.Backend) {
		return nil, fmt.Errorf("backend %q is unknown: want one of %s", o.Backend, strings.Join(recipe.Backends, ", "))
	}
	plan, err := o.Plan(ctx, p, samples)
	if err != nil {
		return nil, err
	}
	if b, ok := plan.Backend.(*bgv.Plan); ok {
		if err := fits(b.Memory(), memory.Total()); err != nil {
			return nil, err
		}
	}
	e := make(plan)
	if percent := garbage(plan); percent != 0 {
		e = frugal{e, percent}
	}
	return e, nil
}

// MemoryBytes are the bytes of so many GiB.
func MemoryBytes(gib float64) int64 { return int64(gib * (1 << 30)) }

// fits refuses ciphertexts that pass the machine's memory, if that is known: the plan
// does not look at it.
func fits(need, have int64) error {
	if have == 0 || need <= have {
		return nil
	}
	return hint.With(fmt.Errorf("bgv: a batch takes %.3g GB of ciphertexts at once, this machine has %.3g GB: %w", float64(need)/1e9, float64(have)/1e9, he.ErrInsufficient),
		fmt.Sprintf("--memory %d takes parameters of less memory and more time", max(1, int(math.Floor(float64(have)/(1<<30)*3/5)))))
}

// planHint says what could help a program that no parameters carry.
func (o Encryption) planHint(p *bundle.Program) string {
	tables := p.Uses(bundle.KindLookupTable)
	switch {
	case p.Uses(bundle.KindRecurrent) && (o.Backend == "packed-ckks" || o.Backend == "auto" && !tables):
		return "fewer steps, a linear cell output, or fewer bits of --precision take less modulus; tables go by --backend pbs"
	case strings.HasPrefix(o.Backend, "packed"):
		return "fewer layers with activations, fewer bits of --precision, or another back end"
	case tables || o.Backend == "pbs":
		return narrowerHint
	}
	return smallerHint
}

// withHint adds what can be done about a plan that was refused.
func withHint(err error, insufficient string) error {
	var recurrent *choose.RecurrentError
	var space *bgv.MemoryError
	switch {
	case errors.As(err, &space):
		return hint.With(err, fmt.Sprintf("--memory %.0f allows it where the machine has as much, or a packed back end evaluates one input at a time", math.Ceil(float64(space.Need)/(1<<30))))
	case errors.Is(err, security.ErrInsecure):
		return hint.With(err, "leave the ring degree to be chosen, or accept the risk with --allow-insecure-parameters")
	case errors.Is(err, he.ErrInsufficient):
		return hint.With(err, insufficient)
	case errors.Is(err, packed.ErrOperation):
		return hint.With(err, "packed ciphertexts carry linear layers, their sums and concatenations, squares, quadratics and exact products; --backend auto takes one that carries every layer")
	case errors.Is(err, bundle.ErrUnsupported):
		return hint.With(err, "encrypted batches carry polynomials, or tables and maxima, and nothing that mixes them; --backend pbs carries both where the numbers are narrow")
	case errors.As(err, &recurrent):
		return hint.With(err, "pbs runs sequences with tables, packed-ckks sequences with polynomials; auto takes the one that fits")
	}
	return err
}
