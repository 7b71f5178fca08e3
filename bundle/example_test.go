package bundle_test

import (
	"context"
	"fmt"
	"log"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/quant"
)

// A bundle needs nothing beside it: it says what it takes, runs on plain integers and
// names the answer.
func Example() {
	f, err := bundle.ReadFile("../he/choose/testdata/digits.qb")
	if err != nil {
		log.Fatal(err)
	}
	d, err := datasets.Load(context.Background(), "digits", datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	r, err := bundle.NewRunner(f.Program)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range f.Program.Input.Samples([][]uint8{d.Test.Image(0), d.Test.Image(1)}) {
		logits, err := r.Run(s.Vec(), nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Program.Labels[f.Program.Output().Argmax(logits)])
	}
	// Output:
	// 0
	// 8
}

// A residual block: the sum of a tensor and of a dense map of it, at scales that meet.
func ExampleProgram() {
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{2}, Quantizer: quant.Params{Scale: 1.0 / 15, Bits: 4}},
		Nodes: []bundle.Node{
			{Name: "square", Op: bundle.Square(), Scale: []float64{1.0 / 225}},
			{Name: "fc", Op: &bundle.Dense{Units: 2, Inputs: 2, Weight: []int32{1, -2, 0, 3}, Bias: bundle.Vec{Small: []int64{0, 5}}}, Scale: []float64{1.0 / 450}},
			{Name: "sum", Op: &bundle.Add{Weights: []int32{2, 1}}, Inputs: []string{"square", "fc"}, Scale: []float64{1.0 / 450}},
		},
		Labels: []string{"no", "yes"},
	}
	if err := p.Prove(); err != nil {
		fmt.Println(err)
		return
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	logits, err := r.Run(p.Input.Quantize([]uint8{255, 34}), nil)
	fmt.Println(logits, p.Labels[p.Output().Argmax(logits)], err)
	fmt.Println(p.Output().Range)

	p.Nodes[2].Scale[0] = 1.0 / 500
	fmt.Println(p.Check())
	// Output:
	// [667 25] no <nil>
	// [-450, 1130]
	// bundle: layer "sum": channel 0 of its input "square" has the scale 0.0044444444444444444, which its weight 2 and its own scale 0.002 do not meet: want 0.004
}

// A maximum of two rows of a picture, with tables in the place of the pool.
func ExampleProgram_LowerMaxPool() {
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{1, 2, 2}, Quantizer: quant.Params{Scale: 1.0 / 15, Bits: 4}},
		Nodes: []bundle.Node{
			{Name: "pool", Op: &bundle.MaxPool{Kernel: bundle.Pair{2, 1}, Stride: bundle.Both(1)}, Scale: []float64{float64(float32(1.0 / 15))}},
			{Name: "flat", Op: &bundle.Reshape{Shape: []int{2}}, Scale: []float64{1.0 / 15}},
		},
		Labels: []string{"left", "right"},
	}
	if err := p.Prove(); err != nil {
		fmt.Println(err)
		return
	}
	lowered, origin, err := p.LowerMaxPool()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, n := range lowered.Nodes {
		fmt.Println(p.Nodes[origin[i]].Name, n.Name, n.Kind(), n.Inputs, n.Range)
	}
	// Output:
	// pool pool.0 Conv2D [input] [0, 15]
	// pool pool.1 Conv2D [input] [0, 15]
	// pool pool.2 Add [pool.0 pool.1] [-15, 15]
	// pool pool.3 LookupTable [pool.2] [0, 15]
	// pool pool Add [pool.1 pool.3] [0, 15]
	// flat flat Reshape [pool] [0, 15]
}
