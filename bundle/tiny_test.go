package bundle

import "qtool/quant"

// tinyProgram has every operation of schema 1, by hand. The input grid is -2..13.
func tinyProgram() *Program {
	node := func(name string, op Op, bits quant.BitWidth, scale ...float64) Node {
		return Node{Name: name, Op: op, Scale: scale, Bits: bits}
	}
	p := &Program{
		Input: Input{Shape: []int{1, 3, 3}, Quantizer: quant.Params{Scale: 0.0625, ZeroPoint: 2, Bits: 4}},
		Nodes: []Node{
			node("conv", &Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{2, 2}, Stride: Both(1), Padding: Around(1), Weight: []int32{1, -2, 0, 3, 7, -7, 1, 0}, Bias: Vec{Small: []int64{5, -300}}}, 4, 0.5, 0.25),
			node("poly", &Polynomial{[]Vec{{Small: []int64{0, 0, 1}}, {Small: []int64{-9, 2, 1}}}}, 0, 0.25, -0.0625),
			node("pool", &SumPool{Kernel: Both(2), Stride: Both(2)}, 0, 0.0625, -0.015625),
			node("flat", &Reshape{[]int{8}}, 0, 0.0625, 0.0625, 0.0625, 0.0625, -0.015625, -0.015625, -0.015625, -0.015625),
			node("fc", &Dense{3, 8, []int32{1, 2, 3, 4, -5, 6, 7, -7, 0, 0, 1, 0, 0, -1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 15}, Vec{Small: []int64{1 << 40, -7, -1 << 40}}}, 5, 0.125),
		},
		Labels: []string{"no", "yes", "maybe"},
	}
	if err := p.Prove(); err != nil {
		panic(err)
	}
	for i := range p.Nodes {
		p.Nodes[i].Seen = p.Nodes[i].Range
	}
	return p
}
