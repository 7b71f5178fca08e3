package bundle

import "fmt"

// schema is the oldest version of the .qb format that holds f: 3 for an encoder that
// normalizes pixels, else the oldest that holds its program.
func (f *File) schema() int {
	if f.normalizes() {
		return 3
	}
	return f.Program.schema()
}

// schema is the oldest version of the .qb format that holds p, with an encoder that
// every version knows.
func (p *Program) schema() int {
	for i := range p.Nodes {
		if p.newIn2(i) != "" {
			return 2
		}
	}
	return 1
}

// checkSchema returns an error if f needs another schema than the one that its file
// names.
func (f *File) checkSchema(schema int) error {
	for i := range f.Program.Nodes {
		if what := f.Program.newIn2(i); what != "" && schema < 2 {
			return fmt.Errorf("layer %q: %s is unknown in schema %d", f.Program.Nodes[i].Name, what, schema)
		}
	}
	if f.normalizes() && schema < 3 {
		return fmt.Errorf("an encoder of %s with mean and deviation is unknown in schema %d", f.Encoder.Kind(), schema)
	}
	if own := f.schema(); schema > own {
		return fmt.Errorf("schema %d for a program that schema %d holds", schema, own)
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
