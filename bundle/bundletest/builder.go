// Package bundletest builds integer programs with random weights, for the tests
// and benchmarks of what runs programs. They answer nothing sensible. It panics
// where a test has asked for what can't be.
package bundletest

import (
	"math/big"
	"math/rand/v2"

	"qtool/bundle"
	"qtool/quant"
)

// Builder chains operations into a program. Weights, biases, coefficients and
// table entries are drawn from one generator in the order of the calls, so that
// the same calls make the same program.
type Builder struct {
	program *bundle.Program
	shape   []int // of the last tensor
	rng     *rand.Rand
	shift   int // see Wide
	narrow  bool
	norm    int // see Narrow
}

// Rand is the generator of a seed.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// New begins a program whose inputs are the integers 0..2^bits-1, with a generator
// of its own.
func New(seed uint64, bits int, shape ...int) *Builder { return From(Rand(seed), bits, shape...) }

// From is New with a generator that others may share.
func From(r *rand.Rand, bits int, shape ...int) *Builder {
	q, err := quant.Affine(0, 1, quant.BitWidth(bits))
	if err != nil {
		panic(err)
	}
	return &Builder{program: &bundle.Program{Input: bundle.Input{Shape: shape, Quantizer: q}}, shape: shape, rng: r}
}

// Shape is the shape of the last tensor.
func (b *Builder) Shape() []int { return b.shape }

// Add appends an operation. Layers are called layera, layerb, and so on.
func (b *Builder) Add(op bundle.Op) *Builder {
	out, err := op.OutShape(b.shape)
	if err != nil {
		panic(err)
	}
	n := bundle.Node{Name: "layer" + string(rune('a'+len(b.program.Nodes))), Op: op, Scale: []float64{1}}
	if _, ok := op.(bundle.Weighted); ok {
		n.Bits = 16 // any weights that tests ask for
	}
	b.program.Nodes = append(b.program.Nodes, n)
	b.shape = out
	return b
}

// Wide makes the biases and coefficients that follow so many bits longer.
func (b *Builder) Wide(bits int) *Builder {
	b.shift = bits
	return b
}

// Narrow keeps the accumulators that follow small: a row of weights has at most
// the L1 norm, and biases are within -2..2.
func (b *Builder) Narrow(norm int) *Builder {
	b.narrow, b.norm = true, norm
	return b
}

// weights are rows of n, within -largest..largest.
func (b *Builder) weights(rows, n, largest int) []int32 {
	w := make([]int32, rows*n)
	if !b.narrow {
		for i := range w {
			w[i] = int32(b.within(largest))
		}
		return w
	}
	for o := range rows {
		row, left := w[o*n:(o+1)*n], b.norm
		for _, i := range b.rng.Perm(n) {
			x := b.within(largest)
			if size := max(x, -x); size <= left {
				row[i], left = int32(x), left-size
			}
		}
	}
	return w
}

// within is a number within -largest..largest.
func (b *Builder) within(largest int) int { return b.rng.IntN(2*largest+1) - largest }

// wide are n numbers within -largest..largest, shifted by what Wide says.
func (b *Builder) wide(n, largest int) bundle.Vec {
	v := make([]*big.Int, n)
	for i := range v {
		x := big.NewInt(int64(b.within(largest)))
		v[i] = x.Lsh(x, uint(b.shift))
	}
	return bundle.NewVec(v)
}

func (b *Builder) bias(n int) bundle.Vec {
	if b.narrow {
		return b.wide(n, 2)
	}
	return b.wide(n, 50)
}

// Conv adds a convolution with a square kernel and weights within
// -largest..largest.
func (b *Builder) Conv(outputs, kernel, stride, padding, largest int) *Builder {
	c := b.shape[0]
	return b.Add(&bundle.Conv2D{
		Outputs: outputs, Channels: c, Kernel: [2]int{kernel, kernel}, Stride: bundle.Both(stride), Padding: bundle.Around(padding),
		Weight: b.weights(outputs, c*kernel*kernel, largest), Bias: b.bias(outputs),
	})
}

// Dense adds a dense map with weights within -largest..largest, behind a reshape
// where the tensor is not flat.
func (b *Builder) Dense(units, largest int) *Builder {
	n := bundle.Size(b.shape)
	if len(b.shape) > 1 {
		b.Add(&bundle.Reshape{Shape: []int{n}})
	}
	return b.Add(&bundle.Dense{Units: units, Inputs: n, Weight: b.weights(units, n, largest), Bias: b.bias(units)})
}

// Pool adds a sum pool.
func (b *Builder) Pool(kernel, stride int) *Builder {
	return b.Add(&bundle.SumPool{Kernel: bundle.Both(kernel), Stride: bundle.Both(stride)})
}

// Square squares every element.
func (b *Builder) Square() *Builder { return b.Add(bundle.Square()) }

// Polynomial adds a polynomial of all elements with coefficients within
// -largest..largest.
func (b *Builder) Polynomial(degree, largest int) *Builder {
	return b.Add(&bundle.Polynomial{Coeffs: []bundle.Vec{b.coefficients(degree, largest)}})
}

// Polynomials adds a polynomial a channel, of the degrees in turn.
func (b *Builder) Polynomials(largest int, degrees ...int) *Builder {
	p := &bundle.Polynomial{}
	for i := range b.shape[0] {
		p.Coeffs = append(p.Coeffs, b.coefficients(degrees[i%len(degrees)], largest))
	}
	return b.Add(p)
}

// coefficients are of just the degree.
func (b *Builder) coefficients(degree, largest int) bundle.Vec {
	for {
		if v := b.wide(degree+1, largest); v.At(degree).Sign() != 0 {
			return v
		}
	}
}

// Done labels the outputs and proves the ranges.
func (b *Builder) Done() *bundle.Program {
	b.program.Labels = make([]string, bundle.Size(b.shape))
	if err := b.program.Prove(); err != nil {
		panic(err)
	}
	return b.program
}

// Observed is Done, with the ranges seen on a few random samples.
func (b *Builder) Observed() *bundle.Program {
	p := b.Done()
	if err := Observe(p, b.Samples(3)); err != nil {
		panic(err)
	}
	return p
}

// Samples are n inputs of random bytes, quantized.
func (b *Builder) Samples(n int) []bundle.Sample {
	all := make([][]uint8, n)
	for i := range all {
		all[i] = make([]uint8, bundle.Size(b.program.Input.Shape))
		for k := range all[i] {
			all[i][k] = uint8(b.rng.UintN(256))
		}
	}
	return b.program.Input.Samples(all)
}
