package train

import "qtool/datasets"

// Logits are the logits of every image, in order, from the first graph.
func (e *Evaluator) Logits(s *datasets.Split) ([][]float32, error) {
	g := e.graphs[0]
	var all [][]float32
	for from := 0; from < s.Len(); from += g.batch {
		predicted := make([]int, min(g.batch, s.Len()-from))
		if err := g.predict(s, from, predicted); err != nil {
			return nil, err
		}
		logits := g.logits.Value().Data().([]float32)
		classes := len(logits) / g.batch
		for r := range predicted {
			all = append(all, append([]float32(nil), logits[r*classes:(r+1)*classes]...))
		}
	}
	return all, nil
}
