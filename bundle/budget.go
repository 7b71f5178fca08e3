package bundle

import "fmt"

// MaxNodes bounds the operations of a program, MaxRangeBits the integers in it.
const (
	MaxNodes     = 4096
	MaxRangeBits = 4096
)

// budget counts a program's elements, terms and table entries.
type budget struct{ elements, terms, entries int }

// take refuses an operation that makes the program pass the limits, before
// anything is allocated for it.
func (b *budget) take(op Op, in [][]int, out []int) error {
	n, err := elements(out)
	if err != nil {
		return err
	}
	perOutput := 1
	switch op := op.(type) {
	case *Conv2D:
		perOutput = len(op.Weight) / op.Outputs
	case *SumPool:
		perOutput = op.Kernel[0] * op.Kernel[1]
	case *MaxPool:
		perOutput = op.Kernel[0] * op.Kernel[1]
	case *Dense:
		perOutput = op.Inputs
	case *Add:
		perOutput = len(op.Weights)
	case *Recurrent:
		return b.takeSteps(op, in[0])
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
