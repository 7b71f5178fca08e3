package tfhe

import (
	"context"
	"errors"
	"time"
)

// MeasureLookups makes a client and its keys, and returns a function that looks up
// a few values of the first layer with tables on all cores, and says how long one
// took, on the wall: batches for every worker.
func (p *Plan) MeasureLookups(ctx context.Context) (measure func(context.Context) (time.Duration, error), err error) {
	if p.Lookups() == 0 {
		return nil, errors.New("tfhe: the program has no look-ups to measure")
	}
	client := p.newClient()
	keys, err := client.evaluationKeys(ctx, p.workers)
	if err != nil {
		return nil, err
	}
	s := newServer(p, client.pair)
	workers, _ := s.workers(keys)
	layer := 0
	for p.layers[layer].tables == nil {
		layer++
	}
	n := min(p.params.batch()*p.workers, len(p.layers[layer].tables))
	return func(ctx context.Context) (time.Duration, error) {
		// Any ciphertext takes as long as any other, but for mask words of 0.
		cts := p.params.newBigKeys(n)
		for k, c := range cts {
			for i := range c {
				c[i] = uint32(i*n+k+1) * 0x9e3779b9
			}
		}
		start := time.Now()
		err := s.lookups(ctx, workers, cts, make([]exact, n), layer, &evaluation{})
		return time.Since(start) / time.Duration(n), err
	}, nil
}
