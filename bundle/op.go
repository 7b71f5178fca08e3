package bundle

import "fmt"

// Kind names an operation in the manifest.
type Kind string

// The operations.
const (
	KindDense       Kind = "Dense"
	KindConv2D      Kind = "Conv2D"
	KindSumPool     Kind = "SumPool"
	KindMaxPool     Kind = "MaxPool"
	KindPolynomial  Kind = "Polynomial"
	KindLookupTable Kind = "LookupTable"
	KindAdd         Kind = "Add"
	KindMul         Kind = "Mul"
	KindConcat      Kind = "Concat"
	KindSlice       Kind = "Slice"
	KindReshape     Kind = "Reshape"
	KindShift       Kind = "Shift"
	KindRecurrent   Kind = "Recurrent"
	KindDomain      Kind = "Domain" // in the body of a Recurrent alone
)

// Op is one operation: a linear map (see Linear: Dense, Conv2D, SumPool, Add,
// Concat, Slice), an elementwise function (Polynomial, LookupTable, Shift, Domain), a
// product (Mul), a MaxPool, a Reshape or a Recurrent. Shapes leave out the batch.
type Op interface {
	kind() Kind
	// OutShape infers the output's shape from the inputs', or says why they don't
	// fit.
	OutShape(in ...[]int) ([]int, error)
	// apply and bounds take the concatenation of the inputs, whose shapes OutShape
	// must have accepted. bounds is the static bound of every output element for
	// inputs that vary independently within theirs.
	apply(in Vec, shapes [][]int) Vec
	bounds(in Bounds, shapes [][]int) Bounds
}

// Linear is an operation that is a linear map with a bias.
type Linear interface {
	Op
	// Rows lowers the operation for inputs of the given shapes, which OutShape must
	// have accepted: a map of the concatenation of all inputs, in order, each in
	// row-major order.
	Rows(in ...[]int) *Rows
}

// Weighted is a linear operation with weights and biases of its own, one bias
// an output channel.
type Weighted interface {
	Linear
	parameters() (weight []int32, shape []int, bias Vec)
}

// Dense is out = W in + b on a flat input; W is [Units, Inputs] row-major.
type Dense struct {
	Units, Inputs int
	Weight        []int32
	Bias          Vec
}

func (d *Dense) kind() Kind { return KindDense }

func (d *Dense) parameters() ([]int32, []int, Vec) {
	return d.Weight, []int{d.Units, d.Inputs}, d.Bias
}

// OutShape is [Units].
func (d *Dense) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	if len(shape) != 1 || shape[0] != d.Inputs {
		return nil, fmt.Errorf("dense of %d inputs on shape %v", d.Inputs, shape)
	}
	return []int{d.Units}, checkParameters(d)
}

// Rows lowers the layer; see Linear.
func (d *Dense) Rows(...[]int) *Rows {
	b := newRowBuilder(d.Inputs, d.Units, len(d.Weight))
	b.r.Bias = d.Bias
	for o := range d.Units {
		for i, w := range d.Weight[o*d.Inputs : (o+1)*d.Inputs] {
			b.add(i, w)
		}
		b.end()
	}
	return b.rows()
}

func (d *Dense) apply(in Vec, shapes [][]int) Vec        { return d.Rows(shapes...).apply(in) }
func (d *Dense) bounds(in Bounds, shapes [][]int) Bounds { return d.Rows(shapes...).bounds(in) }

// Reshape gives the same elements another shape.
type Reshape struct{ Shape []int }

func (r *Reshape) kind() Kind { return KindReshape }

// OutShape is Shape, which must have as many elements as the input.
func (r *Reshape) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	a, errA := elements(shape)
	b, errB := elements(r.Shape)
	if errA != nil || errB != nil || a != b {
		return nil, fmt.Errorf("reshape of %v to %v: element counts differ", shape, r.Shape)
	}
	return r.Shape, nil
}

func (r *Reshape) apply(in Vec, _ [][]int) Vec        { return in }
func (r *Reshape) bounds(in Bounds, _ [][]int) Bounds { return in }

func checkParameters(op Weighted) error {
	weight, shape, bias := op.parameters()
	n, err := cappedProduct(shape, MaxTerms)
	if err != nil {
		return err
	}
	if n != len(weight) {
		return fmt.Errorf("%d weights for shape %v", len(weight), shape)
	}
	if bias.Len() != shape[0] {
		return fmt.Errorf("%d biases for %d outputs", bias.Len(), shape[0])
	}
	return nil
}

// Limits of a program, so that a damaged or hostile file is refused before
// memory is allocated or time spent for it: the elements of all its tensors
// together, and the terms of all its lowered linear operations.
const (
	MaxElements = 1 << 20
	MaxTerms    = 1 << 25
)

// Size is the number of elements of a shape that was checked.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// elements is the number of elements of a tensor's shape, or an error if a
// dimension is not positive or there are more than MaxElements.
func elements(shape []int) (int, error) { return cappedProduct(shape, MaxElements) }

func cappedProduct(shape []int, limit int) (int, error) {
	if len(shape) == 0 || len(shape) > 8 {
		return 0, fmt.Errorf("shape %v has %d dimensions, want 1..8", shape, len(shape))
	}
	n := 1
	for _, d := range shape {
		if d < 1 || d > limit/n {
			return 0, fmt.Errorf("shape %v: want positive dimensions and at most %d elements", shape, limit)
		}
		n *= d
	}
	return n, nil
}
