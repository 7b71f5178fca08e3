package tfhe

import (
	"context"
	"fmt"
	"time"

	"qtool/bundle"
	"qtool/quant"
)

// maxMeasuredBits is the widest table that MeasureTable looks up in.
const maxMeasuredBits = 8

// MeasureTable makes a client and its keys for tables of 2^bits values each, and returns
// a function that says how long a look-up takes on one core, in batches as a layer of many
// look-ups has them. The tables have no symmetry, so that the message space serves any
// table; they read values of the same width, among them results of other look-ups; a
// look-up fails with a probability of at most 2^LivingLogFailure; and the parameters are
// those that a plan of such a program chooses. It returns an error for bits outside 1..8.
func MeasureTable(ctx context.Context, bits int) (measure func(context.Context) (time.Duration, error), err error) {
	if bits < 1 || bits > maxMeasuredBits {
		return nil, fmt.Errorf("tfhe: a table for %d bits, want 1..%d", bits, maxMeasuredBits)
	}
	p, err := tableProgram(bits, 16)
	if err != nil {
		return nil, err
	}
	plan, err := NewPlan(ctx, p, Options{LogLookupFailure: LivingLogFailure, Workers: 1})
	if err != nil {
		return nil, err
	}
	return plan.MeasureLookups(ctx)
}

// tableProgram looks every one of so many values of some bits up twice, one after the
// other, in tables of all their values.
func tableProgram(bits, width int) (*bundle.Program, error) {
	size := int64(1) << bits
	table := &bundle.LookupTable{}
	for k := range width {
		// A quadratic function has no symmetry that a smaller message space could use.
		t := bundle.Table{Values: make([]int32, size)}
		for i := range t.Values {
			x := int64(i)
			t.Values[i] = int32((x*5 + x*x/8 + int64(k)) % size)
		}
		t.Values[0], t.Values[1] = int32(size-1), 0
		table.Tables = append(table.Tables, t)
	}
	same := func() *bundle.Dense {
		d := &bundle.Dense{Inputs: width, Units: width, Weight: make([]int32, width*width), Bias: bundle.Vec{Small: make([]int64, width)}}
		for i := range width {
			d.Weight[i*width+i] = 1
		}
		return d
	}
	p := &bundle.Program{Input: bundle.Input{Shape: []int{width}, Quantizer: quant.Params{Bits: quant.BitWidth(bits), Scale: 1 / float32(size-1)}}}
	for i, op := range []bundle.Op{same(), table, same(), table, same()} {
		p.Nodes = append(p.Nodes, bundle.Node{Name: fmt.Sprintf("step%d", i), Op: op, Scale: []float64{1}})
	}
	for range width {
		p.Labels = append(p.Labels, "value")
	}
	if err := p.Prove(); err != nil {
		return nil, fmt.Errorf("tfhe: program of tables for %d bits: %w", bits, err)
	}
	return p, nil
}
