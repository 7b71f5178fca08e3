package pipeline

import (
	"context"
	"fmt"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/verify"
)

// simulationSeed makes simulations of a bundle comparable.
const simulationSeed = 1

// simulate predicts the answers that an executor would give, without encryption:
// a he.Simulator gives them with its noise drawn, and an exact executor's are taken
// from the integer stage of the ladder, which it equals while noise stays below the
// wrap-around.
func (env *Env) simulate(ctx context.Context, e he.Executor, samples []bundle.Sample, l *verify.Ladder) (*verify.Simulated, error) {
	b := e.Backend()
	if b.Approximate {
		return nil, fmt.Errorf("backend %q: its error is stated, not simulated: leave out --simulate", b.Name)
	}
	s := &verify.Simulated{Backend: b.Name, Images: len(samples), PredictedBits: b.PredictedBits, Why: b.Why}
	start, answers := time.Now(), he.Exact(l.Integer)
	if simulator, ok := unwrapped(e).(he.Simulator); ok {
		bar := &batchBar{env: env, what: "simulation"}
		r, err := simulator.Simulate(ctx, samples, simulationSeed, bar.alone)
		if err != nil {
			bar.end(err)
			return nil, err
		}
		bar.end(nil)
		answers, s.Lookups, s.Failures = r.Answers, r.Lookups, r.Lookups.Failed
	}
	compared, err := (&verify.Ladder{Output: l.Output, Labels: l.Labels, Integer: l.Integer, Encrypted: answers}).Compare()
	if err != nil {
		return nil, err
	}
	s.LogitMismatches = compared.LogitMismatches
	if compared.Accuracy.Encrypted != nil {
		s.Accuracy = *compared.Accuracy.Encrypted
	}
	s.Seconds = time.Since(start).Seconds()
	return s, nil
}
