package train

import (
	"context"

	"qtool/datasets"
)

// Scores are the scores of every sample by a network that tells two classes apart: the
// second logit less the first or, of one logit z, which stands for -z and z, 2z. They are
// nil for a network of more.
func (e *Evaluator) Scores(ctx context.Context, s *datasets.Split) ([]float32, error) {
	if len(e.graphs) == 0 || e.graphs[0].logits.Shape().TotalSize() > 2*e.graphs[0].batch {
		return nil, nil
	}
	scores := make([]float32, s.Len())
	err := e.each(ctx, s, func(g *graph, from, to int) error {
		logits := g.output() // [class, sample]
		for r := range to - from {
			if g.binary() {
				scores[from+r] = 2 * logits[r]
			} else {
				scores[from+r] = logits[g.batch+r] - logits[r]
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return scores, nil
}
