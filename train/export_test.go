package train

import (
	"context"

	"qtool/datasets"
)

// Gradients are the loss of one batch of all of a task's images, and its
// parameters' gradients, by name.
func Gradients(task Task) (loss float64, grads map[string][]float32, err error) {
	task.Config.Batch = task.Train.Len()
	f, err := newFitter(context.Background(), task)
	if err != nil {
		return 0, nil, err
	}
	defer f.close()
	grads = map[string][]float32{}
	from := 0
	for _, g := range f.shards {
		var batch []int
		for i := from; i < min(from+g.batch, task.Train.Len()); i++ {
			batch = append(batch, i)
		}
		from += g.batch
		f.fill(g, batch, task.Train.Len())
		if err := g.run(); err != nil {
			return 0, nil, err
		}
		loss += float64(g.loss.Value().Data().(float32))
		all, err := g.gradients()
		if err != nil {
			return 0, nil, err
		}
		for i, n := range g.params {
			if grads[n.Name()] == nil {
				grads[n.Name()] = make([]float32, len(all[i]))
			}
			for k, v := range all[i] {
				grads[n.Name()][k] += v
			}
		}
	}
	return loss, grads, nil
}

// AllLogits are the logits of every image, in order, from the first graph.
func (e *Evaluator) AllLogits(s *datasets.Split) ([][]float32, error) {
	g := e.graphs[0]
	var all [][]float32
	for from := 0; from < s.Len(); from += g.batch {
		to := min(from+g.batch, s.Len())
		if err := e.forward(g, s, from, to); err != nil {
			return nil, err
		}
		logits := g.logits.Value().Data().([]float32)
		for r := range to - from {
			var row []float32
			for i := r; i < len(logits); i += g.batch {
				row = append(row, logits[i])
			}
			all = append(all, row)
		}
	}
	return all, nil
}
