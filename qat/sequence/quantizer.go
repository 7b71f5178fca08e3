// Package sequence inserts fake quantization into the training of networks that
// read sentences, and chooses their scales.
package sequence

import (
	"context"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"qtool/calibrate"
	"qtool/model"
	"qtool/model/sequence"
	"qtool/quant"
	"qtool/quant/bulk"
	"qtool/train/op"
	train "qtool/train/sequence"
)

// Config says how a network is quantized.
type Config struct {
	WeightBits, InputBits, StateBits int
	WeightKind                       string // how weight scales are chosen, see calibrate.WeightConfig
	// AccumulatorBits bounds the proved range of every gate's accumulator, which is
	// its table's domain, to 2^bits integers; 0 does not.
	AccumulatorBits int
	CellRange       int
	Fraction        int // bits behind the point of polynomial states
}

// Quantizer implements train/sequence.Quantizer for a network that it owns.
type Quantizer struct {
	q      *sequence.Quantized
	config Config
	frozen bool
	tables sequence.Tables
	folded []float32
}

// Start quantizes a float network: the input's scale is the MSE optimum over the
// samples' inputs, and Refresh chooses those of the weights.
func Start(ctx context.Context, n *sequence.Network, p model.Parameters, c Config, samples []train.Sample) (*Quantizer, error) {
	q := &sequence.Quantized{Network: n, Params: p.Clone()}
	family := sequence.LinearFamily
	if n.Cell == sequence.LSTM {
		family = sequence.TableFamily
		if n.Gates != nil {
			family = sequence.PolynomialFamily
		}
	}
	z := &Quantizer{q: q, config: c}
	x, err := train.Inputs(ctx, n, p, samples)
	if err != nil {
		return nil, err
	}
	s, err := calibrate.WeightConfig{Bits: c.InputBits, Kind: "mse"}.Scales("input", x, 1)
	if err != nil {
		return nil, err
	}
	if family == sequence.PolynomialFamily {
		// It reaches nearly all values, and powers of two need shifts alone.
		s[0] = powerOfTwo(s[0])
	}
	q.Quantizers = sequence.Quantizers{
		Input:      quant.Params{Scale: s[0], Bits: quant.BitWidth(c.InputBits), Signed: true},
		WeightBits: quant.BitWidth(c.WeightBits), Family: family,
	}
	switch family {
	case sequence.TableFamily:
		q.Quantizers.StateBits, q.Quantizers.CellRange = quant.BitWidth(c.StateBits), c.CellRange
	case sequence.PolynomialFamily:
		q.Quantizers.Fraction = c.Fraction
	}
	return z, z.Refresh(q.Params)
}

// New continues with a network that has its scales, which stay as they are.
func New(q *sequence.Quantized) (*Quantizer, error) {
	if err := q.Network.Check(q.Params); err != nil {
		return nil, err
	}
	if err := q.Quantizers.Validate(q.Network); err != nil {
		return nil, err
	}
	z := &Quantizer{q: q, frozen: true}
	return z, z.Refresh(q.Params)
}

// Quantized is the network with its scales and the parameters of the last Refresh.
func (z *Quantizer) Quantized() *sequence.Quantized { return z.q }

// Freeze implements train/sequence.Quantizer.
func (z *Quantizer) Freeze() { z.frozen = true }

// Refresh implements train/sequence.Quantizer. A bound on the accumulators holds
// even where the scales are frozen.
func (z *Quantizer) Refresh(p model.Parameters) error {
	z.q.Params = p
	if err := z.scales(); err != nil {
		return err
	}
	if err := z.q.Quantizers.Validate(z.q.Network); err != nil {
		return err
	}
	if z.q.Quantizers.Family == sequence.TableFamily {
		z.tables.Update(z.q)
	}
	return nil
}

// scales chooses those of the weights.
func (z *Quantizer) scales() error {
	n, q := z.q.Network, &z.q.Quantizers
	if z.frozen && z.config.AccumulatorBits == 0 {
		return nil
	}
	c := calibrate.WeightConfig{Bits: int(q.WeightBits), Kind: z.config.WeightKind}
	if !z.frozen {
		s, err := c.Scales("output", z.q.Params.Get("output.weight"), 1)
		if err != nil {
			return err
		}
		q.Output = s[0]
	}
	if n.Cell != sequence.LSTM {
		return nil
	}
	row := n.Inputs + n.Hidden
	if z.folded == nil {
		z.folded = make([]float32, 4*n.Hidden*row)
	}
	z.q.Folded(z.folded)
	o := model.Observation{Layer: model.Layer{Name: "lstm"}, Folded: z.folded, Outputs: 4 * n.Hidden, Bits: q.WeightBits, Window: 1, InScale: 1}
	for k := range row {
		lo, hi := float64(q.Input.QMin()), float64(q.Input.QMax())
		if k >= n.Inputs {
			hi = float64(int(1)<<(q.StateBits-1) - 1)
			lo = -hi
		}
		o.Lo, o.Hi = append(o.Lo, lo), append(o.Hi, hi)
	}
	choose := func(o model.Observation) ([]float32, error) {
		if z.frozen {
			return q.Rows, nil
		}
		c.PerChannel = true
		return c.Scales("lstm", o.Folded, o.Outputs)
	}
	if q.Family == sequence.PolynomialFamily && !z.frozen {
		one, err := c.Scales("lstm", z.folded, 1)
		if err != nil {
			return err
		}
		q.Rows = slices.Repeat([]float32{powerOfTwo(one[0])}, o.Outputs)
		return nil
	}
	bound := calibrate.AccumulatorConfig{Bits: z.config.AccumulatorBits}
	if q.Family != sequence.TableFamily {
		bound.Bits = 0
	}
	rows, err := calibrate.Bounded(choose, func(string) calibrate.AccumulatorConfig { return bound })(o)
	q.Rows = rows
	return err
}

// powerOfTwo is the least power of two that is at least s.
func powerOfTwo(s float32) float32 {
	f, e := math.Frexp(float64(s))
	if f == 0.5 {
		e--
	}
	return float32(math.Ldexp(1, e))
}

// real says that the graph carries fake-quantized reals, not integers.
func (z *Quantizer) real() bool { return z.q.Quantizers.Family == sequence.PolynomialFamily }

// factor is 1 where integers are carried, else the scale.
func (z *Quantizer) factor(scale float32) float32 {
	if z.real() {
		return scale
	}
	return 1
}

// Input implements train/sequence.Quantizer.
func (z *Quantizer) Input(x *G.Node) (*G.Node, error) {
	p := z.q.Quantizers.Input
	f := z.factor(p.Scale)
	return op.FakeQuantize("input", x, op.Quantizer{
		Codes: func(dst, x []float32) {
			bulk.Codes(p, dst, x)
			multiply(dst, f)
		},
		Grad: func(dx, x, dcode []float32) { pass(dx, x, dcode, p, f/p.Scale) },
	})
}

// Codes is the input that a client sends, of integers, as the graph carries it.
func (z *Quantizer) Codes(dst []float32) { multiply(dst, z.factor(z.q.Quantizers.Input.Scale)) }

// pass is the straight-through gradient: factor where x is inside p's grid.
func pass(dx, x, dcode []float32, p quant.Params, factor float32) {
	if !p.Binary() {
		bulk.Grid(p).QuantizeGrad(dx, x, dcode, factor)
		return
	}
	for i, v := range x {
		dx[i] = 0
		if p.Inside(v) {
			dx[i] = factor * dcode[i]
		}
	}
}

func multiply(x []float32, f float32) {
	if f != 1 {
		for i := range x {
			x[i] *= f
		}
	}
}

// Weights implements train/sequence.Quantizer.
func (z *Quantizer) Weights(w, u, b *G.Node) (*G.Node, *G.Node, *G.Node, error) {
	q := &z.q.Quantizers
	var err error
	input, hidden := q.Folds()
	if w, err = z.rows("input-weights", w, input); err != nil {
		return nil, nil, nil, err
	}
	if u, err = z.rows("hidden-weights", u, hidden); err != nil {
		return nil, nil, nil, err
	}
	if !z.real() {
		b, err = op.Deferred(b)
	}
	return w, u, b, err
}

// rows quantizes weights [4H, I] that meet values of the given scale.
func (z *Quantizer) rows(name string, w *G.Node, scale float32) (*G.Node, error) {
	size := w.Shape()[1]
	q := &z.q.Quantizers
	var folded []float32
	fold := func(w []float32) []float32 {
		folded = append(folded[:0], w...)
		multiply(folded, scale)
		return folded
	}
	each := func(f func(from, to int, p quant.Params)) {
		for r, s := range q.Rows {
			f(r*size, (r+1)*size, q.Weight(s))
		}
	}
	return op.FakeQuantize(name, w, op.Quantizer{
		Codes: func(dst, w []float32) {
			w = fold(w)
			each(func(from, to int, p quant.Params) {
				bulk.Codes(p, dst[from:to], w[from:to])
				multiply(dst[from:to], z.factor(p.Scale/scale))
			})
		},
		Grad: func(dw, w, dcode []float32) {
			w = fold(w)
			each(func(from, to int, p quant.Params) {
				pass(dw[from:to], w[from:to], dcode[from:to], p, z.factor(p.Scale/scale)*scale/p.Scale)
			})
		},
	})
}

// Cell implements train/sequence.Quantizer.
func (z *Quantizer) Cell() op.Cell {
	if z.real() {
		return nil
	}
	return op.TableCell{Tables: &z.tables}
}

// Output implements train/sequence.Quantizer.
func (z *Quantizer) Output(w, b *G.Node) (*G.Node, *G.Node, error) {
	q := &z.q.Quantizers
	wq, err := op.FakeQuantize("output-weights", w, op.Quantizer{
		Codes: func(dst, w []float32) {
			q.Weight(q.Output).Codes(dst, w)
			multiply(dst, z.factor(q.Output))
		},
		Grad: func(dw, w, dcode []float32) { pass(dw, w, dcode, q.Weight(q.Output), z.factor(q.Output)/q.Output) },
	})
	if err != nil {
		return nil, nil, err
	}
	bq, err := op.FakeQuantize("output-bias", b, op.Quantizer{
		Codes: func(dst, _ []float32) {
			_, bias := z.q.OutputCodes()
			dst[0] = float32(bias)
			if z.real() {
				dst[0] = float32(bias * z.q.LogitScale())
			}
		},
		Grad: func(db, _, dcode []float32) {
			db[0] = dcode[0]
			if !z.real() {
				db[0] /= float32(z.q.LogitScale())
			}
		},
	})
	return wq, bq, err
}

// Logits implements train/sequence.Quantizer.
func (z *Quantizer) Logits(x *G.Node) (*G.Node, error) {
	if z.real() {
		return x, nil
	}
	return op.Scale(x, func() []float64 { return []float64{z.q.LogitScale()} })
}

var _ train.Quantizer = (*Quantizer)(nil)
