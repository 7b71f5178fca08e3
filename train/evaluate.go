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
	// Reads, if not nil, says which reals a sample's bytes stand for; nil is as the samples'
	// encoder says.
	Reads func(dst []float32, sample []uint8)
}

// evaluationBatch is the samples of one forward run.
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

// Predict returns the label index of the largest logit of every sample or, of one logit,
// whether it is above 0.
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

// Logits are the only logit of every sample, for networks with one.
func (e *Evaluator) Logits(ctx context.Context, s *datasets.Split) ([]float32, error) {
	logits := make([]float32, s.Len())
	return logits, e.each(ctx, s, func(g *graph, from, to int) error {
		copy(logits[from:to], g.output())
		return nil
	})
}

// Trace is Predict that calls visit for every image, from several goroutines,
// with what each layer's tensor held: value gives a layer's element by its
// row-major index, of layer model.Input the input's, quantized if anything is.
func (e *Evaluator) Trace(ctx context.Context, s *datasets.Split, visit func(image int, value func(layer, element int) float32) error) ([]int, error) {
	predicted := make([]int, s.Len())
	err := e.each(ctx, s, func(g *graph, from, to int) error {
		g.predict(predicted[from:to])
		tensors, shapes := make([][]float32, len(g.layers)+1), append([][]int{e.shape}, g.shapes...)
		for i, n := range append(G.Nodes{g.entered}, g.layers...) {
			if tensors[i] = g.input.Float32s(); n.Op() != nil { // else it is the input as it came
				tensors[i] = op.Output(n)
			}
		}
		for r := range to - from {
			err := visit(from+r, func(layer, element int) float32 {
				at := layer - model.Input
				return tensors[at][g.index(shapes[at], element, r)]
			})
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
	if err := e.takes(s); err != nil {
		return err
	}
	errs := make([]error, len(e.graphs))
	var wg sync.WaitGroup
	for k, g := range e.graphs {
		wg.Go(func() {
			for from := k * g.batch; from < s.Len() && errs[k] == nil; from += len(e.graphs) * g.batch {
				to := min(from+g.batch, s.Len())
				if errs[k] = ctx.Err(); errs[k] == nil {
					errs[k] = e.forward(g, s, from, to)
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

// takes refuses samples that are not of the network's kind or shape.
func (e *Evaluator) takes(s *datasets.Split) error {
	if s.Len() == 0 || len(e.graphs) == 0 {
		return nil
	}
	words := e.graphs[0].embed != nil
	switch {
	case words != (s.Words != nil):
		return fmt.Errorf("train: the network reads words: %v, the samples are words: %v", words, s.Words != nil)
	case words && len(s.Words[0]) != e.shape[0]:
		return fmt.Errorf("train: sentences of %d steps, the network takes %d", len(s.Words[0]), e.shape[0])
	case !words && len(e.shape) > 0 && len(s.Image(0)) != product(e.shape):
		return fmt.Errorf("train: samples of shape %v, the network takes %v", s.Shape, e.shape)
	}
	return nil
}

// forward runs samples from..to-1.
func (e *Evaluator) forward(g *graph, s *datasets.Split, from, to int) error {
	for r := range to - from {
		switch i := from + r; {
		case g.embed != nil:
			g.words(r, s.Words[i], nil)
		case e.Reads != nil:
			g.put(r, func(dst []float32) { e.Reads(dst, s.Image(i)) })
		default:
			g.put(r, func(dst []float32) { s.Reals(dst, i) })
		}
	}
	g.used = to - from
	return g.run()
}

// Accuracy is the share of samples whose prediction is their label.
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
