package train

import (
	"qtool/model"
)

// wordFitter trains the vectors of the words that a step has read.
type wordFitter struct {
	table    []float32
	gradient *sparse
	adam     rowAdam
	rate     float64 // what the learning rate is multiplied by
}

// newWordFitter is nil where no vectors are trained.
func newWordFitter(task Task, p model.Parameters) *wordFitter {
	if !task.Network.ReadsWords() || task.Config.KeepWords {
		return nil
	}
	t := p[0]
	w := &wordFitter{
		table: t.Data, gradient: newSparse(t.Shape[0], t.Shape[1]), rate: task.Config.WordRate,
		adam: rowAdam{make([]float32, len(t.Data)), make([]float32, len(t.Data))},
	}
	if w.rate == 0 {
		w.rate = 1
	}
	return w
}

// gather sums the gradients of the shards' last runs, in their order.
func (w *wordFitter) gather(shards []*graph) error {
	w.gradient.reset()
	for _, g := range shards {
		if err := g.gatherWords(w.gradient); err != nil {
			return err
		}
	}
	return nil
}

// step moves the vectors, after a step of the optimiser of everything else.
func (w *wordFitter) step(a *Adam) {
	w.adam.step(w.table, w.gradient, a.kernel(a.Rate*w.rate))
}

// moments are the optimiser's, as tensors of the state of a run.
func (w *wordFitter) moments(p model.Parameters) (m, v model.Parameters) {
	t := p[0]
	return model.Parameters{{Name: t.Name, Shape: t.Shape, Data: w.adam.m}}, model.Parameters{{Name: t.Name, Shape: t.Shape, Data: w.adam.v}}
}
