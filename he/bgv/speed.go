package bgv

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"qtool/bundle"
	"qtool/quant"
)

// Speed is how a machine compares with the cost model.
type Speed struct {
	// Factor is the core seconds that the machine takes for one of the model's.
	Factor  float64 `json:"factor"`
	Workers int     `json:"workers"`
	// Seconds is how long the fastest of the measured runs took.
	Seconds float64 `json:"measured_seconds"`
}

// MeasureSpeed takes the fastest of so many runs, as other work on the machine
// only ever adds to one; but no further run once so many seconds are spent.
const speedRuns, speedSeconds = 3, 1

// MeasureSpeed encrypts, evaluates and decrypts a full batch of a small network
// with a convolution, squares, a pool and dense layers, and compares the fastest
// of up to three runs with the cost model. It takes about a second.
func MeasureSpeed(ctx context.Context) (Speed, error) {
	p, err := speedProgram()
	if err != nil {
		return Speed{}, err
	}
	plan, err := NewPlan(ctx, p, Options{})
	if err != nil {
		return Speed{}, err
	}
	bytes := make([][]uint8, plan.Slots())
	r := rand.New(rand.NewPCG(1, 2))
	for i := range bytes {
		bytes[i] = make([]uint8, plan.inputs)
		for k := range bytes[i] {
			bytes[i][k] = uint8(r.UintN(256))
		}
	}
	samples := p.Input.Samples(bytes)
	s := Speed{Workers: runtime.GOMAXPROCS(0)}
	e := NewExecutor(p, plan)
	begun := time.Now()
	for i := 0; i < speedRuns && time.Since(begun).Seconds() < speedSeconds; i++ {
		start := time.Now()
		if _, err := e.Run(ctx, samples, nil); err != nil {
			return Speed{}, err
		}
		if took := time.Since(start).Seconds(); s.Seconds == 0 || took < s.Seconds {
			s.Seconds = took
		}
	}
	predicted, err := Predict(ctx, p, Options{Samples: len(samples)})
	if err != nil {
		return Speed{}, err
	}
	s.Factor = s.Seconds * float64(s.Workers) / predicted.Work
	return s, nil
}

// speedProgram is a network like the recipes' networks, only smaller: 4-bit
// inputs and weights, two squares in a row.
func speedProgram() (*bundle.Program, error) {
	q, err := quant.Affine(0, 1, 4)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(1, 1))
	weights := func(n int) []int32 {
		w := make([]int32, n)
		for i := range w {
			w[i] = int32(r.IntN(15) - 7)
		}
		return w
	}
	node := func(name string, op bundle.Op) bundle.Node {
		return bundle.Node{Name: name, Op: op, Scale: []float64{1}}
	}
	p := &bundle.Program{Input: bundle.Input{Shape: []int{1, 6, 6}, Quantizer: q}, Labels: make([]string, 4), Nodes: []bundle.Node{
		node("conv", &bundle.Conv2D{Outputs: 2, Channels: 1, Kernel: [2]int{3, 3}, Stride: bundle.Both(1), Weight: weights(18), Bias: bundle.Vec{Small: make([]int64, 2)}}),
		node("square1", bundle.Square()),
		node("pool", &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}),
		node("flatten", &bundle.Reshape{Shape: []int{8}}),
		node("fc1", &bundle.Dense{Units: 8, Inputs: 8, Weight: weights(64), Bias: bundle.Vec{Small: make([]int64, 8)}}),
		node("square2", bundle.Square()),
		node("fc2", &bundle.Dense{Units: 4, Inputs: 8, Weight: weights(32), Bias: bundle.Vec{Small: make([]int64, 4)}}),
	}}
	return p, p.Prove()
}
