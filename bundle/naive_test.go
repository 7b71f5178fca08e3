package bundle

import (
	"math/big"

	"pgregory.net/rapid"

	"qtool/quant"
)

// naive evaluates a program by direct loops on big integers, knowing nothing of
// Rows, Vec or Horner's scheme. It returns every node's tensor.
func naive(p *Program, in []*big.Int) [][]*big.Int {
	var outs [][]*big.Int
	x, shape := in, p.Input.Shape
	for _, n := range p.Nodes {
		switch op := n.Op.(type) {
		case *Dense:
			x = naiveDense(op, x)
		case *Conv2D:
			x = naiveConv(op, x, shape, n.Shape)
		case *SumPool:
			x = naivePool(op, x, shape, n.Shape)
		case *Polynomial:
			x = naivePolynomial(op, x)
		case *Reshape:
		default:
			panic("unknown operation")
		}
		outs, shape = append(outs, x), n.Shape
	}
	return outs
}

func naiveDense(d *Dense, x []*big.Int) []*big.Int {
	y := make([]*big.Int, d.Units)
	for o := range y {
		y[o] = big.NewInt(d.Bias[o])
		for i := range d.Inputs {
			y[o].Add(y[o], product(int64(d.Weight[o*d.Inputs+i]), x[i]))
		}
	}
	return y
}

func naiveConv(c *Conv2D, x []*big.Int, in, out []int) []*big.Int {
	var y []*big.Int
	for o := range out[0] {
		for r := range out[1] {
			for col := range out[2] {
				acc := big.NewInt(c.Bias[o])
				for ch := range in[0] {
					for yy := range in[1] {
						for xx := range in[2] {
							// The tap that meets this pixel, if there is one.
							i, j := yy-r*c.Stride+c.Padding, xx-col*c.Stride+c.Padding
							if i < 0 || i >= c.Kernel[0] || j < 0 || j >= c.Kernel[1] {
								continue
							}
							w := c.Weight[o*in[0]*c.Kernel[0]*c.Kernel[1]+ch*c.Kernel[0]*c.Kernel[1]+i*c.Kernel[1]+j]
							acc.Add(acc, product(int64(w), x[ch*in[1]*in[2]+yy*in[2]+xx]))
						}
					}
				}
				y = append(y, acc)
			}
		}
	}
	return y
}

func naivePool(p *SumPool, x []*big.Int, in, out []int) []*big.Int {
	var y []*big.Int
	for ch := range out[0] {
		for r := range out[1] {
			for c := range out[2] {
				acc := new(big.Int)
				for i := r * p.Stride; i < r*p.Stride+p.Kernel; i++ {
					for j := c * p.Stride; j < c*p.Stride+p.Kernel; j++ {
						acc.Add(acc, x[ch*in[1]*in[2]+i*in[2]+j])
					}
				}
				y = append(y, acc)
			}
		}
	}
	return y
}

func naivePolynomial(p *Polynomial, x []*big.Int) []*big.Int {
	y := make([]*big.Int, len(x))
	for i, v := range x {
		c := p.Coeffs[0]
		if len(p.Coeffs) > 1 {
			c = p.Coeffs[i/(len(x)/len(p.Coeffs))]
		}
		y[i] = new(big.Int)
		for k, a := range c {
			power := new(big.Int).Exp(v, big.NewInt(int64(k)), nil)
			y[i].Add(y[i], product(a, power))
		}
	}
	return y
}

func product(a int64, b *big.Int) *big.Int { return new(big.Int).Mul(big.NewInt(a), b) }

// genProgram draws a small program. Weights are often the extremes of int32 and
// biases of 2^62, so that values leave int64 after a layer or two.
func genProgram(t *rapid.T) *Program {
	in := []int{rapid.IntRange(1, 3).Draw(t, "channels"), rapid.IntRange(1, 6).Draw(t, "height"), rapid.IntRange(1, 6).Draw(t, "width")}
	p := &Program{Input: Input{Shape: in, Quantizer: quant.Params{Scale: 0.5, Bits: quant.BitWidth(rapid.IntRange(1, 8).Draw(t, "bits"))}}}
	p.Input.Quantizer.ZeroPoint = rapid.Int32Range(0, p.Input.Quantizer.QMax()).Draw(t, "zeroPoint")
	weight := rapid.OneOf(
		rapid.Int32Range(-7, 7), rapid.SampledFrom([]int32{0, 0, 1, -1, 1<<31 - 1, -1 << 31}), rapid.Int32(),
	)
	bias := rapid.OneOf(rapid.Int64Range(-9, 9), rapid.SampledFrom([]int64{0, 1 << 62, -1 << 62, 1<<24 + 1}))
	coefficient := rapid.OneOf(rapid.Int64Range(-9, 9), rapid.SampledFrom([]int64{0, 1 << 40, -1 << 62}))
	name := 'a'
	shape := in
	add := func(op Op) {
		out, err := op.OutShape(shape)
		if err != nil {
			t.Fatal(err)
		}
		p.Nodes = append(p.Nodes, Node{Name: string(name), Op: op, Scale: []float64{1}, Seen: NewRange(0, 0)})
		name++
		shape = out
	}
	volume := func(dims ...int) int {
		n := 1
		for _, d := range dims {
			n *= d
		}
		return n
	}
	for range rapid.IntRange(0, 4).Draw(t, "layers") {
		switch rapid.SampledFrom([]Kind{KindConv2D, KindSumPool, KindPolynomial}).Draw(t, "op") {
		case KindConv2D:
			c := &Conv2D{Outputs: rapid.IntRange(1, 3).Draw(t, "outputs"), Channels: shape[0], Stride: rapid.IntRange(1, 3).Draw(t, "stride")}
			for d := range c.Kernel {
				c.Kernel[d] = rapid.IntRange(1, min(shape[d+1], 4)).Draw(t, "kernel")
			}
			c.Padding = rapid.IntRange(0, min(c.Kernel[0], c.Kernel[1])-1).Draw(t, "padding")
			n := volume(c.Outputs, c.Channels, c.Kernel[0], c.Kernel[1])
			c.Weight = rapid.SliceOfN(weight, n, n).Draw(t, "weight")
			c.Bias = rapid.SliceOfN(bias, c.Outputs, c.Outputs).Draw(t, "bias")
			add(c)
		case KindSumPool:
			add(&SumPool{rapid.IntRange(1, min(shape[1], shape[2])).Draw(t, "kernel"), rapid.IntRange(1, 3).Draw(t, "stride")})
		case KindPolynomial:
			q := &Polynomial{}
			for range rapid.SampledFrom([]int{1, shape[0]}).Draw(t, "rows") {
				row := rapid.SliceOfN(coefficient, 2, 4).Draw(t, "coefficients")
				if row[len(row)-1] == 0 {
					row[len(row)-1] = -1
				}
				q.Coeffs = append(q.Coeffs, row)
			}
			add(q)
		}
	}
	add(&Reshape{[]int{volume(shape...)}})
	units := rapid.IntRange(1, 3).Draw(t, "units")
	n := units * shape[0]
	add(&Dense{units, shape[0], rapid.SliceOfN(weight, n, n).Draw(t, "weight"), rapid.SliceOfN(bias, units, units).Draw(t, "bias")})
	p.Labels = make([]string, units)
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	return p
}

// genInput draws an input vector of p that leans to the ends of the grid.
func genInput(t *rapid.T, p *Program) Vec {
	lo, hi := grid(p)
	n, _ := elements(p.Input.Shape)
	value := rapid.OneOf(rapid.Just(lo), rapid.Just(hi), rapid.Just(int64(0)), rapid.Int64Range(lo, hi))
	return Vec{Small: rapid.SliceOfN(value, n, n).Draw(t, "input")}
}

// grid is the smallest and the largest input integer.
func grid(p *Program) (lo, hi int64) {
	q := p.Input.Quantizer
	return int64(q.QMin() - q.ZeroPoint), int64(q.QMax() - q.ZeroPoint)
}
