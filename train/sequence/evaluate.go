package sequence

import (
	"context"
	"runtime"
	"sync"

	"qtool/datasets"
	"qtool/model"
	"qtool/model/sequence"
)

// Evaluator runs a network forward, in the very operations it trains with.
type Evaluator struct {
	graphs    []*graph
	quantizer Quantizer
}

// evaluationBatch is the sentences of one forward run.
const evaluationBatch = 100

// NewEvaluator builds the forward graphs, one a core. They read the parameters
// where p keeps them, and q's scales as they are at each run.
func NewEvaluator(n *sequence.Network, p model.Parameters, q Quantizer) (*Evaluator, error) {
	embed := &embedder{size: n.Embedding, table: p[0].Data, mean: n.Cell == sequence.Mean}
	return newEvaluator(n, p, embed, q)
}

// NewServer is the part of a quantized network that a server has: its inputs are
// what a client has encoded.
func NewServer(n *sequence.Network, p model.Parameters, q Quantizer) (*Evaluator, error) {
	return newEvaluator(n, p, nil, q)
}

func newEvaluator(n *sequence.Network, p model.Parameters, embed *embedder, q Quantizer) (*Evaluator, error) {
	e := &Evaluator{quantizer: q}
	for range runtime.GOMAXPROCS(0) {
		g, err := newGraph(n, p, embed, q, evaluationBatch, nil)
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
		g.vm.Close()
	}
}

// Logits are those of every sample; positive says label 1.
func (e *Evaluator) Logits(ctx context.Context, samples []Sample) ([]float32, error) {
	logits := make([]float32, len(samples))
	return logits, e.each(ctx, len(samples),
		func(g *graph, indices []int) { g.fill(samples, indices, nil) },
		func(g *graph, indices []int) { copy(logits[indices[0]:], g.output()[:len(indices)]) })
}

// Answers are what a server's evaluator makes of encoded sentences: each one's
// logit, and the values that the output layer reads, as the graph carries them.
type Answers struct {
	Logits []float32
	States [][]float32
}

// Encoded answers the bytes of a client, whose code 0 is zero.
func (e *Evaluator) Encoded(ctx context.Context, s *datasets.Split, zero uint8) (*Answers, error) {
	a := &Answers{Logits: make([]float32, s.Len()), States: make([][]float32, s.Len())}
	fill := func(g *graph, indices []int) {
		columns := g.net.Steps * g.batch
		x := g.input.Float32s()
		clear(x)
		for r, i := range indices {
			for k, b := range s.Image(i) {
				x[k%g.net.Inputs*columns+k/g.net.Inputs*g.batch+r] = float32(b) - float32(zero)
			}
		}
		e.quantizer.Codes(x)
	}
	return a, e.each(ctx, s.Len(), fill, func(g *graph, indices []int) {
		copy(a.Logits[indices[0]:], g.output()[:len(indices)])
		state := g.state.Value().Data().([]float32)
		for r, i := range indices {
			for j := r; j < len(state); j += g.batch {
				a.States[i] = append(a.States[i], state[j])
			}
		}
	})
}

// each runs n samples, batch by batch on every core.
func (e *Evaluator) each(ctx context.Context, n int, fill, done func(g *graph, indices []int)) error {
	errs := make([]error, len(e.graphs))
	var wg sync.WaitGroup
	for k, g := range e.graphs {
		wg.Go(func() {
			for from := k * g.batch; from < n && errs[k] == nil; from += len(e.graphs) * g.batch {
				var indices []int
				for i := from; i < min(from+g.batch, n); i++ {
					indices = append(indices, i)
				}
				if errs[k] = ctx.Err(); errs[k] != nil {
					return
				}
				fill(g, indices)
				if errs[k] = g.run(); errs[k] == nil {
					done(g, indices)
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

// Accuracy is the share of samples whose logit has its label's sign.
func (e *Evaluator) Accuracy(ctx context.Context, samples []Sample) (float64, error) {
	logits, err := e.Logits(ctx, samples)
	if err != nil {
		return 0, err
	}
	right := 0
	for i, z := range logits {
		if (z > 0) == (samples[i].Label == 1) {
			right++
		}
	}
	return float64(right) / float64(max(len(samples), 1)), nil
}

// Inputs are the projected inputs x of the samples' steps that have a word, all in
// one: what an input quantizer's scale is chosen from.
func Inputs(ctx context.Context, n *sequence.Network, p model.Parameters, samples []Sample) ([]float32, error) {
	embed := &embedder{size: n.Embedding, table: p[0].Data, mean: n.Cell == sequence.Mean}
	projection := p.Get("projection")
	row := make([]float32, n.Embedding)
	var w written
	var all []float32
	for _, s := range samples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, words := range s.Steps {
			if len(words) == 0 {
				continue
			}
			embed.row(row, words, &w, nil)
			for d := range n.Inputs {
				x := float32(0)
				for k, v := range row {
					x += float32(projection[d*n.Embedding+k] * v)
				}
				all = append(all, x)
			}
		}
	}
	return all, nil
}
