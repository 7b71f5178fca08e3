package tfhe

import (
	"context"
	"encoding/json"
	"fmt"

	"qtool/he"
)

var _ he.Halves = (*Plan)(nil)

// ClientPart implements he.Halves. LogFailure is of the worst look-up or logit.
func (p *Plan) ClientPart() (he.ClientPart, error) {
	b, err := json.Marshal(&p.half.literal)
	if err != nil {
		return he.ClientPart{}, fmt.Errorf("tfhe: client half: %w", err)
	}
	return he.ClientPart{Executor: Executor, Backend: Backend, Sizes: p.half.sizes(), LogFailure: p.LogFailure(), Parameters: b}, nil
}

// NewServer implements he.Halves.
func (p *Plan) NewServer(ctx context.Context, spec [32]byte) (he.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return newServer(p, spec), nil
}
