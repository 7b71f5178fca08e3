package bundle

import "fmt"

// InputName is what nodes call the program's input.
const InputName = "input"

// maxInputs bounds the inputs of a node.
const maxInputs = 64

// Graph is the wiring of a program with its names resolved. Tensors are numbered: 0
// is the program's input, i+1 is what node i makes.
type Graph struct {
	Inputs  [][]int // tensors that each node reads, in order
	LastUse []int   // the last node that reads each tensor; len(Nodes) for the output, which stays
}

// Graph resolves the names of a program. It returns an error that names the layer
// and the input where a name is unknown or used before it is made, which every cycle
// does.
func (p *Program) Graph() (*Graph, error) {
	wires, err := p.wire()
	if err != nil {
		return nil, err
	}
	g := &Graph{Inputs: wires, LastUse: make([]int, len(p.Nodes)+1)}
	for t := range g.LastUse {
		g.LastUse[t] = unread
	}
	for i, in := range wires {
		for _, t := range in {
			g.LastUse[t] = i
		}
	}
	g.LastUse[len(p.Nodes)] = len(p.Nodes)
	return g, nil
}

// unread is the last use of a tensor that no node reads.
const unread = -1

// Chain reports whether every node reads the tensor before it, and no other.
func (g *Graph) Chain() bool {
	for i, in := range g.Inputs {
		if len(in) != 1 || in[0] != i {
			return false
		}
	}
	return true
}

// Readers are the nodes that read tensor t, in order.
func (g *Graph) Readers(t int) []int {
	var all []int
	for i, in := range g.Inputs {
		for _, k := range in {
			if k == t {
				all = append(all, i)
				break
			}
		}
	}
	return all
}

// allRead returns an error that names a layer whose tensor comes to nothing.
func (g *Graph) allRead(p *Program) error {
	for i := range p.Nodes {
		if g.LastUse[i+1] == unread {
			return fmt.Errorf("bundle: layer %q: no layer reads it, and the output is the last layer, %q", p.Nodes[i].Name, p.Output().Name)
		}
	}
	return nil
}

// wire is the tensors that each node reads, by number.
func (p *Program) wire() ([][]int, error) {
	if len(p.Nodes) == 0 || len(p.Nodes) > MaxNodes {
		return nil, fmt.Errorf("bundle: %d operations, want 1..%d", len(p.Nodes), MaxNodes)
	}
	numbers := map[string]int{InputName: 0, "": 0}
	for i := range p.Nodes {
		name := p.Nodes[i].Name
		if _, ok := numbers[name]; ok {
			return nil, fmt.Errorf("bundle: layer %d: name %q is empty, reserved or used twice", i, name)
		}
		numbers[name] = i + 1
	}
	wires := make([][]int, len(p.Nodes))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if len(n.Inputs) == 0 {
			wires[i] = []int{i}
			continue
		}
		if len(n.Inputs) > maxInputs {
			return nil, fmt.Errorf("bundle: layer %q: %d inputs, want 1..%d", n.Name, len(n.Inputs), maxInputs)
		}
		for _, name := range n.Inputs {
			t, ok := numbers[name]
			switch {
			case !ok || name == "":
				return nil, fmt.Errorf("bundle: layer %q: input %q is neither a layer nor %q", n.Name, name, InputName)
			case t == i+1:
				return nil, fmt.Errorf("bundle: layer %q: it reads itself: a cycle", n.Name)
			case t > i:
				return nil, fmt.Errorf("bundle: layer %q: input %q is a layer below it: a cycle, or layers out of order", n.Name, name)
			}
			wires[i] = append(wires[i], t)
		}
	}
	return wires, nil
}

// ListedInputs are the names of the tensors that node i reads, or nil where that is
// just the one before it: what a file and a table of layers say of them.
func (p *Program) ListedInputs(i int) []string {
	in := p.Nodes[i].Inputs
	if len(in) == 0 || len(in) == 1 && in[0] == p.tensorName(i) {
		return nil
	}
	return in
}

// InShapes are the shapes of the tensors that node i reads, of a program that has
// passed Check.
func (p *Program) InShapes(i int) [][]int {
	if len(p.Nodes[i].Inputs) == 0 {
		return [][]int{p.tensorShape(i)}
	}
	var all [][]int
	for _, name := range p.Nodes[i].Inputs {
		t := 0
		for k := range i {
			if p.Nodes[k].Name == name {
				t = k + 1
			}
		}
		all = append(all, p.tensorShape(t))
	}
	return all
}

// InShape is the shape of the first tensor that node i reads.
func (p *Program) InShape(i int) []int { return p.InShapes(i)[0] }

// shapesOf are the shapes of tensors by their numbers in Graph.
func (p *Program) shapesOf(tensors []int) [][]int {
	var all [][]int
	for _, t := range tensors {
		all = append(all, p.tensorShape(t))
	}
	return all
}

// tensorShape is the shape of tensor i, numbered as in Graph.
func (p *Program) tensorShape(t int) []int {
	if t == 0 {
		return p.Input.Shape
	}
	return p.Nodes[t-1].Shape
}

// outShape infers the shape that the node makes of its inputs'.
func (n *Node) outShape(in [][]int) ([]int, error) {
	want := 1
	switch op := n.Op.(type) {
	case *Add:
		want = max(1, len(op.Weights))
	case *Mul:
		want = 2
	case *Concat:
		want = len(in)
	case *Domain:
		return nil, fmt.Errorf("operation %q has its place in the body of a Recurrent", n.Kind())
	}
	if want > maxInputs {
		return nil, fmt.Errorf("operation %s of %d weights: want 1..%d", n.Kind(), want, maxInputs)
	}
	if len(in) != want {
		return nil, fmt.Errorf("operation %s on %d inputs, want %d", n.Kind(), len(in), want)
	}
	return n.Op.OutShape(in...)
}

// at is the elements of all with the given indices.
func at[T any](all []T, indices []int) []T {
	out := make([]T, len(indices))
	for k, i := range indices {
		out[k] = all[i]
	}
	return out
}
