package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/choose"
	"qtool/he/lstm"
	"qtool/he/packed"
	"qtool/he/security"
	"qtool/he/tfhe"
	"qtool/internal/memory"
	"qtool/recipe"
)

const narrowerHint = "smaller weights, or fewer of them, make the sums and with them the tables' domains narrower"

const smallerHint = "fewer bits for weights and inputs, or fewer products in a row, make the numbers smaller"

// verifyOptions say how a bundle is checked under encryption.
type verifyOptions struct {
	backend        string
	limit          int // images; 0: all
	encryptedLimit int // of these; 0: all
	logN           int // 0: chosen
	allowInsecure  bool
	bits           float64 // of output precision, packed-ckks; 0: its default
	failure        float64 // probability that an image has a failed look-up, pbs; 0: its default
	memory         float64 // GiB that ciphertexts may take at once, bgv; 0: its default
	tuneTimings    bool    // measure this machine to choose among plans
}

// unused refuses options that the back end has no use for.
func (o verifyOptions) unused() error {
	if o.bits != 0 && o.backend != "packed-ckks" {
		return fmt.Errorf("--precision %v: it is for the backend packed-ckks, this one is %q", o.bits, o.backend)
	}
	if o.memory != 0 && o.backend != "bgv" && o.backend != "auto" {
		return fmt.Errorf("--memory %v: it is for the backend bgv, this one is %q", o.memory, o.backend)
	}
	if !(o.memory >= 0 && o.memory <= 1<<20) {
		return fmt.Errorf("--memory %v GiB is outside 0..%d", o.memory, 1<<20)
	}
	if o.backend != backendNone {
		return nil
	}
	if o.encryptedLimit != 0 {
		return fmt.Errorf("--encrypted-limit %d: nothing is encrypted, the backend is none", o.encryptedLimit)
	}
	if o.logN != 0 {
		return fmt.Errorf("--log-n %d: nothing is encrypted, the backend is none", o.logN)
	}
	if o.allowInsecure {
		return fmt.Errorf("--allow-insecure-parameters: nothing is encrypted, the backend is none")
	}
	return nil
}

// backendNone leaves encryption out: the clear rungs alone.
const backendNone = "none"

// plan plans a program for so many images: parameters are chosen, or refused, before
// any work is done.
func (o verifyOptions) plan(ctx context.Context, p *bundle.Program, images int) (*choose.Plan, error) {
	if err := o.unused(); err != nil {
		return nil, err
	}
	if o.backend == backendNone {
		return nil, fmt.Errorf("backend %q encrypts nothing, there is no plan", backendNone)
	}
	plan, err := promptly(ctx, func() (*choose.Plan, error) {
		return choose.New(ctx, p, choose.Options{
			Backend: o.backend, Images: images, LogN: o.logN, AllowInsecure: o.allowInsecure, Bits: o.bits,
			Failure: o.failure, Memory: memoryBytes(o.memory), TuneTimings: o.tuneTimings,
		})
	})
	return plan, withHint(err, o.planHint(p))
}

// encryptedExecutor plans the encrypted run of so many images. It is nil for
// backendNone.
func encryptedExecutor(ctx context.Context, p *bundle.Program, images int, o verifyOptions) (he.Executor, error) {
	if !slices.Contains(recipe.Backends, o.backend) {
		return nil, fmt.Errorf("backend %q is unknown: want one of %s", o.backend, strings.Join(recipe.Backends, ", "))
	}
	if o.backend == backendNone {
		return nil, o.unused()
	}
	plan, err := o.plan(ctx, p, images)
	if err != nil {
		return nil, err
	}
	if b, ok := plan.Backend.(*bgv.Plan); ok {
		if err := fits(b.Memory(), memory.Total()); err != nil {
			return nil, err
		}
	}
	e := plan.Executor(p)
	if percent := garbage(plan); percent != 0 {
		e = frugal{e, percent}
	}
	return e, nil
}

// memoryBytes are the bytes of so many GiB.
func memoryBytes(gib float64) int64 { return int64(gib * (1 << 30)) }

// fits refuses ciphertexts that pass the machine's memory, if that is known: the plan
// does not look at it.
func fits(need, have int64) error {
	if have == 0 || need <= have {
		return nil
	}
	return hinted{fmt.Errorf("bgv: a batch takes %.3g GB of ciphertexts at once, this machine has %.3g GB: %w", float64(need)/1e9, float64(have)/1e9, bgv.ErrInsufficient),
		fmt.Sprintf("--memory %d takes parameters of less memory and more time", max(1, int(math.Floor(float64(have)/(1<<30)*3/5))))}
}

// planHint says what could help a program that no parameters carry.
func (o verifyOptions) planHint(p *bundle.Program) string {
	tables := p.Uses(bundle.KindLookupTable)
	switch {
	case p.Uses(bundle.KindRecurrent) && (o.backend == "packed-ckks" || o.backend == "auto" && !tables):
		return "fewer steps, a linear cell output, or fewer bits of --precision take less modulus; tables go by --backend pbs"
	case strings.HasPrefix(o.backend, "packed"):
		return "fewer layers with activations, fewer bits of --precision, or another back end"
	case tables || o.backend == "pbs":
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
		return hinted{err, fmt.Sprintf("--memory %.0f allows it where the machine has as much, or a packed back end evaluates one input at a time", math.Ceil(float64(space.Need)/(1<<30)))}
	case errors.Is(err, security.ErrInsecure):
		return hinted{err, "leave the ring degree to be chosen, or accept the risk with --allow-insecure-parameters"}
	case errors.Is(err, bgv.ErrInsufficient), errors.Is(err, tfhe.ErrInsufficient), errors.Is(err, lstm.ErrInsufficient), errors.Is(err, packed.ErrInsufficient):
		return hinted{err, insufficient}
	case errors.Is(err, packed.ErrOperation):
		return hinted{err, "packed ciphertexts carry linear layers, their sums and concatenations, squares, quadratics and exact products; --backend auto takes one that carries every layer"}
	case errors.As(err, &recurrent):
		return hinted{err, "pbs runs those with tables, packed-ckks those with polynomials; auto takes the one that fits"}
	}
	return err
}
