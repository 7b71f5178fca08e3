package bundletest

import (
	"slices"

	"qtool/bundle"
	"qtool/quant"
)

func anyTensor(*tensor) bool   { return true }
func isFlat(x *tensor) bool    { return len(x.shape) == 1 }
func isPicture(x *tensor) bool { return len(x.shape) == 3 }

// draw appends an operation of a kind, where one fits.
func (r *randomizer) draw(kind bundle.Kind) {
	switch kind {
	case bundle.KindDense:
		if x := r.pick(func(x *tensor) bool { return isFlat(x) || r.allows(bundle.KindReshape) }); x != nil {
			if !isFlat(x) {
				r.reshape(x, []int{bundle.Size(x.shape)})
				x = r.last()
			}
			units := r.number("units", 1, 5)
			r.add(&bundle.Dense{Units: units, Inputs: x.shape[0], Weight: r.weights(units * x.shape[0]), Bias: r.bias(units)}, nil, x)
		}
	case bundle.KindConv2D:
		if x := r.pick(isPicture); x != nil {
			r.conv(x)
		}
	case bundle.KindSumPool:
		if x := r.pick(isPicture); x != nil {
			kernel, stride, padding := r.window(x)
			r.add(&bundle.SumPool{Kernel: kernel, Stride: stride, Padding: padding}, nil, x)
		}
	case bundle.KindMaxPool:
		positive := func(x *tensor) bool { return isPicture(x) && slices.Min(x.scale) > 0 }
		if x := r.pick(positive); x != nil {
			kernel, stride, padding := r.window(x)
			r.add(&bundle.MaxPool{Kernel: kernel, Stride: stride, Padding: padding}, x.scale, x)
		}
	case bundle.KindPolynomial:
		if x := r.pick(func(x *tensor) bool { return 2*x.bits <= r.RangeBits }); x != nil {
			r.polynomial(x)
		}
	case bundle.KindLookupTable:
		if x := r.pick(func(x *tensor) bool { return x.bits <= r.TableBits }); x != nil {
			r.table(x)
		}
	case bundle.KindAdd:
		if x := r.pick(anyTensor); x != nil {
			r.sum(x)
		}
	case bundle.KindMul:
		if x := r.pick(anyTensor); x != nil && r.graph() {
			r.product(x)
		}
	case bundle.KindConcat:
		if x := r.pick(anyTensor); x != nil {
			like := r.fitting(func(y *tensor) bool { return slices.Equal(y.shape[1:], x.shape[1:]) })
			in := []*tensor{x}
			for range r.more() {
				in = append(in, like[r.number("which", 0, len(like)-1)])
			}
			r.concat(in)
		}
	case bundle.KindSlice:
		if x := r.pick(anyTensor); x != nil {
			from := r.number("from", 0, x.shape[0]-1)
			to := r.number("to", from+1, x.shape[0])
			scale := x.scale
			if len(scale) > 1 {
				scale = scale[from:to]
			}
			r.add(&bundle.Slice{From: from, To: to}, scale, x)
		}
	case bundle.KindReshape:
		if x := r.pick(anyTensor); x != nil {
			n := bundle.Size(x.shape)
			a := r.divisor(n)
			b := r.divisor(n / a)
			shapes := [][]int{{n}, {a, b, n / a / b}, {a, n / a}}
			r.reshape(x, shapes[r.number("dimensions", 0, 2)])
		}
	case bundle.KindShift:
		if x := r.pick(anyTensor); x != nil {
			bits := r.shift(6)
			r.add(&bundle.Shift{Bits: uint8(bits)}, scaled(x.scale, float64(int(1)<<bits)), x)
		}
	case bundle.KindRecurrent:
		if x := r.pick(func(x *tensor) bool { return x.bits <= 6 }); x != nil {
			if len(x.shape) != 2 {
				if !r.allows(bundle.KindReshape) {
					return
				}
				n := bundle.Size(x.shape)
				d := r.divisor(n)
				r.reshape(x, []int{n / d, d})
				x = r.last()
			}
			if x.shape[0] <= 8 && x.shape[1] <= 8 {
				r.recurrent(x)
			}
		}
	}
}

// more draws how many inputs a join has beside the first.
func (r *randomizer) more() int {
	if !r.graph() {
		return 0
	}
	return r.number("more", 0, 2)
}

// divisor draws a divisor of n.
func (r *randomizer) divisor(n int) int {
	var all []int
	for d := 1; d <= n; d++ {
		if n%d == 0 {
			all = append(all, d)
		}
	}
	return all[r.number("divisor", 0, len(all)-1)]
}

// weights are of 4 bits, many of them small.
func (r *randomizer) weights(n int) []int32 {
	w := make([]int32, n)
	for i := range w {
		w[i] = []int32{0, 1, -1, 2, -2, 7, -7, int32(r.rng.IntN(15) - 7)}[r.rng.IntN(8)]
	}
	return w
}

func (r *randomizer) bias(n int) bundle.Vec {
	b := make([]int64, n)
	for i := range b {
		b[i] = int64(r.rng.IntN(21) - 10)
	}
	return bundle.Vec{Small: b}
}

// window draws a kernel, a stride and paddings for pools of pictures.
func (r *randomizer) window(x *tensor) (kernel, stride bundle.Pair, padding bundle.Sides) {
	for d := range kernel {
		kernel[d] = r.number("kernel", 1, min(3, x.shape[d+1]))
		stride[d] = r.number("stride", 1, 3)
	}
	for s := range padding {
		padding[s] = r.number("padding", 0, kernel[s%2]-1)
	}
	return kernel, stride, padding
}

func (r *randomizer) conv(x *tensor) {
	groups := r.divisor(x.shape[0])
	c := &bundle.Conv2D{Outputs: groups * r.number("outputs", 1, 2), Channels: x.shape[0]}
	if groups > 1 {
		c.Groups = groups
	}
	for d := range c.Kernel {
		c.Kernel[d] = r.number("kernel", 1, 3)
		c.Stride[d] = r.number("stride", 1, 2)
		if r.number("dilated", 0, 2) == 2 {
			c.Dilation[d] = 2
		}
	}
	if c.Dilation != (bundle.Pair{}) && c.Dilation != bundle.Both(2) {
		c.Dilation = bundle.Pair{max(1, c.Dilation[0]), max(1, c.Dilation[1])}
	}
	for d := range c.Kernel {
		extent := max(1, c.Dilation[d])*(c.Kernel[d]-1) + 1
		if short := extent - x.shape[d+1]; short > 2*(extent-1) {
			return
		}
		c.Padding[d] = r.number("padding", max(0, extent-x.shape[d+1]-(extent-1)), extent-1)
		c.Padding[d+2] = r.number("padding", max(0, extent-x.shape[d+1]-c.Padding[d]), extent-1)
	}
	c.Weight = r.weights(c.Outputs * c.Channels / groups * c.Kernel[0] * c.Kernel[1])
	c.Bias = r.bias(c.Outputs)
	r.add(c, nil, x)
}

func (r *randomizer) polynomial(x *tensor) {
	degree := r.number("degree", 1, min(r.Degree, r.RangeBits/x.bits))
	p := &bundle.Polynomial{}
	rows := 1
	if r.number("rows", 0, 2) == 2 {
		rows = x.shape[0]
	}
	for range rows {
		row := r.bias(degree + 1)
		if row.Small[degree] == 0 {
			row.Small[degree] = -1
		}
		p.Coeffs = append(p.Coeffs, row)
	}
	r.add(p, nil, x)
}

func (r *randomizer) table(x *tensor) {
	b, err := r.p.TensorBounds(x.name)
	if err != nil {
		r.t.Fatalf("generator: %v", err)
	}
	l := &bundle.LookupTable{Shift: uint8(r.number("shift", 0, 3))}
	rows := 1
	if r.number("tables", 0, 2) == 2 {
		rows = x.shape[0]
	}
	n := b.Lo.Len()
	for c := range rows {
		within := bundle.Bounds{Lo: b.Lo.Slice(c*n/rows, (c+1)*n/rows), Hi: b.Hi.Slice(c*n/rows, (c+1)*n/rows)}.Range()
		lo, hi := bundle.RoundShift(within.Lo.Int64(), l.Shift), bundle.RoundShift(within.Hi.Int64(), l.Shift)
		t := bundle.Table{Lo: lo}
		for range hi - lo + 1 {
			t.Values = append(t.Values, int32(r.rng.IntN(16)-8))
		}
		l.Tables = append(l.Tables, t)
	}
	r.add(l, nil, x)
}

// sum adds x and others of its shape, at scales that meet: all of one scale a channel,
// or small multiples of the unit.
func (r *randomizer) sum(x *tensor) {
	sign := int32(1)
	if r.number("negative", 0, 3) == 3 {
		sign = -1
	}
	_, ok := r.multiple(x)
	like := r.fitting(func(y *tensor) bool {
		_, too := r.multiple(y)
		return slices.Equal(y.shape, x.shape) && (ok && too || slices.Equal(y.scale, x.scale))
	})
	in := []*tensor{x}
	for range r.more() {
		in = append(in, like[r.number("which", 0, len(like)-1)])
	}
	op, scale := &bundle.Add{}, scaled(x.scale, float64(sign))
	if ok {
		scale = []float64{r.unit() * float64(sign)}
	}
	for _, y := range in {
		w := int32(1)
		if ok {
			w, _ = r.multiple(y)
		}
		op.Weights = append(op.Weights, sign*w)
	}
	r.add(op, scale, in...)
}

// multiple is the small integer that is x's scale in units, if there is one.
func (r *randomizer) multiple(x *tensor) (int32, bool) {
	w := x.scale[0] / r.unit()
	return int32(w), len(x.scale) == 1 && w == float64(int8(w)) && w != 0
}

// scaled is a scale times f.
func scaled(scale []float64, f float64) []float64 {
	out := make([]float64, len(scale))
	for c, s := range scale {
		out[c] = s * f
	}
	return out
}

// product multiplies x and another of its shape, or itself.
func (r *randomizer) product(x *tensor) {
	like := r.fitting(func(y *tensor) bool { return slices.Equal(y.shape, x.shape) && x.bits+y.bits <= r.RangeBits })
	if len(like) == 0 {
		return
	}
	y := like[r.number("which", 0, len(like)-1)]
	shift := r.shift(4)
	scale := make([]float64, max(len(x.scale), len(y.scale)))
	for c := range scale {
		scale[c] = x.scale[c%len(x.scale)] * y.scale[c%len(y.scale)] * float64(int(1)<<shift)
	}
	r.add(&bundle.Mul{Shift: uint8(shift)}, scale, x, y)
}

// shift draws how many bits are rounded away.
func (r *randomizer) shift(most int) int {
	if r.Exact {
		return 0
	}
	return r.number("shift", 0, most)
}

// concat joins tensors.
func (r *randomizer) concat(in []*tensor) {
	one := true
	var scale []float64
	for _, x := range in {
		one = one && len(x.scale) == 1 && x.scale[0] == in[0].scale[0]
		for c := range x.shape[0] {
			scale = append(scale, x.scale[c%len(x.scale)])
		}
	}
	if one {
		scale = scale[:1]
	}
	r.add(&bundle.Concat{}, scale, in...)
}

// reshape keeps one scale for all, and scales of channels where the first dimension
// stays.
func (r *randomizer) reshape(x *tensor, shape []int) {
	scale := x.scale
	if n := len(scale); n > 1 && shape[0] != n {
		scale = nil
		if shape[0]%n == 0 {
			for _, s := range x.scale {
				scale = append(scale, slices.Repeat([]float64{s}, shape[0]/n)...)
			}
		}
	}
	r.add(&bundle.Reshape{Shape: shape}, scale, x)
}

// recurrent adds a loop over the rows of x with one state:
//
//	z = Dense(x, h), u = LookupTable(z), v = Mul(u, h), w = Add(u, v), h' = LookupTable(w)
func (r *randomizer) recurrent(x *tensor) {
	steps, inputs, hidden := x.shape[0], x.shape[1], r.number("hidden", 1, 3)
	b, err := r.p.TensorBounds(x.name)
	if err != nil {
		r.t.Fatalf("generator: %v", err)
	}
	const most = 3 // of the state and of u
	most1 := max(most, b.Range().MaxAbs().Int64())
	dense := &bundle.Dense{Units: hidden, Inputs: inputs + hidden, Weight: r.weights(hidden * (inputs + hidden)), Bias: r.bias(hidden)}
	z := int64(10)
	for _, w := range dense.Weight {
		z += most1 * int64(max(w, -w))
	}
	shift := int64(r.number("shift", 0, 1))
	node := func(name string, op bundle.Op, bits quant.BitWidth, inputs ...string) bundle.Node {
		return bundle.Node{Name: name, Op: op, Scale: []float64{1}, Bits: bits, Inputs: inputs}
	}
	loop := &bundle.Recurrent{
		Steps: steps, Output: "h",
		States: []bundle.State{{Name: "h", Size: hidden, Scale: []float64{1}, Range: bundle.NewRange(-most, most), Next: "next"}},
		Body: []bundle.Node{
			node("z", dense, 4, "x", "h"),
			node("u", &bundle.LookupTable{Tables: []bundle.Table{r.around(z, most)}}, 0, "z"),
			node("v", &bundle.Mul{Shift: uint8(shift)}, 0, "u", "h"),
			node("w", &bundle.Add{Weights: []int32{1, 2}}, 0, "u", "v"),
			node("next", &bundle.LookupTable{Tables: []bundle.Table{r.around(most+2*(most*most+1), most)}}, 0, "w"),
		},
	}
	r.add(loop, nil, x)
}

// around is a table over -n..n with entries within -most..most.
func (r *randomizer) around(n int64, most int) bundle.Table {
	t := bundle.Table{Lo: -n}
	for range 2*n + 1 {
		t.Values = append(t.Values, int32(r.rng.IntN(2*most+1)-most))
	}
	return t
}
