package packed

import (
	"time"

	"qtool/verify/he/packed/engine"
)

// Server evaluates the program on ciphertexts. It knows the plan, the program
// and evaluation keys; no field of it can hold a secret key.
type Server struct {
	plan    *Plan
	engine  *engine.Engine
	program *program
	// seconds are those of every stage's map and activation, of all
	// evaluations.
	seconds [][2]float64
}

// NewServer encodes the program's weights.
func NewServer(p *Plan) (*Server, error) {
	prog, err := compile(p.values, p.scales.stages, ckksEncoder(p.params))
	if err != nil {
		return nil, err
	}
	return &Server{
		plan: p, program: prog, engine: engine.New(p.params.Parameters, p.options.Workers, 0),
		seconds: make([][2]float64, len(prog.stages)),
	}, nil
}

// Evaluate gives the encrypted outputs of in. It refuses keys and ciphertexts of
// another plan before any work. It is not safe for concurrent use.
func (s *Server) Evaluate(in *Inputs, keys *Keys) (*Outputs, error) {
	p := s.plan
	if err := keys.check(p.hash, p.needs); err != nil {
		return nil, err
	}
	if err := in.check(p, p.lowered.Stages[0].Map.Cts, p.lowered.Limbs, p.scales.fresh); err != nil {
		return nil, err
	}
	last := time.Now()
	cts, err := s.program.run(s.engine, in.cts, keys, func(stage, part int) {
		now := time.Now()
		s.seconds[stage][part] += now.Sub(last).Seconds()
		last = now
	})
	if err != nil {
		return nil, err
	}
	return &Outputs{ciphertexts{p.hash, cts, p.scales.out}}, nil
}
