package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// steps is how far the samples of a batch go through a recurrent operation.
type steps struct {
	Batch int
	start int   // the first step that any sample has
	first []int // of each sample; nil: 0
}

func newSteps(batch int) steps { return steps{Batch: batch} }

// Start is the first step of the last run that any sample had.
func (r *steps) Start() int { return r.start }

// begin notes the samples' first steps.
func (r *steps) begin(first []int, count int) {
	r.first, r.start = first, 0
	if first == nil {
		return
	}
	r.start = count
	for _, f := range first {
		r.start = min(r.start, f)
	}
}

// mask sets the samples to 0 that have not begun at step t, in rows of x.
func (r *steps) mask(t int, x []float32) {
	for n, f := range r.first {
		if f > t {
			for i := n; i < len(x); i += r.Batch {
				x[i] = 0
			}
		}
	}
}

// pickFrom makes the gradients of a recurrent operation's inputs parts of one node, which
// has them all, one after the other: they come from one pass backward through time. build
// makes that node. With inputGrad false no gradient flows to the first input.
func (o *operation) pickFrom(inputs G.Nodes, inputGrad bool, build func(inputs G.Nodes, sizes []int, total int, h, dh *G.Node) (*G.Node, error)) {
	sizes := make([]int, len(inputs))
	total := 0
	for i, n := range inputs {
		sizes[i] = n.Shape().TotalSize()
		total += sizes[i]
	}
	var all *G.Node
	for i := range inputs {
		o.diff = append(o.diff, func(inputs G.Nodes, h, dh *G.Node) (*G.Node, error) {
			if all == nil {
				var err error
				if all, err = build(inputs, sizes, total, h, dh); err != nil {
					return nil, err
				}
			}
			from := 0
			for _, s := range sizes[:i] {
				from += s
			}
			return apply(operation{name: fmt.Sprintf("%s-d%d", o.name, i), shape: inputs[i].Shape().Clone(), run: func(d []float32, v [][]float32) {
				copy(d, v[0][from:from+len(d)])
			}}, all)
		})
	}
	if !inputGrad {
		o.diff[0] = nil
	}
}

// parts cuts the node of all gradients into the gradients by each input.
func parts(d []float32, sizes []int) [][]float32 {
	part := make([][]float32, len(sizes))
	for i, s := range sizes {
		part[i], d = d[:s], d[s:]
	}
	return part
}

// whole is the shape of the node of all gradients.
func whole(total int) tensor.Shape { return tensor.Shape{total} }
