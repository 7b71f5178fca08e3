package bundle

import (
	"math/big"
	"strings"
	"testing"
)

func TestProgramErrors(t *testing.T) {
	weights := func(n int) []int32 { return make([]int32, n) }
	replace := func(i int, op Op) func(*Program) { return func(p *Program) { p.Nodes[i].Op = op } }
	for _, c := range []struct {
		change func(*Program)
		want   string
	}{
		{func(p *Program) { p.Input.Shape = nil }, "input: shape [] has 0 dimensions"},
		{func(p *Program) { p.Input.Shape = []int{1, 0, 3} }, "input: shape [1 0 3]"},
		{func(p *Program) { p.Input.Shape = []int{1 << 12, 1 << 12, 2} }, "at most 1048576 elements"},
		{func(p *Program) { p.Input.Quantizer.Scale = 0 }, "input quantizer: scale 0"},
		{func(p *Program) { p.Nodes = nil }, "0 operations, want 1..4096"},
		{func(p *Program) { p.Nodes = make([]Node, 4097) }, "4097 operations"},
		{func(p *Program) { p.Nodes[1].Name = "conv" }, `layer 1: name "conv" is empty, reserved or used twice`},
		{func(p *Program) { p.Nodes[0].Name = "input" }, `name "input"`},
		{func(p *Program) { p.Nodes[0].Name = "" }, `name ""`},
		{func(p *Program) { p.Labels = []string{"one"} }, `layer "fc": output shape [3] for 1 labels`},
		{func(p *Program) { p.Nodes[2].Shape = []int{2, 2, 3} }, `layer "pool": shape [2 2 3], inferred [2 2 2]`},
		{func(p *Program) { p.Nodes[2].Shape = []int{2, 2} }, `layer "pool": shape [2 2], inferred`},
		{func(p *Program) { p.Nodes[1].Range.Hi = new(big.Int).Add(p.Nodes[1].Range.Hi, big.NewInt(1)) }, `layer "poly": range [`},
		{replace(0, &Conv2D{Outputs: 2, Channels: 2, Kernel: [2]int{2, 2}, Stride: Both(1), Weight: weights(16), Bias: Vec{Small: make([]int64, 2)}}), `layer "conv": conv2d of 2 channels on shape [1 3 3]`},
		{replace(0, &Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{2, 2}, Stride: Both(1), Weight: weights(7), Bias: Vec{Small: make([]int64, 2)}}), `7 weights for shape [2 1 2 2]`},
		{replace(0, &Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{2, 2}, Stride: Both(1), Weight: weights(8), Bias: Vec{Small: make([]int64, 1)}}), `1 biases for 2 outputs`},
		{replace(0, &Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{2, 2}, Stride: Both(0), Weight: weights(8), Bias: Vec{Small: make([]int64, 2)}}), `stride 0 is outside`},
		{replace(0, &Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{2, 2}, Stride: Both(1), Padding: Around(2), Weight: weights(8), Bias: Vec{Small: make([]int64, 2)}}), `padding 2 is outside`},
		{replace(0, &Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{4, 1}, Stride: Both(1), Weight: weights(8), Bias: Vec{Small: make([]int64, 2)}}), `kernel 4 does not fit the padded input size 3`},
		{replace(0, &Conv2D{Outputs: 0, Channels: 1, Kernel: [2]int{2, 2}, Stride: Both(1)}), `shape [0 1 2 2]`},
		{replace(0, &SumPool{Kernel: Both(4), Stride: Both(1)}), `layer "conv": kernel 4 does not fit`},
		{replace(0, &SumPool{Kernel: Both(0), Stride: Both(1)}), `kernel 0 does not fit`},
		{replace(0, &SumPool{Kernel: Both(2), Stride: Both(0)}), `stride 0`},
		{replace(0, &Dense{1, 9, weights(9), Vec{Small: make([]int64, 1)}}), `layer "conv": dense of 9 inputs on shape [1 3 3]`},
		{replace(3, &Reshape{[]int{7}}), `layer "flat": reshape of [2 2 2] to [7]: element counts differ`},
		{replace(3, &Reshape{nil}), `layer "flat": reshape`},
		{replace(1, &Polynomial{[]Vec{{Small: []int64{1}}}}), `layer "poly": channel 0`},
		{func(p *Program) {
			p.Input.Shape = []int{1, 1 << 8, 1 << 8}
			p.Nodes[0].Op = &SumPool{Kernel: Both(1 << 7), Stride: Both(1)}
		}, `layer "conv": its 16641 outputs of 16384 terms bring the program above 33554432`},
	} {
		p := tinyProgram()
		c.change(p)
		if err := p.Check(); err == nil || !strings.HasPrefix(err.Error(), "bundle: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if r, err := NewRunner(p); err == nil || r != nil {
			t.Errorf("a runner for a program with %q", c.want)
		}
	}
	if err := tinyProgram().Check(); err != nil {
		t.Errorf("the unchanged program: %v", err)
	}
}

// A chain of squares doubles the bits at every step; the proof stops it.
func TestRangeBitsAreBounded(t *testing.T) {
	p := tinyProgram()
	p.Nodes = p.Nodes[:0]
	for i := range 12 {
		p.Nodes = append(p.Nodes, Node{Name: string(rune('a' + i)), Op: Square(), Scale: []float64{1}})
	}
	if err := p.Prove(); err == nil || !strings.Contains(err.Error(), "bits passes the limit of 4096") {
		t.Errorf("error %v for 13^(2^12)", err)
	}
}

func TestInputCodes(t *testing.T) {
	p := tinyProgram() // scale 1/16, zero point 2, grid 0..15
	codes := p.Input.Codes()
	for b, want := range map[int]int64{0: 0, 255: 13, 16: 1, 8: 1, 7: 0, 128: 8} {
		if codes[b] != want {
			t.Errorf("byte %d is %d, want %d", b, codes[b], want)
		}
	}
	if got := p.Input.Quantize([]uint8{0, 255, 16}); !got.Equal(Vec{Small: []int64{0, 13, 1}}) {
		t.Errorf("image quantizes to %v", got)
	}
}
