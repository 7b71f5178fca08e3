package bundle

import "fmt"

// Kind names an operation in the manifest.
type Kind string

// The operations of schema 1.
const (
	KindDense       Kind = "Dense"
	KindConv2D      Kind = "Conv2D"
	KindSumPool     Kind = "SumPool"
	KindPolynomial  Kind = "Polynomial"
	KindLookupTable Kind = "LookupTable"
	KindReshape     Kind = "Reshape"
)

// Op is one operation: a linear map (see Linear), a Polynomial, a LookupTable, a
// Reshape, a Recurrent, or what only the body of one has: Mul, Shift, Domain.
// Shapes leave out the batch.
type Op interface {
	kind() Kind
	// OutShape infers the output's shape, or says why the input doesn't fit.
	OutShape(in []int) ([]int, error)
	apply(in Vec, shape []int) Vec
	bounds(in Bounds, shape []int) Bounds
}

// Linear is an operation that is a linear map with a bias.
type Linear interface {
	Op
	// Rows lowers the operation for an input of the given shape, which
	// OutShape must have accepted.
	Rows(in []int) *Rows
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
func (d *Dense) OutShape(in []int) ([]int, error) {
	if len(in) != 1 || in[0] != d.Inputs {
		return nil, fmt.Errorf("dense of %d inputs on shape %v", d.Inputs, in)
	}
	return []int{d.Units}, checkParameters(d)
}

// Rows lowers the layer; see Linear.
func (d *Dense) Rows([]int) *Rows {
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

func (d *Dense) apply(in Vec, shape []int) Vec          { return d.Rows(shape).apply(in) }
func (d *Dense) bounds(in Bounds, shape []int) Bounds   { return d.Rows(shape).bounds(in) }
func (c *Conv2D) apply(in Vec, shape []int) Vec         { return c.Rows(shape).apply(in) }
func (c *Conv2D) bounds(in Bounds, shape []int) Bounds  { return c.Rows(shape).bounds(in) }
func (p *SumPool) apply(in Vec, shape []int) Vec        { return p.Rows(shape).apply(in) }
func (p *SumPool) bounds(in Bounds, shape []int) Bounds { return p.Rows(shape).bounds(in) }
func (r *Reshape) apply(in Vec, _ []int) Vec            { return in }
func (r *Reshape) bounds(in Bounds, _ []int) Bounds     { return in }

// Conv2D is a cross-correlation over a [Channels, H, W] input with a weight of
// [Outputs, Channels, Kernel[0], Kernel[1]], zero padding on every side:
//
//	out[o,y,x] = Bias[o] + sum_{c,i,j} W[o,c,i,j] in[c, y*Stride+i-Padding, x*Stride+j-Padding]
type Conv2D struct {
	Outputs, Channels int
	Kernel            [2]int
	Stride, Padding   int
	Weight            []int32
	Bias              Vec
}

func (c *Conv2D) kind() Kind { return KindConv2D }

func (c *Conv2D) parameters() ([]int32, []int, Vec) {
	return c.Weight, []int{c.Outputs, c.Channels, c.Kernel[0], c.Kernel[1]}, c.Bias
}

// OutShape is [Outputs, (H+2P-K)/S+1, (W+2P-K)/S+1].
func (c *Conv2D) OutShape(in []int) ([]int, error) {
	if len(in) != 3 || in[0] != c.Channels {
		return nil, fmt.Errorf("conv2d of %d channels on shape %v", c.Channels, in)
	}
	if c.Padding < 0 || c.Padding >= max(c.Kernel[0], 1) || c.Padding >= max(c.Kernel[1], 1) {
		return nil, fmt.Errorf("padding %d is outside 0..kernel-1 of kernel %v", c.Padding, c.Kernel)
	}
	if err := checkParameters(c); err != nil {
		return nil, err
	}
	return window(in, c.Outputs, c.Kernel, c.Stride, c.Padding)
}

// Rows lowers the layer; see Linear. Taps in the padding are left out.
func (c *Conv2D) Rows(in []int) *Rows {
	out, _ := c.OutShape(in)
	h, w := in[1], in[2]
	kh, kw := c.Kernel[0], c.Kernel[1]
	b := newRowBuilder(in[0]*h*w, out[0]*out[1]*out[2], out[1]*out[2]*len(c.Weight))
	b.r.Bias = c.Bias.repeat(out[1] * out[2])
	for o := range out[0] {
		for y := range out[1] {
			for x := range out[2] {
				for ch := range c.Channels {
					for i := range kh {
						for j := range kw {
							yy, xx := y*c.Stride+i-c.Padding, x*c.Stride+j-c.Padding
							if yy >= 0 && yy < h && xx >= 0 && xx < w {
								b.add((ch*h+yy)*w+xx, c.Weight[((o*c.Channels+ch)*kh+i)*kw+j])
							}
						}
					}
				}
				b.end()
			}
		}
	}
	return b.rows()
}

// SumPool sums Kernel x Kernel windows, Stride apart, of each channel. An
// average pool is a SumPool whose divisor went into the scale.
type SumPool struct{ Kernel, Stride int }

func (p *SumPool) kind() Kind { return KindSumPool }

// OutShape is [C, (H-K)/S+1, (W-K)/S+1].
func (p *SumPool) OutShape(in []int) ([]int, error) {
	if len(in) != 3 {
		return nil, fmt.Errorf("sumpool on shape %v, want [channels, height, width]", in)
	}
	return window(in, in[0], [2]int{p.Kernel, p.Kernel}, p.Stride, 0)
}

// Rows lowers the pool; see Linear.
func (p *SumPool) Rows(in []int) *Rows {
	out, _ := p.OutShape(in)
	h, w := in[1], in[2]
	b := newRowBuilder(in[0]*h*w, out[0]*out[1]*out[2], out[0]*out[1]*out[2]*p.Kernel*p.Kernel)
	b.r.Bias = Vec{Small: make([]int64, out[0]*out[1]*out[2])}
	for c := range out[0] {
		for y := range out[1] {
			for x := range out[2] {
				for i := range p.Kernel {
					for j := range p.Kernel {
						b.add((c*h+y*p.Stride+i)*w+x*p.Stride+j, 1)
					}
				}
				b.end()
			}
		}
	}
	return b.rows()
}

// Reshape gives the same elements another shape.
type Reshape struct{ Shape []int }

func (r *Reshape) kind() Kind { return KindReshape }

// OutShape is Shape, which must have as many elements as the input.
func (r *Reshape) OutShape(in []int) ([]int, error) {
	a, errA := elements(in)
	b, errB := elements(r.Shape)
	if errA != nil || errB != nil || a != b {
		return nil, fmt.Errorf("reshape of %v to %v: element counts differ", in, r.Shape)
	}
	return r.Shape, nil
}

// window is the output shape of a sliding window.
func window(in []int, channels int, kernel [2]int, stride, padding int) ([]int, error) {
	if stride < 1 || stride > MaxElements {
		return nil, fmt.Errorf("stride %d is outside 1..%d", stride, MaxElements)
	}
	out := []int{channels, 0, 0}
	for d, k := range kernel {
		n := in[d+1] + 2*padding
		if k < 1 || k > n {
			return nil, fmt.Errorf("kernel %d does not fit the padded input size %d", k, n)
		}
		out[d+1] = (n-k)/stride + 1
	}
	return out, nil
}

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
