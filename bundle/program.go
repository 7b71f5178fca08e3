package bundle

import (
	"fmt"
	"slices"

	"qtool/quant"
)

// Node is an operation in a program: it makes the tensor called Name of the tensors
// called Inputs, which are "input" (the program's) or nodes above it. No Inputs mean
// the node before it, or "input" for the first.
//
// A value q of channel c stands for the real Scale[c]*q; Scale has one element
// where all channels share it. Bits is the width of the weights' grid, 0 for an
// operation without weights. Range is the static bound: it holds for every input
// that the quantizer can make. Seen is the calibration range: what values of the
// calibration data used of it.
type Node struct {
	Name   string
	Op     Op
	Inputs []string
	Shape  []int // of the output
	Scale  []float64
	Bits   quant.BitWidth
	Range  Range
	Seen   Range
}

// Program is a graph of operations, in an order in which they can run. The last
// tensor is the logits, one a label; every other is read by a node below it.
type Program struct {
	Input  Input
	Nodes  []Node
	Labels []string
}

// Output is the last node.
func (p *Program) Output() *Node { return &p.Nodes[len(p.Nodes)-1] }

// Uses reports whether a node is of kind k, or one of a loop's body.
func (p *Program) Uses(k Kind) bool {
	return slices.ContainsFunc(p.Nodes, func(n Node) bool {
		r, ok := n.Op.(*Recurrent)
		return n.Kind() == k || ok && slices.ContainsFunc(r.Body, func(n Node) bool { return n.Kind() == k })
	})
}

// Check infers every shape, proves every range and compares both with what the
// nodes say. It returns an error that names the node, the value and the limit.
func (p *Program) Check() error {
	_, err := p.Bounds()
	return err
}

// Bounds is the static bound of every element of every node's tensor, of a
// program that passes Check.
func (p *Program) Bounds() ([]Bounds, error) {
	var all []Bounds
	check := func(n *Node, shape []int, b Bounds) error {
		if len(shape) != len(n.Shape) {
			return fmt.Errorf("shape %v, inferred %v", n.Shape, shape)
		}
		for d := range shape {
			if shape[d] != n.Shape[d] {
				return fmt.Errorf("shape %v, inferred %v", n.Shape, shape)
			}
		}
		r, err := provedRange(b)
		if err == nil && !r.Equal(n.Range) {
			err = fmt.Errorf("range %v, static bound %v", n.Range, r)
		}
		return err
	}
	err := p.walk(func(n *Node, shape []int, b Bounds) error {
		all = append(all, b)
		return check(n, shape, b)
	}, check)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// LastBounds is the static bound of every element of the last node's tensor,
// or of the input where there is no node yet: what a table appended next must
// cover.
func (p *Program) LastBounds() (Bounds, error) {
	if len(p.Nodes) == 0 {
		return p.Input.Bounds(), nil
	}
	return p.TensorBounds(p.Output().Name)
}

// TensorBounds is the static bound of every element of the tensor called name:
// a node's, or the input's for InputName. The program need not be complete: tensors
// that nothing reads yet, and an output that fits no labels, do no harm.
func (p *Program) TensorBounds(name string) (Bounds, error) {
	b, found := p.Input.Bounds(), name == InputName
	if len(p.Nodes) > 0 {
		_, err := p.propagate(func(n *Node, _ []int, now Bounds) error {
			if n.Name == name {
				b, found = now, true
			}
			return nil
		}, func(*Node, []int, Bounds) error { return nil })
		if err != nil {
			return Bounds{}, err
		}
	}
	if !found {
		return Bounds{}, fmt.Errorf("bundle: no tensor %q", name)
	}
	return b, nil
}

// Prove fills in every node's Shape and Range, those in the bodies of Recurrent
// nodes included. The ranges of states are not its to choose.
func (p *Program) Prove() error {
	fill := func(n *Node, shape []int, b Bounds) error {
		var err error
		n.Shape = shape
		n.Range, err = provedRange(b)
		return err
	}
	return p.walk(fill, fill)
}

// provedRange is b's range, or an error if that is too wide for a file.
func provedRange(b Bounds) (Range, error) {
	r := b.Range()
	if bits := r.Bits(); bits > MaxRangeBits {
		return Range{}, fmt.Errorf("range of %d bits passes the limit of %d", bits, MaxRangeBits)
	}
	return r, nil
}

// walk infers shapes and proves bounds node by node, up to the logits, and checks
// that every tensor is read and that scales meet. body is for the nodes in bodies of
// Recurrent nodes, each before the node it is in.
func (p *Program) walk(visit, body func(n *Node, shape []int, b Bounds) error) error {
	shape, err := p.propagate(visit, body)
	if err != nil {
		return err
	}
	g, err := p.Graph()
	if err != nil {
		return err
	}
	if err := g.allRead(p); err != nil {
		return err
	}
	if len(shape) != 1 || shape[0] != len(p.Labels) {
		return fmt.Errorf("bundle: layer %q: output shape %v for %d labels", p.Output().Name, shape, len(p.Labels))
	}
	return p.checkScales(g)
}

// propagate is walk for a program that may be incomplete. It returns the last
// tensor's shape.
func (p *Program) propagate(visit, body func(n *Node, shape []int, b Bounds) error) ([]int, error) {
	if _, err := elements(p.Input.Shape); err != nil {
		return nil, fmt.Errorf("bundle: input: %w", err)
	}
	if err := p.Input.Quantizer.Validate(); err != nil {
		return nil, fmt.Errorf("bundle: input quantizer: %w", err)
	}
	wires, err := p.wire()
	if err != nil {
		return nil, err
	}
	shapes, bounds := [][]int{p.Input.Shape}, []Bounds{p.Input.Bounds()}
	var total budget
	for i := range p.Nodes {
		n := &p.Nodes[i]
		in := at(shapes, wires[i])
		out, err := n.outShape(in)
		if err == nil {
			err = total.take(n.Op, in, out)
		}
		var b Bounds
		if err == nil {
			b, err = p.prove(i, wires, shapes, bounds, body)
		}
		if err == nil {
			err = visit(n, out, b)
		}
		if err != nil {
			return nil, fmt.Errorf("bundle: layer %q: %w", n.Name, err)
		}
		shapes, bounds = append(shapes, out), append(bounds, b)
	}
	return shapes[len(p.Nodes)], nil
}

// Kind names the node's operation.
func (n *Node) Kind() Kind { return n.Op.kind() }
