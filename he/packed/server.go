package packed

import (
	"context"
	"time"

	"qtool/he"
	"qtool/he/packed/engine"
)

// Server evaluates the program on ciphertexts of either scheme. It knows the plan, the
// program and evaluation keys; no field of it can hold a secret key. It is safe for
// concurrent use, and implements he.Server.
type Server struct {
	pair     [32]byte // the hash that everything it reads and writes carries
	half     *half
	programs []*program       // for each plaintext prime
	engines  []*engine.Engine // for each plaintext prime, of one memory
}

var _ he.Server = (*Server)(nil)

// seconds are the times of every stage's map and activation.
type seconds [][2]float64

// evaluate gives the encrypted outputs of in. It refuses keys and ciphertexts of another
// plan before any work. It adds to took, if not nil, and calls done, if not nil, after every stage.
func (s *Server) evaluate(ctx context.Context, in *Inputs, keys *EvaluationKeys, took seconds, done func()) (*Outputs, error) {
	if err := keys.check(s.pair, s.half.needs); err != nil {
		return nil, err
	}
	if err := in.check(s.half, s.pair, keys.id); err != nil {
		return nil, err
	}
	sets := make([]*set, len(s.programs))
	for k, p := range s.programs {
		sets[k] = &set{program: p, engine: s.engines[k], in: in.cts[k]}
	}
	last := time.Now()
	cts, err := lockstep(ctx, sets, keys, func(stage, part int) {
		now := time.Now()
		if took != nil {
			took[stage][part] += now.Sub(last).Seconds()
		}
		if last = now; part == 1 && done != nil {
			done()
		}
	})
	if err != nil {
		return nil, err
	}
	return &Outputs{pair: s.pair, id: in.id, cts: cts}, nil
}

// ops counts the calls of done that evaluate makes.
func (s *Server) ops() int { return len(s.programs[0].stages) }
