package train

import (
	"context"

	"qtool/datasets"
)

// Scores are, for a network of two logits, the second less the first of every image; nil
// for any other network.
func (e *Evaluator) Scores(ctx context.Context, s *datasets.Split) ([]float32, error) {
	if e.outputs() != 2 {
		return nil, nil
	}
	scores := make([]float32, s.Len())
	err := e.each(ctx, s, func(g *graph, from, to int) error {
		logits := g.logits.Value().Data().([]float32) // [class, image]
		for r := range to - from {
			scores[from+r] = logits[g.batch+r] - logits[r]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return scores, nil
}

// outputs is how many logits the network has.
func (e *Evaluator) outputs() int {
	if len(e.graphs) == 0 {
		return 0
	}
	return e.graphs[0].logits.Shape()[0]
}
