package bgvtable

import (
	"math"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// builder chains operations with random weights and tables into a program.
type builder struct {
	p     *bundle.Program
	shape []int
	r     *rand.Rand
}

// newProgram begins a program whose inputs are the integers 0..2^bits-1.
func newProgram(r *rand.Rand, bits int, shape ...int) *builder {
	q, err := quant.Affine(0, 1, quant.BitWidth(bits))
	if err != nil {
		panic(err)
	}
	return &builder{&bundle.Program{Input: bundle.Input{Shape: shape, Quantizer: q}}, shape, r}
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

// weights are up to largest in size; each row of so many has at most the L1 norm.
func (b *builder) weights(rows, n, largest, l1 int) []int32 {
	w := make([]int32, rows*n)
	for o := range rows {
		row, left := w[o*n:(o+1)*n], l1
		for _, i := range b.r.Perm(n) {
			x := b.r.IntN(2*largest+1) - largest
			if size := max(x, -x); size <= left {
				row[i], left = int32(x), left-size
			}
		}
	}
	return w
}

func (b *builder) bias(n, largest int) bundle.Vec {
	v := bundle.Vec{Small: make([]int64, n)}
	for i := range v.Small {
		v.Small[i] = int64(b.r.IntN(2*largest+1) - largest)
	}
	return v
}

func (b *builder) conv(outputs, kernel, largest, l1 int) *builder {
	c := b.shape[0]
	return b.add(&bundle.Conv2D{
		Outputs: outputs, Channels: c, Kernel: [2]int{kernel, kernel}, Stride: 1,
		Weight: b.weights(outputs, c*kernel*kernel, largest, l1), Bias: b.bias(outputs, 2),
	})
}

// dense flattens where it must.
func (b *builder) dense(units, largest, l1 int) *builder {
	n := bundle.Size(b.shape)
	if len(b.shape) > 1 {
		b.add(&bundle.Reshape{Shape: []int{n}})
	}
	return b.add(&bundle.Dense{Units: units, Inputs: n, Weight: b.weights(units, n, largest, l1), Bias: b.bias(units, 2)})
}

func (b *builder) pool(kernel, stride int) *builder {
	return b.add(&bundle.SumPool{Kernel: kernel, Stride: stride})
}

// bounds are those of the program so far.
func (b *builder) bounds() bundle.Bounds {
	p := *b.p
	p.Labels = make([]string, bundle.Size(b.shape))
	if len(p.Nodes) == 0 {
		return p.Input.Bounds()
	}
	if len(b.shape) > 1 {
		p.Nodes = append(append([]bundle.Node(nil), p.Nodes...), bundle.Node{Name: "flat", Op: &bundle.Reshape{Shape: []int{bundle.Size(b.shape)}}, Scale: []float64{1}})
	}
	if err := p.Prove(); err != nil {
		panic(err)
	}
	all, err := p.Bounds()
	if err != nil {
		panic(err)
	}
	return all[len(all)-1]
}

// table has a table a channel that covers it, with entries made by f from the
// domain's ends and an index.
func (b *builder) table(shift uint8, f func(lo, hi, i int64) int32) *builder {
	bounds := b.bounds()
	channels, n := b.shape[0], bundle.Size(b.shape)
	l := &bundle.LookupTable{Shift: shift}
	for c := range channels {
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		for k := c * n / channels; k < (c+1)*n/channels; k++ {
			lo, hi = min(lo, bounds.Lo.Small[k]), max(hi, bounds.Hi.Small[k])
		}
		lo, hi = bundle.RoundShift(lo, shift), bundle.RoundShift(hi, shift)
		t := bundle.Table{Lo: lo}
		for i := lo; i <= hi; i++ {
			t.Values = append(t.Values, f(lo, hi, i))
		}
		l.Tables = append(l.Tables, t)
	}
	return b.add(l)
}

// random entries of so many bits, unsigned.
func (b *builder) random(bits int) *builder {
	return b.table(0, func(_, _, _ int64) int32 { return int32(b.r.IntN(1 << bits)) })
}

// sigmoid is a monotone table of so many bits, odd about the domain's centre.
func (b *builder) sigmoid(bits int) *builder {
	return b.table(0, func(lo, hi, i int64) int32 { return sigmoidEntry(lo, hi, i, bits) })
}

func sigmoidEntry(lo, hi, i int64, bits int) int32 {
	x := 8 * (float64(i) - float64(lo+hi)/2) / float64(max(1, hi-lo))
	return int32(math.Floor(float64(int(1)<<bits) / (1 + math.Exp(-x)) * 0.999999))
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

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func mustPlan(t testing.TB, p *bundle.Program, o Options) *Plan {
	t.Helper()
	plan, err := NewPlan(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
