package main

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strings"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/bgvlut"
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
}

// unused refuses options that the back end has no use for.
func (o verifyOptions) unused() error {
	if o.bits != 0 && o.backend != "packed-ckks" {
		return fmt.Errorf("--precision %v: it is for the backend packed-ckks, this one is %q", o.bits, o.backend)
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

// encryptedExecutor plans the encrypted run of so many images: parameters are chosen, or refused,
// before any work is done. It is nil for backendNone.
func encryptedExecutor(p *bundle.Program, images int, o verifyOptions) (he.Executor, error) {
	if err := o.unused(); err != nil {
		return nil, err
	}
	if strings.HasPrefix(o.backend, "packed") {
		// Encoded weights and keys are gigabytes that stay: garbage worth as much
		// again must not pile up before it is collected.
		debug.SetGCPercent(20)
	}
	if p.Uses(bundle.KindRecurrent) {
		if e, err := recurrentExecutor(p, o); e != nil || err != nil {
			return e, err
		}
	}
	switch o.backend {
	case backendNone:
		return nil, nil
	case "auto", "bgv":
		if p.Uses(bundle.KindLookupTable) {
			return tableExecutor(p, images, o)
		}
		plan, err := bgv.NewPlan(p, bgv.Options{LogN: o.logN, AllowInsecure: o.allowInsecure, Images: images, Memory: ciphertextMemory()})
		if err != nil {
			return nil, withHint(err, smallerHint)
		}
		return bgv.NewExecutor(p, plan), nil
	case "pbs":
		plan, err := lookupPlan(p, o)
		if err != nil {
			return nil, withHint(err, narrowerHint)
		}
		return tfhe.NewExecutor(p, plan), nil
	case "packed-ckks":
		plan, err := packed.NewPlan(p, packed.Options{LogN: o.logN, Bits: o.bits, AllowInsecure: o.allowInsecure})
		if err != nil {
			return nil, packedHint(err)
		}
		thrifty(plan.ServerBytes())
		return packed.NewExecutor(p, plan), nil
	case "packed-bgv":
		plan, err := packed.NewExactPlan(p, packed.Options{LogN: o.logN, AllowInsecure: o.allowInsecure})
		if err != nil {
			return nil, packedHint(err)
		}
		thrifty(plan.ServerBytes())
		return packed.NewExactExecutor(p, plan), nil
	}
	return nil, fmt.Errorf("backend %q is unknown: want one of %s", o.backend, strings.Join(recipe.Backends, ", "))
}

// ciphertextMemory is what a batch's ciphertexts may take: three fifths of the
// machine's memory.
func ciphertextMemory() int64 { return memory.Total() / 5 * 3 }

// thrifty collects garbage still more often where a server holds gigabytes: of
// those, a fifth is much, and collections look at little else than their list.
func thrifty(bytes int64) {
	if bytes > 1<<30 {
		debug.SetGCPercent(5)
	}
}

// packedHint says what could help against a plan that failed.
func packedHint(err error) error {
	if errors.Is(err, packed.ErrInsufficient) {
		return hinted{err, "fewer layers with activations, fewer bits of --precision, or another back end"}
	}
	if errors.Is(err, packed.ErrOperation) {
		return hinted{err, "packed ciphertexts carry linear layers, squares and quadratics; --backend auto takes one that carries every layer"}
	}
	return err
}

// tableExecutor plans the batch executor of programs with lookup tables, or, for
// auto, blind rotation where the batch executor cannot carry the tables or is
// predicted to take longer.
func tableExecutor(p *bundle.Program, images int, o verifyOptions) (he.Executor, error) {
	plan, err := bgvlut.NewPlan(p, bgvlut.Options{LogN: o.logN, AllowInsecure: o.allowInsecure, Images: images})
	err = withHint(err, narrowerHint)
	if err != nil && (o.backend != "auto" || !errors.Is(err, bgv.ErrInsufficient)) {
		return nil, err
	}
	if o.backend != "auto" {
		return bgvlut.NewExecutor(p, plan), nil
	}
	single, singleErr := lookupPlan(p, verifyOptions{logN: o.logN, failure: o.failure})
	switch {
	case err != nil && singleErr != nil:
		return nil, err
	case err != nil:
		return picked{tfhe.NewExecutor(p, single), fmt.Sprintf("auto takes look-ups by blind rotation, as batches cannot carry the tables: %v", err)}, nil
	case singleErr != nil:
		return picked{bgvlut.NewExecutor(p, plan), fmt.Sprintf("auto takes the batch executor for tables: %.3g s predicted for %s; blind rotation cannot carry them: %v",
			plan.PredictedSeconds(images), countImages(images), singleErr)}, nil
	}
	batch, one := plan.PredictedSeconds(images), single.PredictedSeconds(images)
	if one < batch {
		return picked{tfhe.NewExecutor(p, single), fmt.Sprintf("auto takes look-ups by blind rotation: %.3g s predicted for %s where an exact batch would take %.3g s; an image fails with probability at most %.1g",
			one, countImages(images), batch, single.FailurePerImage())}, nil
	}
	return picked{bgvlut.NewExecutor(p, plan), fmt.Sprintf("auto takes the batch executor for tables: %.3g s predicted for %s where blind rotation would take %.3g s",
		batch, countImages(images), one)}, nil
}

// lookupPlan plans blind rotation.
func lookupPlan(p *bundle.Program, o verifyOptions) (*tfhe.Plan, error) {
	options := tfhe.Options{LogN: o.logN, AllowInsecure: o.allowInsecure}
	if o.failure != 0 {
		if !(o.failure > 0 && o.failure < 1) {
			return nil, fmt.Errorf("failure probability %v is outside 0..1", o.failure)
		}
		options.LogFailure = math.Log2(o.failure)
	}
	return tfhe.NewPlan(p, options)
}

func countImages(n int) string {
	if n == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", n)
}

// picked is an executor that says why it was chosen.
type picked struct {
	he.Executor
	why string
}

func (p picked) Backend() he.Backend {
	b := p.Executor.Backend()
	b.Why = append(b.Why, p.why)
	return b
}

// recurrentExecutor plans programs with Recurrent nodes: those with tables go by
// blind rotation, those without by CKKS. It is nil for pbs and none, which need no
// other plan than for any program.
func recurrentExecutor(p *bundle.Program, o verifyOptions) (he.Executor, error) {
	if o.backend == "pbs" || o.backend == backendNone {
		return nil, nil
	}
	plan, err := planRecurrent(p, o)
	if err != nil {
		return nil, err
	}
	e := he.Executor(nil)
	if plan.lstm != nil {
		e = lstm.NewExecutor(p, plan.lstm)
	} else {
		e = tfhe.NewExecutor(p, plan.pbs)
	}
	if plan.why == "" {
		return e, nil
	}
	return picked{e, plan.why}, nil
}

// recurrentPlan has one of its plans, and why it was chosen.
type recurrentPlan struct {
	pbs  *tfhe.Plan
	lstm *lstm.Plan
	why  string
}

// planRecurrent plans programs that run by blind rotation or by CKKS: recurrent
// ones, and others that pbs takes.
func planRecurrent(p *bundle.Program, o verifyOptions) (recurrentPlan, error) {
	var r recurrentPlan
	backend := o.backend
	if backend == "auto" {
		backend, r.why = "pbs", "auto takes look-ups by blind rotation, as the recurrent program has tables"
		switch {
		case !p.Uses(bundle.KindRecurrent):
			r.why = "auto takes the pbs back end, which is for single inputs"
		case !p.Uses(bundle.KindLookupTable):
			backend, r.why = "packed-ckks", "auto takes CKKS, as the recurrent program has no tables: all sequences of a batch at once"
		}
	}
	err := o.unused()
	if err != nil {
		return r, err
	}
	switch backend {
	case "packed-ckks":
		debug.SetGCPercent(20) // as for the other packed back ends
		r.lstm, err = lstm.NewPlan(p, lstm.Options{LogN: o.logN, Bits: o.bits, AllowInsecure: o.allowInsecure})
		return r, withHint(err, "fewer steps, a linear cell output, or fewer bits of --precision take less modulus; tables go by --backend pbs")
	case "pbs":
		o.allowInsecure = o.allowInsecure && o.backend == "pbs"
		r.pbs, err = lookupPlan(p, o)
		return r, withHint(err, narrowerHint)
	}
	return r, hinted{fmt.Errorf("backend %q has no form of recurrent programs", backend), "pbs runs those with tables, packed-ckks those with polynomials; auto takes the one that fits"}
}

// withHint adds what can be done about parameters that were refused.
func withHint(err error, insufficient string) error {
	switch {
	case errors.Is(err, security.ErrInsecure):
		return hinted{err, "leave the ring degree to be chosen, or accept the risk with --allow-insecure-parameters"}
	case errors.Is(err, bgv.ErrInsufficient), errors.Is(err, tfhe.ErrInsufficient), errors.Is(err, lstm.ErrInsufficient):
		return hinted{err, insufficient}
	}
	return err
}
