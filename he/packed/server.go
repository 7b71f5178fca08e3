package packed

import (
	"context"
	"fmt"
	"time"

	"qtool/he/packed/engine"
)

// Server evaluates the program on ciphertexts. It knows the plan, the program
// and evaluation keys; no field of it can hold a secret key.
type Server struct {
	plan *Plan
	evaluator
}

// NewServer encodes the program's weights.
func NewServer(ctx context.Context, p *Plan) (*Server, error) {
	prog, err := compile(ctx, p.values, p.scales.stages, ckksEncoder(p.fast()))
	if err != nil {
		return nil, err
	}
	e, err := newEvaluator(&p.common, prog, 0)
	if err != nil {
		return nil, err
	}
	return &Server{p, e}, nil
}

// Evaluate gives the encrypted outputs of in. It refuses keys and ciphertexts of
// another plan before any work. It is not safe for concurrent use.
func (s *Server) Evaluate(ctx context.Context, in *Inputs, keys *EvaluationKeys) (*Outputs, error) {
	out, err := s.evaluate(ctx, &in.ciphertexts, keys, s.plan.scales.fresh, s.plan.scales.out)
	if err != nil {
		return nil, err
	}
	return &Outputs{*out}, nil
}

// evaluator runs an encoded program.
type evaluator struct {
	plan    *common
	engine  *engine.Engine
	program *program
	// seconds are the times of every stage's map and activation, summed over all
	// evaluations.
	seconds [][2]float64
}

func newEvaluator(p *common, prog *program, factor uint64) (evaluator, error) {
	e, err := engine.New(p.fastRing(), p.options.Workers, factor)
	if err != nil {
		return evaluator{}, fmt.Errorf("packed: %w", err)
	}
	return evaluator{p, e, prog, make([][2]float64, len(prog.stages))}, nil
}

func (s *evaluator) evaluate(ctx context.Context, in *ciphertexts, keys *EvaluationKeys, fresh, outScale float64) (*ciphertexts, error) {
	p := s.plan
	if err := keys.check(p); err != nil {
		return nil, err
	}
	if err := in.check(p, keys.id, len(p.lowered.Views), p.lowered.Limbs, fresh); err != nil {
		return nil, err
	}
	last := time.Now()
	cts, err := s.program.run(ctx, s.engine, in.cts, keys, func(stage, part int) {
		now := time.Now()
		s.seconds[stage][part] += now.Sub(last).Seconds()
		last = now
	})
	if err != nil {
		return nil, err
	}
	return &ciphertexts{p.hash, in.id, cts, outScale}, nil
}
