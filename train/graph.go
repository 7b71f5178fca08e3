// Package train turns a model.Network into Gorgonia graphs and fits its
// parameters: float training, and (through the Quantizer hook that package qat
// implements) quantization-aware training.
package train

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/train/op"
)

// graph is a network on a fixed batch, with its tape machine. Parameters are
// shared with other graphs through the slices behind them.
type graph struct {
	batch  int
	images []float32     // [batch, shape...]; run brings them into input
	input  *tensor.Dense // [shape..., batch]
	labels *tensor.Dense // [batch]; nil without a loss
	count  int           // labels that the loss is divided by
	rows   int           // images that are no padding
	params G.Nodes       // those that gradients change; the scales come last
	scales Scales
	norms  []norm
	// dropouts are those of a training graph.
	dropouts []*dropout
	logits   *G.Node
	layers   G.Nodes // each layer's output
	// entered is what the first layers read: the input, quantized if anything is.
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
	shape := append(append(tensor.Shape(nil), n.Input...), batch)
	t := &graph{batch: batch, scales: Scales{}, images: make([]float32, shape.TotalSize()), predicted: make([]int, batch)}
	t.input = tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float32))
	x := G.NewTensor(g, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName("input"), G.WithValue(t.input))
	input := x
	var err error
	b := builder{graph: t, g: g, p: p, q: q, n: n, training: o != nil}
	if q != nil {
		for _, s := range q.Scales() {
			t.scales[s.Name] = node(g, s)
		}
		if x, err = q.Input(x, t.scales); err != nil {
			return nil, err
		}
	}
	t.entered = x
	if x, err = b.all(x); err != nil {
		return nil, err
	}
	if q != nil {
		for _, s := range q.Scales() {
			t.params = append(t.params, t.scales[s.Name])
		}
	}
	if q != nil {
		if x, err = q.Logits(x); err != nil {
			return nil, err
		}
	}
	t.logits = x
	if o != nil {
		t.labels = tensor.New(tensor.WithShape(batch), tensor.Of(tensor.Float32))
		labels := G.NewTensor(g, tensor.Float32, 1, G.WithShape(batch), G.WithName("labels"), G.WithValue(t.labels))
		if o.teacher == nil {
			t.loss, err = op.CrossEntropy(x, labels, &t.count)
		} else {
			t.loss, err = t.distil(g, input, x, labels, o.teacher)
		}
		if err != nil {
			return nil, err
		}
		if o.penalty > 0 {
			if err := t.penalise(labels, o.penalty); err != nil {
				return nil, err
			}
		}
		if _, err = G.Grad(t.loss, t.params...); err != nil {
			return nil, fmt.Errorf("train: differentiate: %w", err)
		}
	}
	t.vm = G.NewTapeMachine(g)
	return t, nil
}

// distil adds the teacher's network, on the same input, and the loss against its
// answers. One graph has both: to run one is to hand over between threads.
func (t *graph) distil(g *G.ExprGraph, input, logits, labels *G.Node, teacher *Teacher) (*G.Node, error) {
	b := builder{graph: &graph{batch: t.batch}, g: g, p: teacher.Params, n: teacher.Network, prefix: "teacher."}
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

// image is where image r of the batch goes.
func (t *graph) image(r int) []float32 {
	per := len(t.images) / t.batch
	return t.images[r*per : (r+1)*per]
}

// predict writes the class of each image's largest logit in the last run.
func (t *graph) predict(classes []int) {
	logits := t.logits.Value().(*tensor.Dense).Float32s()
	for r := range classes {
		at := r
		for i := r; i < len(logits); i += t.batch {
			if logits[i] > logits[at] {
				at = i
			}
		}
		classes[r] = at / t.batch
	}
}

// run executes the graph on what images and labels hold.
func (t *graph) run() error {
	f32.Transpose(t.input.Float32s(), t.images, t.batch, len(t.images)/t.batch)
	t.vm.Reset()
	if err := t.vm.RunAll(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
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
