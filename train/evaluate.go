package train

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	G "gorgonia.org/gorgonia"

	"qtool/datasets"
	"qtool/model"
	"qtool/train/op"
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
	predicted := make([]int, s.Len())
	err := e.each(ctx, s, func(g *graph, from, to int) error {
		g.predict(predicted[from:to])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return predicted, nil
}

// Trace is Predict that calls visit for every image, from several goroutines,
// with what each layer's tensor held: value gives a layer's element by its
// row-major index, of layer model.Input the input's, quantized if anything is.
func (e *Evaluator) Trace(ctx context.Context, s *datasets.Split, visit func(image int, value func(layer, element int) float32) error) ([]int, error) {
	predicted := make([]int, s.Len())
	err := e.each(ctx, s, func(g *graph, from, to int) error {
		g.predict(predicted[from:to])
		tensors := make([][]float32, len(g.layers)+1)
		for i, n := range append(G.Nodes{g.entered}, g.layers...) {
			if tensors[i] = g.input.Float32s(); n.Op() != nil { // else it is the input as it came
				tensors[i] = op.Output(n)
			}
		}
		for r := range to - from {
			err := visit(from+r, func(layer, element int) float32 { return tensors[layer-model.Input][element*g.batch+r] })
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return predicted, nil
}

// each runs all images, batch by batch on every core, and calls done after each
// batch with its images' indices.
func (e *Evaluator) each(ctx context.Context, s *datasets.Split, done func(g *graph, from, to int) error) error {
	if len(e.shape) > 0 && s.Len() > 0 && len(s.Image(0)) != product(e.shape) {
		return fmt.Errorf("train: images of shape %v, the network takes %v", s.Shape, e.shape)
	}
	errs := make([]error, len(e.graphs))
	var wg sync.WaitGroup
	for k, g := range e.graphs {
		wg.Go(func() {
			for from := k * g.batch; from < s.Len() && errs[k] == nil; from += len(e.graphs) * g.batch {
				to := min(from+g.batch, s.Len())
				if errs[k] = ctx.Err(); errs[k] == nil {
					errs[k] = g.forward(s, from, to)
				}
				if errs[k] == nil {
					errs[k] = done(g, from, to)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// forward runs images from..to-1.
func (g *graph) forward(s *datasets.Split, from, to int) error {
	for r := range to - from {
		s.Reals(g.image(r), from+r)
	}
	g.rows = to - from
	return g.run()
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
