package train

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"qtool/datasets"
	"qtool/model"
)

// Evaluator runs a network forward, in the very operations it trains with.
type Evaluator struct {
	graphs []*graph
	shape  []int
	names  []string // of the layers
}

// evaluationBatch is the images of one forward run.
const evaluationBatch = 100

// NewEvaluator builds the forward graphs, one a core. They read the parameters
// where p keeps them, and q's scales as they are at each run.
func NewEvaluator(n *model.Network, p model.Parameters, q Quantizer) (*Evaluator, error) {
	e := &Evaluator{shape: n.Input}
	for _, l := range n.Layers {
		e.names = append(e.names, l.Name)
	}
	for range runtime.GOMAXPROCS(0) {
		g, err := newGraph(n, p, q, evaluationBatch, nil)
		if err != nil {
			return nil, err
		}
		e.graphs = append(e.graphs, g)
	}
	return e, nil
}

// Close frees the graphs' machines.
func (e *Evaluator) Close() {
	for _, g := range e.graphs {
		g.close()
	}
}

// Predict returns the label index of the largest logit of every image.
func (e *Evaluator) Predict(ctx context.Context, s *datasets.Split) ([]int, error) {
	if len(e.shape) > 0 && s.Len() > 0 && len(s.Image(0)) != product(e.shape) {
		return nil, fmt.Errorf("train: images of shape %v, the network takes %v", s.Shape, e.shape)
	}
	predicted := make([]int, s.Len())
	errs := make([]error, len(e.graphs))
	var wg sync.WaitGroup
	for k, g := range e.graphs {
		wg.Go(func() {
			for from := k * g.batch; from < s.Len(); from += len(e.graphs) * g.batch {
				if errs[k] = ctx.Err(); errs[k] != nil {
					return
				}
				to := min(from+g.batch, s.Len())
				if errs[k] = g.evaluate(s, from, predicted[from:to]); errs[k] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return predicted, nil
}

// evaluate predicts the images from index from on.
func (g *graph) evaluate(s *datasets.Split, from int, predicted []int) error {
	for r := range predicted {
		datasets.Augment{}.Apply(g.image(r), s.Image(from+r), s.Shape, 0, 0, 0)
	}
	g.rows = len(predicted)
	if err := g.run(); err != nil {
		return err
	}
	g.predict(predicted)
	return nil
}

// Accuracy is the share of images whose prediction is their label.
func (e *Evaluator) Accuracy(ctx context.Context, s *datasets.Split) (float64, error) {
	predicted, err := e.Predict(ctx, s)
	if err != nil {
		return 0, err
	}
	correct := 0
	for i, p := range predicted {
		if p == int(s.Labels[i]) {
			correct++
		}
	}
	return float64(correct) / float64(max(s.Len(), 1)), nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
