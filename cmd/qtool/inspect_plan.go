package main

import (
	"context"
	"fmt"
	"strings"

	"qtool/bundle"
	"qtool/internal/hint"
	"qtool/pipeline"
)

// inspectPlan prints how a packed back end would evaluate the bundle.
func inspectPlan(ctx context.Context, a *app, path string, f *bundle.File, o pipeline.Encryption) error {
	if !strings.HasPrefix(o.Backend, "packed") {
		return hint.With(fmt.Errorf("backend %q has no plan of packed ciphertexts: want packed-ckks or packed-bgv", o.Backend), "qtool plan shows the plans of all back ends")
	}
	return printPlanOf(ctx, a, path, f, 0, o, halvesOptions{})
}

// printPlanOf plans a bundle for so many samples, writes the plan's halves if they are
// wanted, and prints the plan.
func printPlanOf(ctx context.Context, a *app, path string, f *bundle.File, samples int, o pipeline.Encryption, halves halvesOptions) error {
	plan, err := o.Plan(ctx, f.Program, samples)
	if err != nil {
		return err
	}
	v := newPlanView(path, plan.Describe(samples), o.TuneTimings)
	if err := v.measure(path); err != nil {
		return err
	}
	if v.Halves, err = halves.write(path, f, plan); err != nil {
		return err
	}
	return a.printPlan(v)
}
