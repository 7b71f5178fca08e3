package bundle

import "fmt"

// Recurrent runs a body of operations once a step on a sequence, with a state
// that goes from step to step. Its input is [Steps, D]: x_t is row t, of shape
// [D]. Its output is the state called Output after the last step:
//
//	s_0 = 0 for every state s
//	for t = 1..Steps:
//	    the body's nodes in order, on x_t and the states s_{t-1}
//	    s_t = the node (or state, or x) called s.Next
//
// All states change at once, after the body. A body node reads the concatenation
// of its Inputs, in order: "x", a state of the step before, or a node above it.
// All of them are flat. So Dense on the inputs x, h is W x + U h + b with the
// weight [W U], Add on k inputs is their weighted sum, and Mul on two is their
// elementwise product.
//
// An LSTM cell with tables, for example, is
//
//	zi = Dense(x, h)     i = LookupTable(zi)      and so for f, o and g
//	ig = Mul(i, g)       fc = Mul(f, c)           sum = Add(ig, fc)
//	c' = LookupTable(sum)    u = LookupTable(c')  ou = Mul(o, u)
//	h' = LookupTable(ou)
//
// with the states c (Next c') and h (Next h'). One with polynomials has
// Polynomial in the place of LookupTable, a Domain before each, and a Shift
// behind each product, which keeps the integers' width.
//
// Everything is exact; only LookupTable and Shift round, half
// to even.
//
// The static bound of a step holds for all steps: every state has a declared
// Range, which must hold 0, and from states and inputs within their ranges the
// body must lead back into them. A Domain is an assumption of that proof, which
// running the program checks; see Domain.
type Recurrent struct {
	Steps  int
	States []State
	Body   []Node
	Output string
}

// State is a vector of Size integers that a Recurrent carries from step to step.
// A value q stands for the real Scale[i]*q; Scale has one element or Size.
type State struct {
	Name  string    `json:"name"`
	Size  int       `json:"size"`
	Scale []float64 `json:"scale"`
	Range Range     `json:"range"`
	Next  string    `json:"next"`
}

// SequenceName is what the body of a Recurrent calls the input of its step.
const SequenceName = "x"

// Limits of a Recurrent.
const (
	MaxSteps  = 1 << 12
	MaxStates = 64
)

func (r *Recurrent) kind() Kind { return KindRecurrent }

// OutShape is [Size] of the output state. It infers the body's shapes from the
// input's, [Steps, D], and checks that every name is known where it is used.
func (r *Recurrent) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	w, err := r.Wire(shape)
	if err != nil {
		return nil, err
	}
	return []int{r.States[w.Output].Size}, nil
}

// Wiring is the body of a Recurrent with its names resolved. Tensors are numbered:
// 0 is x, then come the states, then the body's nodes.
type Wiring struct {
	Sizes  []int
	Inputs [][]int // tensors that each body node reads
	Next   []int   // tensor that each state becomes
	Output int     // a state
}

// body is the number of the first body node's tensor.
func (r *Recurrent) body() int { return 1 + len(r.States) }

// Wire resolves names for an input of the given shape. It checks everything about
// a Recurrent but ranges.
func (r *Recurrent) Wire(in []int) (*Wiring, error) {
	if len(in) != 2 || in[0] != r.Steps {
		return nil, fmt.Errorf("recurrent of %d steps on shape %v, want [steps, features]", r.Steps, in)
	}
	if r.Steps > MaxSteps || len(r.States) < 1 || len(r.States) > MaxStates || len(r.Body) < 1 || len(r.Body) > MaxNodes {
		return nil, fmt.Errorf("%d steps, %d states and %d operations: want 1..%d, 1..%d and 1..%d", r.Steps, len(r.States), len(r.Body), MaxSteps, MaxStates, MaxNodes)
	}
	w := &Wiring{Sizes: []int{in[1]}, Output: -1}
	numbers := map[string]int{"": -1, "input": -1, SequenceName: 0}
	declare := func(name string, size int) error {
		if _, ok := numbers[name]; ok {
			return fmt.Errorf("name %q is empty, reserved or used twice", name)
		}
		numbers[name] = len(w.Sizes)
		w.Sizes = append(w.Sizes, size)
		return nil
	}
	for i := range r.States {
		s := &r.States[i]
		if s.Size < 1 || s.Size > MaxElements {
			return nil, fmt.Errorf("state %q has %d elements, want 1..%d", s.Name, s.Size, MaxElements)
		}
		if err := checkScale(s.Scale, s.Size); err != nil {
			return nil, fmt.Errorf("state %q: %w", s.Name, err)
		}
		if err := declare(s.Name, s.Size); err != nil {
			return nil, err
		}
		if s.Name == r.Output {
			w.Output = i
		}
	}
	if w.Output < 0 {
		return nil, fmt.Errorf("output %q is not a state", r.Output)
	}
	for i := range r.Body {
		n := &r.Body[i]
		inputs, size, err := lookUp(n.Inputs, numbers, w.Sizes)
		var shape []int
		if err == nil {
			shape, err = n.bodyShape([]int{size})
		}
		if err == nil {
			err = declare(n.Name, shape[0])
		}
		if err != nil {
			return nil, fmt.Errorf("body node %q: %w", n.Name, err)
		}
		w.Inputs = append(w.Inputs, inputs)
	}
	for i := range r.States {
		s := &r.States[i]
		next, size, err := lookUp([]string{s.Next}, numbers, w.Sizes)
		if err == nil && size != s.Size {
			err = fmt.Errorf("next %q has %d elements, want %d", s.Next, size, s.Size)
		}
		if err != nil {
			return nil, fmt.Errorf("state %q: %w", s.Name, err)
		}
		w.Next = append(w.Next, next[0])
	}
	return w, nil
}

// lookUp resolves names and adds up the tensors' sizes.
func lookUp(names []string, numbers map[string]int, sizes []int) (at []int, size int, err error) {
	if len(names) < 1 || len(names) > maxInputs {
		return nil, 0, fmt.Errorf("%d inputs, want 1..%d", len(names), maxInputs)
	}
	for _, name := range names {
		i, ok := numbers[name]
		if !ok || i < 0 {
			return nil, 0, fmt.Errorf("no tensor %q above it", name)
		}
		if sizes[i] > MaxElements-size {
			return nil, 0, fmt.Errorf("its inputs have more than %d elements", MaxElements)
		}
		at, size = append(at, i), size+sizes[i]
	}
	return at, size, nil
}

// bodyShape is the shape that a body node makes of a flat input.
func (n *Node) bodyShape(in []int) ([]int, error) {
	switch n.Op.(type) {
	case *Dense, *Add, *Mul, *Polynomial, *LookupTable, *Shift, *Domain:
		return n.Op.OutShape(in)
	}
	return nil, fmt.Errorf("operation %q has no place in the body of a Recurrent", n.Op.kind())
}

// InSize is the number of elements that body node i reads.
func (w *Wiring) InSize(i int) int {
	size := 0
	for _, k := range w.Inputs[i] {
		size += w.Sizes[k]
	}
	return size
}
