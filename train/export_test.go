package train

import "qtool/datasets"

// Logits are the logits of every image, in order, from the first graph.
func (e *Evaluator) Logits(s *datasets.Split) ([][]float32, error) {
	g := e.graphs[0]
	var all [][]float32
	for from := 0; from < s.Len(); from += g.batch {
		predicted := make([]int, min(g.batch, s.Len()-from))
		if err := g.evaluate(s, from, predicted); err != nil {
			return nil, err
		}
		logits := g.logits.Value().Data().([]float32)
		for r := range predicted {
			var row []float32
			for i := r; i < len(logits); i += g.batch {
				row = append(row, logits[i])
			}
			all = append(all, row)
		}
	}
	return all, nil
}
