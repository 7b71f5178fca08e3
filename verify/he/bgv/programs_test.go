package bgv

import (
	"math"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// builder chains operations with random weights into a program.
type builder struct {
	p     *bundle.Program
	shape []int
	r     *rand.Rand
	shift int // of biases
}

// newProgram begins a program whose inputs are the integers 0..2^bits-1.
func newProgram(r *rand.Rand, bits int, shape ...int) *builder {
	q, err := quant.Affine(0, 1, quant.BitWidth(bits))
	if err != nil {
		panic(err)
	}
	return &builder{&bundle.Program{Input: bundle.Input{Shape: shape, Quantizer: q}}, shape, r, 0}
}

func (b *builder) add(op bundle.Op) *builder {
	out, err := op.OutShape(b.shape)
	if err != nil {
		panic(err)
	}
	b.p.Nodes = append(b.p.Nodes, bundle.Node{Name: "layer" + string(rune('a'+len(b.p.Nodes))), Op: op, Scale: []float64{1}})
	b.shape = out
	return b
}

func (b *builder) weights(n, largest int) []int32 {
	w := make([]int32, n)
	for i := range w {
		w[i] = int32(b.r.IntN(2*largest+1) - largest)
	}
	return w
}

// bias is small, or (wide) far beyond 64 bits.
func (b *builder) bias(n, largest int) bundle.Vec {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Ldexp(float64(b.r.IntN(2*largest+1)-largest), b.shift)
	}
	return bundle.NewInts(v)
}

// wideBiases makes what follows have biases of 80 bits.
func wideBiases(b *builder) *builder {
	b.shift = 75
	return b
}

func (b *builder) conv(outputs, kernel, stride, padding, largest int) *builder {
	c := b.shape[0]
	return b.add(&bundle.Conv2D{
		Outputs: outputs, Channels: c, Kernel: [2]int{kernel, kernel}, Stride: stride, Padding: padding,
		Weight: b.weights(outputs*c*kernel*kernel, largest), Bias: b.bias(outputs, 50),
	})
}

// dense flattens where it must.
func (b *builder) dense(units, largest int) *builder {
	n := bundle.Size(b.shape)
	if len(b.shape) > 1 {
		b.add(&bundle.Reshape{Shape: []int{n}})
	}
	return b.add(&bundle.Dense{Units: units, Inputs: n, Weight: b.weights(units*n, largest), Bias: b.bias(units, 50)})
}

func (b *builder) square() *builder { return b.add(bundle.Square()) }

func (b *builder) pool(kernel, stride int) *builder {
	return b.add(&bundle.SumPool{Kernel: kernel, Stride: stride})
}

// polynomial has random coefficients, a row a channel if perChannel.
func (b *builder) polynomial(degree, largest int, perChannel bool) *builder {
	rows := 1
	if perChannel {
		rows = b.shape[0]
	}
	p := &bundle.Polynomial{}
	for i := range rows {
		// Channels may have lower degrees than the tensor's.
		row := b.bias(degree+1-i%2, largest)
		for top := row.Len() - 1; row.At(top).Sign() == 0; {
			row = b.bias(degree+1-i%2, largest)
		}
		p.Coeffs = append(p.Coeffs, row)
	}
	return b.add(p)
}

func (b *builder) done() *bundle.Program {
	b.p.Labels = make([]string, bundle.Size(b.shape))
	if err := b.p.Prove(); err != nil {
		panic(err)
	}
	return b.p
}

// images are random bytes.
func (b *builder) images(n int) [][]uint8 {
	all := make([][]uint8, n)
	for i := range all {
		all[i] = make([]uint8, bundle.Size(b.p.Input.Shape))
		for k := range all[i] {
			all[i][k] = uint8(b.r.UintN(256))
		}
	}
	return all
}

// The three networks of the recipes, with random weights and inputs of 4 bits.

func lenet(r *rand.Rand) *builder {
	return newProgram(r, 4, 1, 28, 28).
		conv(4, 5, 1, 0, 7).square().pool(2, 2).
		conv(12, 5, 1, 0, 7).square().pool(2, 2).dense(10, 7)
}

func cryptonets(r *rand.Rand) *builder {
	return newProgram(r, 4, 1, 28, 28).
		conv(5, 5, 2, 1, 7).square().dense(100, 7).square().dense(10, 7)
}

func fullyConnected(r *rand.Rand) *builder {
	return newProgram(r, 4, 784).dense(128, 7).square().dense(64, 7).square().dense(10, 7)
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func mustPlan(t testing.TB, p *bundle.Program, o Options) *Plan {
	t.Helper()
	plan, err := NewPlan(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
