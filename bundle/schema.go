package bundle

import "fmt"

// schema is the oldest version of the .qb format that holds p.
func (p *Program) schema() int {
	for i := range p.Nodes {
		if p.newIn2(i) != "" {
			return 2
		}
	}
	return 1
}

// checkSchema returns an error if p needs another schema than the one that its file
// names.
func (p *Program) checkSchema(schema int) error {
	if schema == 2 && p.schema() == 1 {
		return fmt.Errorf("schema 2 for a program that schema 1 holds")
	}
	for i := range p.Nodes {
		if what := p.newIn2(i); what != "" && schema < 2 {
			return fmt.Errorf("layer %q: %s is unknown in schema %d", p.Nodes[i].Name, what, schema)
		}
	}
	return nil
}

// newIn2 is what node i has that schema 1 does not know, or empty. Schema 1 holds
// chains of Dense, Conv2D and SumPool with one stride for both directions and, for
// Conv2D, one padding for all sides, Polynomial, LookupTable, Reshape and Recurrent.
func (p *Program) newIn2(i int) string {
	n := &p.Nodes[i]
	if in := p.ListedInputs(i); in != nil {
		return fmt.Sprintf("a list of inputs %q", in)
	}
	switch op := n.Op.(type) {
	case *Conv2D:
		w := op.window()
		switch {
		case op.groups() != 1:
			return "a group count"
		case w.dilation != Both(1):
			return "a dilation"
		case op.Stride != Both(op.Stride[0]):
			return fmt.Sprintf("a stride of %v", op.Stride)
		case op.Padding != Around(op.Padding[0]):
			return fmt.Sprintf("a padding of %v", op.Padding)
		}
	case *SumPool:
		switch {
		case op.Kernel != Both(op.Kernel[0]):
			return fmt.Sprintf("a kernel of %v", op.Kernel)
		case op.Stride != Both(op.Stride[0]):
			return fmt.Sprintf("a stride of %v", op.Stride)
		case op.Padding != Sides{}:
			return fmt.Sprintf("a padding of %v", op.Padding)
		}
	case *MaxPool, *Add, *Mul, *Concat, *Slice, *Shift, *Domain:
		return fmt.Sprintf("operation %q", n.Kind())
	}
	return ""
}
