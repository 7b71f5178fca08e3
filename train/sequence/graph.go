package sequence

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"qtool/kernel/f32"
	"qtool/model"
	"qtool/model/sequence"
	"qtool/train/op"
)

// graph is a network on a fixed batch, with its tape machine. Parameters are shared
// with other graphs through the slices behind them.
type graph struct {
	net    *sequence.Network
	batch  int
	embed  *embedder
	rows   []float32     // [steps, batch, embedding]
	input  *tensor.Dense // [embedding, steps*batch]
	node   *G.Node       // of the input
	from   []written     // [steps*batch]
	first  []int         // of each sample
	labels *tensor.Dense // [batch]; nil without a loss
	count  int           // samples that the loss is divided by
	drop   []float32     // mask of the last state; nil without dropout
	params G.Nodes
	state  *G.Node // what the output layer reads, before dropout
	logits *G.Node
	loss   *G.Node
	gates  *op.PolynomialCell // nil without polynomial gates
	vm     G.VM
}

// objective is what a graph is trained for; a graph without one evaluates.
type objective struct{ dropout float64 }

// newGraph builds the network for one batch size. Without an embedder its inputs
// are those of the LSTM, that a client has made.
func newGraph(n *sequence.Network, p model.Parameters, e *embedder, q Quantizer, batch int, o *objective) (*graph, error) {
	g := G.NewGraph()
	columns, size := n.Steps*batch, n.Inputs
	if e != nil {
		size = e.size
	}
	t := &graph{
		net: n, batch: batch, embed: e, rows: make([]float32, columns*size),
		from: make([]written, columns), first: make([]int, batch),
		input: tensor.New(tensor.WithShape(size, columns), tensor.Of(tensor.Float32)),
	}
	t.node = G.NewTensor(g, tensor.Float32, 2, G.WithShape(size, columns), G.WithName("input"), G.WithValue(t.input))
	param := func(name string) *G.Node {
		for _, d := range p {
			if d.Name == name {
				v := tensor.New(tensor.WithShape(d.Shape...), tensor.WithBacking(d.Data))
				x := G.NewTensor(g, tensor.Float32, len(d.Shape), G.WithShape(d.Shape...), G.WithName(name), G.WithValue(v))
				t.params = append(t.params, x)
				return x
			}
		}
		return nil
	}
	x := t.node
	var err error
	if e != nil {
		zeros := tensor.New(tensor.WithShape(n.Inputs), tensor.Of(tensor.Float32))
		none := G.NewTensor(g, tensor.Float32, 1, G.WithShape(n.Inputs), G.WithName("no-bias"), G.WithValue(zeros))
		if x, err = op.Dense(x, param("projection"), none, true); err == nil && q != nil {
			x, err = q.Input(x)
		}
		if err != nil {
			return nil, err
		}
	}
	if n.Cell == sequence.LSTM {
		if x, err = t.recur(n, x, param, q); err != nil {
			return nil, err
		}
	}
	t.state = x
	if o != nil && o.dropout > 0 {
		t.drop = make([]float32, x.Shape().TotalSize())
		if x, err = op.Masked(x, func() []float32 { return t.drop }); err != nil {
			return nil, err
		}
	}
	w, b := param("output.weight"), param("output.bias")
	if q != nil {
		if w, b, err = q.Output(w, b); err != nil {
			return nil, err
		}
	}
	if t.logits, err = op.Dense(x, w, b, true); err != nil {
		return nil, err
	}
	if q != nil {
		if t.logits, err = q.Logits(t.logits); err != nil {
			return nil, err
		}
	}
	if o != nil {
		t.labels = tensor.New(tensor.WithShape(batch), tensor.Of(tensor.Float32))
		labels := G.NewTensor(g, tensor.Float32, 1, G.WithShape(batch), G.WithName("labels"), G.WithValue(t.labels))
		if t.loss, err = op.BinaryCrossEntropy(t.logits, labels, &t.count); err != nil {
			return nil, err
		}
		if _, err = G.Grad(t.loss, append(append(G.Nodes(nil), t.params...), t.node)...); err != nil {
			return nil, fmt.Errorf("train: differentiate: %w", err)
		}
	}
	t.vm = G.NewTapeMachine(g)
	return t, nil
}

// recur adds the LSTM.
func (t *graph) recur(n *sequence.Network, x *G.Node, param func(string) *G.Node, q Quantizer) (*G.Node, error) {
	w, u, b := param("lstm.input"), param("lstm.hidden"), param("lstm.bias")
	l := op.LSTM{Steps: n.Steps, Cell: op.FloatCell{}}
	var theta *G.Node
	var err error
	if g := n.Gates; g != nil {
		theta = param("lstm.gates")
		t.gates = op.NewPolynomialCell(g.Degree, float32(g.Radius), g.LinearOutput)
		t.gates.Penalty, t.gates.Inside, t.gates.Count = float32(g.Penalty), float32(g.Inside), &t.count
		l.Cell = t.gates
	}
	if q != nil {
		if w, u, b, err = q.Weights(w, u, b); err != nil {
			return nil, err
		}
		if c := q.Cell(); c != nil {
			l.Cell = c
		}
	}
	if n.Mask {
		l.First = func() []int { return t.first }
	}
	return l.Apply(x, w, u, b, theta, true)
}

// Quantizer inserts fake quantization into a graph. What it inserts reads scales
// that Refresh moves between runs.
type Quantizer interface {
	// Refresh adapts the scales and tables to the parameters.
	Refresh(p model.Parameters) error
	// Freeze keeps the scales as they are from now on.
	Freeze()
	Input(x *G.Node) (*G.Node, error)
	// Codes turns the integers of a client's input into what Input makes of reals.
	Codes(x []float32)
	Weights(w, u, b *G.Node) (*G.Node, *G.Node, *G.Node, error)
	// Cell is the LSTM's; nil keeps the network's own.
	Cell() op.Cell
	Output(w, b *G.Node) (*G.Node, *G.Node, error)
	// Logits turns the output's integers into reals.
	Logits(x *G.Node) (*G.Node, error)
}

// fill writes samples, the rest is padding. draw gives the source of dropout of
// the r-th one, nil for none.
func (t *graph) fill(samples []Sample, indices []int, draw func(i int) *rand.Rand) {
	size := t.embed.size
	for r := range t.batch {
		var steps [][]int32
		var source *rand.Rand
		t.first[r] = t.net.Steps
		if r < len(indices) {
			s := &samples[indices[r]]
			steps, t.first[r] = s.Steps, s.first()
			if draw != nil {
				source = draw(indices[r])
			}
		}
		for k := range t.net.Steps {
			at := k*t.batch + r
			var words []int32
			if steps != nil {
				words = steps[k]
			}
			t.embed.row(t.rows[at*size:(at+1)*size], words, &t.from[at], source)
		}
		if t.drop != nil && source != nil {
			for j := r; j < len(t.drop); j += t.batch {
				t.drop[j] = 0
				if source.Float64() >= t.embed.dropout {
					t.drop[j] = float32(1 / (1 - t.embed.dropout))
				}
			}
		}
	}
	f32.Transpose(t.input.Float32s(), t.rows, t.net.Steps*t.batch, size)
}

func (t *graph) run() error {
	t.vm.Reset()
	if err := t.vm.RunAll(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

// gather adds the gradient by the input to that of the words' vectors.
func (t *graph) gather(s *sparse) error {
	v, err := t.node.Grad()
	if err != nil {
		return fmt.Errorf("train: gradient of the input: %w", err)
	}
	size := t.net.Embedding
	f32.Transpose(t.rows, v.(*tensor.Dense).Float32s(), size, t.net.Steps*t.batch)
	for at := range t.from {
		s.add(&t.from[at], t.rows[at*size:(at+1)*size])
	}
	return nil
}

// output is the logits of the last run.
func (t *graph) output() []float32 { return t.logits.Value().(*tensor.Dense).Float32s() }
