package bundle

import (
	"math/big"

	"pgregory.net/rapid"

	"qtool/quant"
)

// genProgram draws a small program. Weights are often the extremes of int32 and
// biases 2^62 or more, so that values leave int64 after a layer or two.
func genProgram(t *rapid.T) *Program {
	in := []int{rapid.IntRange(1, 3).Draw(t, "channels"), rapid.IntRange(1, 6).Draw(t, "height"), rapid.IntRange(1, 6).Draw(t, "width")}
	p := &Program{Input: Input{Shape: in, Quantizer: quant.Params{Scale: 0.5, Bits: quant.BitWidth(rapid.IntRange(1, 8).Draw(t, "bits"))}}}
	p.Input.Quantizer.ZeroPoint = rapid.Int32Range(0, p.Input.Quantizer.QMax()).Draw(t, "zeroPoint")
	weight := rapid.OneOf(
		rapid.Int32Range(-7, 7), rapid.SampledFrom([]int32{0, 0, 1, -1, 1<<31 - 1, -1 << 31}), rapid.Int32(),
	)
	integer := rapid.OneOf(rapid.Int64Range(-9, 9), rapid.SampledFrom([]int64{0, 1 << 62, -1 << 62, 1<<24 + 1}))
	integers := func(lo, hi int, name string) Vec {
		v := rapid.SliceOfN(integer, lo, hi).Draw(t, name)
		shift := uint(rapid.SampledFrom([]int{0, 0, 70}).Draw(t, "shift"))
		wide := make([]*big.Int, len(v))
		for i, x := range v {
			wide[i] = big.NewInt(x)
			if i%2 == 0 {
				wide[i].Lsh(wide[i], shift)
			}
		}
		return NewVec(wide)
	}
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
		switch rapid.SampledFrom([]Kind{KindConv2D, KindSumPool, KindPolynomial, KindLookupTable}).Draw(t, "op") {
		case KindConv2D:
			c := &Conv2D{Outputs: rapid.IntRange(1, 3).Draw(t, "outputs"), Channels: shape[0], Stride: genPair(t, "stride", 3)}
			for d := range c.Kernel {
				c.Kernel[d] = rapid.IntRange(1, min(shape[d+1], 4)).Draw(t, "kernel")
			}
			c.Padding = genSides(t, c.Kernel)
			n := volume(c.Outputs, c.Channels, c.Kernel[0], c.Kernel[1])
			c.Weight = rapid.SliceOfN(weight, n, n).Draw(t, "weight")
			c.Bias = integers(c.Outputs, c.Outputs, "bias")
			add(c)
		case KindSumPool:
			kernel := genPair(t, "kernel", min(shape[1], shape[2]))
			add(&SumPool{kernel, genPair(t, "stride", 3), genSides(t, kernel)})
		case KindPolynomial:
			q := &Polynomial{}
			for range rapid.SampledFrom([]int{1, shape[0]}).Draw(t, "rows") {
				row := integers(2, 4, "coefficients").wide()
				if top := row[len(row)-1]; top.Sign() == 0 {
					top.SetInt64(-1)
				}
				q.Coeffs = append(q.Coeffs, NewVec(row))
			}
			add(q)
		case KindLookupTable:
			if l := genTables(t, p, shape); l != nil {
				add(l)
			}
		}
	}
	add(&Reshape{[]int{volume(shape...)}})
	units := rapid.IntRange(1, 3).Draw(t, "units")
	n := units * shape[0]
	add(&Dense{units, shape[0], rapid.SliceOfN(weight, n, n).Draw(t, "weight"), integers(units, units, "bias")})
	p.Labels = make([]string, units)
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	return p
}

// genPair draws a pair of numbers from 1 to most, mostly equal.
func genPair(t *rapid.T, name string, most int) Pair {
	p := Both(rapid.IntRange(1, most).Draw(t, name))
	if rapid.IntRange(0, 3).Draw(t, name+" of its own") == 0 {
		p[1] = rapid.IntRange(1, most).Draw(t, name)
	}
	return p
}

// genSides draws paddings below the kernel, mostly equal.
func genSides(t *rapid.T, kernel Pair) Sides {
	s := Around(rapid.IntRange(0, min(kernel[0], kernel[1])-1).Draw(t, "padding"))
	if rapid.IntRange(0, 3).Draw(t, "uneven") == 0 {
		for d := range s {
			s[d] = rapid.IntRange(0, kernel[d%2]-1).Draw(t, "side")
		}
	}
	return s
}

// genTables draws tables that cover the range of p's last tensor, one or one a
// channel, or nil if that is too wide.
func genTables(t *rapid.T, p *Program, shape []int) *LookupTable {
	channels := rapid.SampledFrom([]int{1, shape[0]}).Draw(t, "tables")
	l := &LookupTable{Shift: uint8(rapid.IntRange(0, 6).Draw(t, "shift")), Tables: make([]Table, channels)}
	b, err := p.LastBounds()
	if err != nil {
		t.Fatal(err)
	}
	n := b.Lo.Len()
	for c := range channels {
		from, to := c*n/channels, (c+1)*n/channels
		r := Bounds{b.Lo.Slice(from, to), b.Hi.Slice(from, to)}.Range()
		if r.Bits() > 14 {
			return nil
		}
		table := &l.Tables[c]
		table.Lo = RoundShift(r.Lo.Int64(), l.Shift) - rapid.Int64Range(0, 2).Draw(t, "below")
		length := int(RoundShift(r.Hi.Int64(), l.Shift)-table.Lo) + 1 + rapid.IntRange(0, 2).Draw(t, "above")
		seed := rapid.Uint32().Draw(t, "values")
		for k := range length {
			seed = seed*1664525 + 1013904223
			table.Values = append(table.Values, int32(seed)>>(k%31))
		}
	}
	return l
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
