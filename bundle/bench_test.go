package bundle

import (
	"math/rand/v2"
	"testing"

	"qtool/quant"
)

// BenchmarkRun is the reference interpreter on one core: LeNet-1 with squares
// and a fully connected 784-128-64-10, both with 4-bit weights.
func BenchmarkRun(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	weights := func(n int) []int32 {
		w := make([]int32, n)
		for i := range w {
			w[i] = int32(r.IntN(15) - 7)
		}
		return w
	}
	conv := func(outputs, channels int) Op {
		return &Conv2D{Outputs: outputs, Channels: channels, Kernel: Both(5), Stride: Both(1), Weight: weights(outputs * channels * 25), Bias: Vec{Small: make([]int64, outputs)}}
	}
	dense := func(units, inputs int) Op {
		return &Dense{units, inputs, weights(units * inputs), Vec{Small: make([]int64, units)}}
	}
	for _, net := range []struct {
		name string
		ops  []Op
	}{
		{"lenet1", []Op{conv(4, 1), Square(), &SumPool{Kernel: Both(2), Stride: Both(2)}, conv(12, 4), Square(), &SumPool{Kernel: Both(2), Stride: Both(2)}, &Reshape{[]int{192}}, dense(10, 192)}},
		{"fc", []Op{&Reshape{[]int{784}}, dense(128, 784), Square(), dense(64, 128), Square(), dense(10, 64)}},
	} {
		p := &Program{Input: Input{Shape: []int{1, 28, 28}, Quantizer: quant.Params{Scale: 1.0 / 15, Bits: 4}}, Labels: make([]string, 10)}
		for i, op := range net.ops {
			p.Nodes = append(p.Nodes, Node{Name: string(rune('a' + i)), Op: op, Scale: []float64{1}})
		}
		image := make([]uint8, 784)
		for i := range image {
			image[i] = uint8(r.IntN(256))
		}
		b.Run(net.name, func(b *testing.B) {
			if err := p.Prove(); err != nil {
				b.Fatal(err)
			}
			run, err := NewRunner(p)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := run.Run(p.Input.Quantize(image), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
