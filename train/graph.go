// Package train turns a model.Network into Gorgonia graphs and fits its
// parameters: float training, and (through the Quantizer hook that package qat
// implements) quantization-aware training.
package train

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/model"
	"qtool/train/op"
)

// graph is a network on a fixed batch, with its tape machine. Parameters are
// shared with other graphs through the slices behind them.
type graph struct {
	feed
	source *G.Node       // the input as it came
	labels *tensor.Dense // [batch]; nil without a loss
	count  int           // labels that the loss is divided by
	used   int           // samples that are no padding
	params G.Nodes       // what gradients change; the scales come last
	scales Scales
	norms  []norm
	// dropouts are the dropout layers of a training graph; a graph that scores has none.
	dropouts []*dropout
	// cells are the recurrent layers whose gates are polynomials.
	cells  []*op.PolynomialCell
	logits *G.Node
	layers G.Nodes // each layer's output
	shapes [][]int // of the layers
	// entered is the input or, of words, the tensor of the network's entry, quantized if
	// anything is.
	entered *G.Node
	loss    *G.Node
	// predicted is room for a batch's predictions.
	predicted []int
	vm        G.VM
	// bounded are the inputs of polynomials that have an interval.
	bounded []boundedInput
	// watch, if not nil, is shown the inputs of bounded layer i at each run of a
	// graph without a loss.
	watch func(i int, x []float32)
}

// objective is what a graph's gradients are of.
type objective struct {
	teacher *Teacher // nil: the labels alone
	penalty float64  // weight of inputs outside their polynomial's interval
	whole   bool     // no dropout
}

// norm is a batch norm of a training graph, with the moments of its last run.
type norm struct {
	layer   string
	moments *op.Moments
}

// newGraph builds the network for one batch size; an objective adds the
// cross-entropy, against a teacher's answers too if there is one, the penalty for
// inputs outside their interval, and the gradients of every parameter.
func newGraph(n *model.Network, p model.Parameters, q Quantizer, batch int, o *objective) (*graph, error) {
	g := G.NewGraph()
	t := &graph{feed: newFeed(n, p, batch), scales: Scales{}, predicted: make([]int, batch)}
	shape := t.input.Shape()
	x := G.NewTensor(g, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName("input"), G.WithValue(t.input))
	t.source = x
	var err error
	b := builder{graph: t, g: g, p: p, q: q, n: n, training: o != nil, drops: o != nil && !o.whole}
	if q != nil {
		for _, s := range q.Scales() {
			t.scales[s.Name] = node(g, s)
		}
	}
	if x, err = b.all(x); err != nil {
		return nil, err
	}
	if q != nil {
		for _, s := range q.Scales() {
			t.params = append(t.params, t.scales[s.Name])
		}
		if x, err = q.Logits(x); err != nil {
			return nil, err
		}
	}
	t.logits = x
	if o != nil {
		t.labels = tensor.New(tensor.WithShape(batch), tensor.Of(tensor.Float32))
		labels := G.NewTensor(g, tensor.Float32, 1, G.WithShape(batch), G.WithName("labels"), G.WithValue(t.labels))
		switch {
		case t.binary():
			t.loss, err = op.BinaryCrossEntropy(x, labels, &t.count)
		case o.teacher == nil:
			t.loss, err = op.CrossEntropy(x, labels, &t.count)
		default:
			t.loss, err = t.distil(g, t.source, x, labels, o.teacher)
		}
		if err != nil {
			return nil, err
		}
		if o.penalty > 0 {
			if err := t.penalise(labels, o.penalty); err != nil {
				return nil, err
			}
		}
		wanted := t.params
		if t.embed != nil {
			wanted = append(slices.Clone(wanted), t.source)
		}
		if _, err = G.Grad(t.loss, wanted...); err != nil {
			return nil, fmt.Errorf("train: differentiate: %w", err)
		}
	}
	t.vm = G.NewTapeMachine(g)
	return t, nil
}

// distil adds the teacher's network, on the same input, and the loss against its
// answers. One graph has both: to run one is to hand over between threads.
func (t *graph) distil(g *G.ExprGraph, input, logits, labels *G.Node, teacher *Teacher) (*G.Node, error) {
	b := builder{graph: &graph{feed: feed{batch: t.batch, steps: t.steps}}, g: g, p: teacher.Params, n: teacher.Network, prefix: "teacher."}
	answers, err := b.all(input)
	if err != nil {
		return nil, fmt.Errorf("teacher: %w", err)
	}
	if got, want := answers.Shape()[0], logits.Shape()[0]; got != want {
		return nil, fmt.Errorf("train: the teacher has %d logits, the network %d", got, want)
	}
	return op.Distil(logits, labels, answers, teacher.Distillation, &t.count)
}

// close frees the graph's machine.
func (t *graph) close() { t.vm.Close() }

// binary reports whether there is one logit, which is above 0 for the second of two
// classes.
func (t *graph) binary() bool { return t.logits.Shape()[0] == 1 }

// output is the logits of the last run, [logits, batch].
func (t *graph) output() []float32 { return t.logits.Value().(*tensor.Dense).Float32s() }

// predict writes the class of each sample's largest logit in the last run, or what its
// only logit says.
func (t *graph) predict(classes []int) {
	logits := t.output()
	for r := range classes {
		if t.binary() {
			if classes[r] = 0; logits[r] > 0 {
				classes[r] = 1
			}
			continue
		}
		at := r
		for i := r; i < len(logits); i += t.batch {
			if logits[i] > logits[at] {
				at = i
			}
		}
		classes[r] = at / t.batch
	}
}

// run executes the graph on what the feed and the labels hold.
func (t *graph) run() error {
	t.enter()
	t.vm.Reset()
	if err := t.vm.RunAll(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// gatherWords adds the gradient of the last run to the gradient by the words' vectors.
func (t *graph) gatherWords(s *sparse) error {
	v, err := t.source.Grad()
	if err != nil {
		return fmt.Errorf("train: gradient of the input: %w", err)
	}
	t.gather(s, v.(*tensor.Dense).Float32s())
	return nil
}

// gradients are the parameters' gradients of the last run, in order.
func (t *graph) gradients() ([][]float32, error) {
	grads := make([][]float32, len(t.params))
	for i, n := range t.params {
		v, err := n.Grad()
		if err != nil {
			return nil, fmt.Errorf("train: gradient of %s: %w", n.Name(), err)
		}
		grads[i] = v.(*tensor.Dense).Float32s()
	}
	return grads, nil
}
