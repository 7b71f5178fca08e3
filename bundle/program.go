package bundle

import (
	"fmt"
	"slices"

	"qtool/quant"
)

// Input describes what enters the program: images of Shape whose bytes b stand
// for the reals b/255, quantized to the centred integers q - zeroPoint.
type Input struct {
	Shape     []int        `json:"shape"`
	Quantizer quant.Params `json:"quantizer"`
}

// Codes is the centred integer of each of the 256 byte values: the client's
// whole preprocessing.
func (in Input) Codes() [256]int64 {
	var reals [256]float32
	for b := range reals {
		reals[b] = float32(b) / 255
	}
	in.Quantizer.Codes(reals[:], reals[:])
	var codes [256]int64
	for b, c := range reals {
		codes[b] = int64(c)
	}
	return codes
}

// Quantize is the program's input vector for an image of bytes.
func (in Input) Quantize(image []uint8) Vec {
	codes := in.Codes()
	v := make([]int64, len(image))
	for i, b := range image {
		v[i] = codes[b]
	}
	return Vec{Small: v}
}

// Bounds is the range of every input element: the quantizer's whole grid, not
// what some data happens to use of it.
func (in Input) Bounds() Bounds {
	n, _ := elements(in.Shape)
	q := in.Quantizer
	return constantBounds(n, int64(q.QMin()-q.ZeroPoint), int64(q.QMax()-q.ZeroPoint))
}

// Node is an operation in a program: it reads the tensor before it and makes
// the tensor called Name.
//
// A value q of channel c stands for the real Scale[c]*q; Scale has one element
// where all channels share it. Bits is the width of the weights' grid, 0 for an
// operation without weights. Range is proved for every input the quantizer can
// make; Seen is what calibration data used of it.
type Node struct {
	Name  string
	Op    Op
	Shape []int // of the output
	Scale []float64
	Bits  quant.BitWidth
	Range Range
	Seen  Range
}

// Program is a chain of operations. The last tensor is the logits, one a label.
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
		return n.Kind() == k || ok && slices.ContainsFunc(r.Body, func(n BodyNode) bool { return n.Kind() == k })
	})
}

// InShape is the shape of what node i reads.
func (p *Program) InShape(i int) []int {
	if i == 0 {
		return p.Input.Shape
	}
	return p.Nodes[i-1].Shape
}

// Check infers every shape, proves every range and compares both with what the
// nodes say. It returns an error that names the node, the value and the limit.
func (p *Program) Check() error {
	_, err := p.Bounds()
	return err
}

// Bounds is the proved interval of every element of every node's tensor, of a
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
			err = fmt.Errorf("range %v, proved %v", n.Range, r)
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

// LastBounds is the proved interval of every element of the last node's tensor,
// or of the input where there is no node yet: what a table appended next must
// cover.
func (p *Program) LastBounds() (Bounds, error) {
	b := p.Input.Bounds()
	if len(p.Nodes) == 0 {
		return b, nil
	}
	_, err := p.propagate(func(_ *Node, _ []int, now Bounds) error { b = now; return nil },
		func(*Node, []int, Bounds) error { return nil })
	return b, err
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

// walk infers shapes and proves bounds node by node, up to the logits. body is
// for the nodes in bodies of Recurrent nodes, each before the node it is in.
func (p *Program) walk(visit, body func(n *Node, shape []int, b Bounds) error) error {
	shape, err := p.propagate(visit, body)
	if err != nil {
		return err
	}
	if len(shape) != 1 || shape[0] != len(p.Labels) {
		return fmt.Errorf("bundle: layer %q: output shape %v for %d labels", p.Output().Name, shape, len(p.Labels))
	}
	return nil
}

func (p *Program) propagate(visit, body func(n *Node, shape []int, b Bounds) error) ([]int, error) {
	if _, err := elements(p.Input.Shape); err != nil {
		return nil, fmt.Errorf("bundle: input: %w", err)
	}
	if err := p.Input.Quantizer.Validate(); err != nil {
		return nil, fmt.Errorf("bundle: input quantizer: %w", err)
	}
	if len(p.Nodes) == 0 || len(p.Nodes) > MaxNodes {
		return nil, fmt.Errorf("bundle: %d operations, want 1..%d", len(p.Nodes), MaxNodes)
	}
	shape, b := p.Input.Shape, p.Input.Bounds()
	names := map[string]bool{"input": true, "": true}
	var total budget
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if names[n.Name] {
			return nil, fmt.Errorf("bundle: layer %d: name %q is empty, reserved or used twice", i, n.Name)
		}
		names[n.Name] = true
		out, err := n.Op.OutShape(shape)
		if err == nil {
			err = total.take(n.Op, shape, out)
		}
		if err == nil {
			err = coverage(n.Op, b)
		}
		if r, ok := n.Op.(*Recurrent); ok && err == nil {
			b, err = r.propagate(b, shape, body)
		} else if err == nil {
			b = n.Op.bounds(b, shape)
		}
		if err == nil {
			err = visit(n, out, b)
		}
		if err != nil {
			return nil, fmt.Errorf("bundle: layer %q: %w", n.Name, err)
		}
		shape = out
	}
	return shape, nil
}

// MaxNodes bounds the operations of a program, MaxRangeBits the integers in it.
const (
	MaxNodes     = 4096
	MaxRangeBits = 4096
)

// budget counts a program's elements, terms and table entries.
type budget struct{ elements, terms, entries int }

// take refuses an operation that makes the program pass the limits, before
// anything is allocated for it.
func (b *budget) take(op Op, in, out []int) error {
	n, err := elements(out)
	if err != nil {
		return err
	}
	perOutput := 1
	switch op := op.(type) {
	case *Conv2D:
		perOutput = len(op.Weight) / op.Outputs
	case *SumPool:
		perOutput = op.Kernel * op.Kernel
	case *Dense:
		perOutput = op.Inputs
	case *Add:
		perOutput = len(op.Weights)
	case *Recurrent:
		return b.takeSteps(op, in)
	case *LookupTable:
		for _, t := range op.Tables {
			b.entries += len(t.Values)
		}
		if b.entries > MaxTableEntries {
			return fmt.Errorf("its tables bring the program to %d entries, above %d", b.entries, MaxTableEntries)
		}
	}
	if n > MaxElements-b.elements {
		return fmt.Errorf("its %d elements bring the program above %d", n, MaxElements)
	}
	if perOutput > (MaxTerms-b.terms)/n {
		return fmt.Errorf("its %d outputs of %d terms bring the program above %d", n, perOutput, MaxTerms)
	}
	b.elements += n
	b.terms += n * perOutput
	return nil
}

// takeSteps takes the body of a Recurrent: its tables once, all else once a step.
func (b *budget) takeSteps(r *Recurrent, in []int) error {
	w, err := r.Wire(in)
	if err != nil {
		return err
	}
	var step budget
	for i := range r.Body {
		n := &r.Body[i]
		if err := step.take(n.Op, nil, []int{w.Sizes[r.body()+i]}); err != nil {
			return fmt.Errorf("body node %q: %w", n.Name, err)
		}
	}
	b.entries += step.entries
	if b.entries > MaxTableEntries {
		return fmt.Errorf("its tables bring the program to %d entries, above %d", b.entries, MaxTableEntries)
	}
	if step.elements > (MaxElements-b.elements)/r.Steps || step.terms > (MaxTerms-b.terms)/r.Steps {
		return fmt.Errorf("its %d steps of %d elements and %d terms bring the program above %d or %d", r.Steps, step.elements, step.terms, MaxElements, MaxTerms)
	}
	b.elements += r.Steps * step.elements
	b.terms += r.Steps * step.terms
	return nil
}

// Kind names the node's operation.
func (n *Node) Kind() Kind { return n.Op.kind() }
