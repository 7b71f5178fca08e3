// Package qat puts fake quantization into the training graph.
//
// A quantized tensor travels through the graph as its integers, held in
// float32: convolutions, squares and pools of them are then integer arithmetic,
// exact while every partial sum stays below 2^24, and the very integers that
// the exported program computes. Where they could pass the largest float32 they
// travel divided by a power of two. Only the logits are multiplied by their
// scale.
// Gradients pass the rounding straight through.
package qat

import (
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"qtool/calibrate"
	"qtool/model"
	"qtool/quant/bulk"
	"qtool/train"
	"qtool/train/op"
)

// Quantizer implements train.Quantizer for a quantized network.
type Quantizer struct {
	q         *model.Quantized
	options   Options
	scaling   []model.LayerScaling
	sources   [][]int
	tied      map[string]bool // layers whose scale follows another; see model.Tie
	follow    bool            // such scales are moved at each refresh
	coeffs    [][][]float32
	joins     [][]float32 // of every layer that joins others: a factor for each
	exponents []int       // exponent offset of each layer's tensor, and of the input before them
	folds     [][]float32 // of every layer: a factor an input, nil for all 1
	learned   []model.Tensor
	grids     []model.Tensor // of lookup-table activations, where options.Calibrate may move them
	// recurrences has, by a layer's index, the recurrence of a recurrent layer; nil elsewhere.
	recurrences []*recurrence
}

// Options say what of the quantizers training changes.
type Options struct {
	// Weights chooses the weights' scales before each step; nil leaves them.
	Weights model.Observer
	// Ranges says that Weights needs the ranges of the inputs that weights multiply.
	Ranges bool
	// Frozen replaces Weights once the scales are frozen; nil leaves them.
	Frozen model.Observer
	// Calibrate chooses all scales for parameters anew; nil where quantization is
	// not delayed.
	Calibrate func(p model.Parameters) (*model.Quantized, error)
	// Input, WeightScales and Activations say whose scales are learned.
	Input, WeightScales, Activations bool
}

// OptionsOf are the options that a recipe's quantize section asks for on network n.
func OptionsOf(c calibrate.Config, n *model.Network) Options {
	o := Options{Input: c.Learn.Input, WeightScales: c.Learn.Weights, Activations: c.Learn.Activations}
	if keep, bounds := c.WeightKeeper(n); bounds {
		o.Frozen, o.Ranges = keep, true
	}
	o.Weights = o.Frozen
	if !c.Learn.Weights {
		o.Weights, _ = c.WeightFollower(n)
	}
	return o
}

var _ train.Quantizer = (*Quantizer)(nil)

// New fake-quantizes q with its own fixed scales.
func New(q *model.Quantized) (*Quantizer, error) { return Training(q, Options{}) }

// Training fake-quantizes q and lets its scales change as options say.
func Training(q *model.Quantized, options Options) (*Quantizer, error) {
	sources, err := q.Network.Sources()
	if err != nil {
		return nil, err
	}
	exponents, err := exponentOffsets(q, sources)
	if err != nil {
		return nil, err
	}
	layers := len(q.Network.Layers)
	z := &Quantizer{
		q: q, options: options, sources: sources, exponents: exponents,
		coeffs: make([][][]float32, layers), folds: make([][]float32, layers), joins: make([][]float32, layers),
		recurrences: make([]*recurrence, layers),
	}
	if err := z.findTied(); err != nil {
		return nil, err
	}
	if err := z.Refresh(q.Params); err != nil {
		return nil, err
	}
	z.learn()
	z.watchGrids()
	return z, nil
}

// findTied lists the tied layers, and says whether what they are tied to moves.
func (z *Quantizer) findTied() error {
	n := z.q.Network
	tied, err := n.Tied()
	if err != nil {
		return err
	}
	o := z.options
	moves := o.Weights != nil || o.Calibrate != nil || o.Input || o.WeightScales || o.Activations ||
		slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Trainable })
	z.tied = map[string]bool{}
	for i, t := range tied {
		if t {
			z.tied[n.Layers[i].Name] = true
			z.follow = moves
		}
	}
	return nil
}

// Refresh implements train.Quantizer.
func (z *Quantizer) Refresh(p model.Parameters) error {
	z.q.Params = p
	z.takeGrids()
	z.takeLearned()
	var err error
	switch {
	case z.options.Weights != nil:
		z.scaling, err = z.q.Calibrate(z.options.Weights, z.options.Ranges)
	case z.follow:
		z.scaling, err = z.q.Calibrate(model.Keep, false)
	default:
		z.scaling, err = z.q.Scaling()
	}
	if err != nil {
		return err
	}
	for i := range z.scaling {
		rows := make([][]float32, len(z.scaling[i].Coeffs))
		for c, row := range z.scaling[i].Coeffs {
			for k, a := range row {
				rows[c] = append(rows[c], float32(math.Ldexp(a, k*z.offsetIn(i)-z.exponents[i+1])))
			}
		}
		z.coeffs[i] = rows
		z.refreshJoin(i)
		z.refreshFold(i)
	}
	return z.refreshRecurrences()
}

// Freeze implements train.Quantizer.
func (z *Quantizer) Freeze() { z.options.Weights = z.options.Frozen }

// Quantized is the network with its scales as last refreshed.
func (z *Quantizer) Quantized() *model.Quantized { return z.q }

// Input implements train.Quantizer.
func (z *Quantizer) Input(x *G.Node, s train.Scales) (*G.Node, error) {
	if p := &z.q.Input; z.q.Network.ReadsWords() { // vectors of words are trained behind it
		return op.FakeQuantize("input", x, op.Quantizer{
			Codes: func(dst, x []float32) { bulk.Codes(*p, dst, x) },
			Grad:  func(dx, x, dcode []float32) { pass(dx, x, dcode, *p, 1/p.Scale) },
		})
	}
	return op.FakeQuantize("input", x, op.Quantizer{
		Codes: func(dst, x []float32) { bulk.Grid(z.q.Input).Quantize(dst, x) }, Scale: s[train.InputScale],
		ScaleGradient: func(dst, x, dcode []float32) { dst[0] = float32(bulk.ScaleGradient(z.q.Input, x, dcode)) },
	})
}

// Weights implements train.Quantizer.
func (z *Quantizer) Weights(i int, w, b *G.Node, s train.Scales) (*G.Node, *G.Node, error) {
	name := z.q.Network.Layers[i].Name
	w, err := op.FakeQuantize(name+".weight", w, z.weights(i, w.Shape()[0], s[name+weightScale]))
	if err != nil || z.scaling[i].Deferred {
		return w, nil, err
	}
	b, err = op.FakeQuantize(name+".bias", b, op.Quantizer{
		Codes: func(dst, x []float32) {
			codes := make([]float64, len(x))
			z.scaling[i].BiasCodes(codes, x)
			for o, c := range codes {
				dst[o] = float32(math.Ldexp(c, -z.exponents[i+1]))
			}
		},
		Grad: func(dx, _, dy []float32) {
			out := z.scaling[i].Out
			if z.q.Network.ReadsWords() { // divided, as the first of these networks were trained
				for o, g := range dy {
					dx[o] = g / float32(math.Ldexp(out[o%len(out)], z.exponents[i+1]))
				}
				return
			}
			for o, g := range dy {
				dx[o] = float32(math.Ldexp(1/out[o%len(out)], -z.exponents[i+1])) * g
			}
		},
	})
	return w, b, err
}

// Coefficients implements train.Quantizer.
func (z *Quantizer) Coefficients(i int) func() [][]float32 {
	return func() [][]float32 { return z.coeffs[i] }
}

// RealScales implements train.Quantizer.
func (z *Quantizer) RealScales(i int) (in, out []float64) {
	return offsetScales(z.inScales(i), z.offsetIn(i)), offsetScales(z.scaling[i].Out, z.exponents[i+1])
}

// inScales are the scales of what layer i reads first, offsetIn its exponent offset.
func (z *Quantizer) inScales(i int) []float64 {
	if from := z.sources[i][0]; from != model.Input {
		return z.scaling[from].Out
	}
	return []float64{float64(z.q.Input.Scale)}
}

func (z *Quantizer) offsetIn(i int) int { return z.exponents[z.sources[i][0]+1] }

// refreshJoin makes the factors of layer i, if it joins others: the weights of a
// sum, and what takes each input's exponent offset to the layer's.
func (z *Quantizer) refreshJoin(i int) {
	l := z.q.Network.Layers[i]
	if l.Type != model.Add && l.Type != model.Concat {
		return
	}
	factors := make([]float32, len(z.sources[i]))
	for k, from := range z.sources[i] {
		weight := 1.0
		if l.Type == model.Add {
			weight = z.scaling[i].Weights[k]
		}
		factors[k] = float32(math.Ldexp(weight, z.exponents[from+1]-z.exponents[i+1]))
	}
	z.joins[i] = factors
}

// Join implements train.Quantizer.
func (z *Quantizer) Join(i int) func() []float32 {
	return func() []float32 { return z.joins[i] }
}

// PoolFactor implements train.Quantizer: integers are summed, the divisor is in
// the scale.
func (z *Quantizer) PoolFactor(int) float32 { return 1 }

// Logits implements train.Quantizer.
func (z *Quantizer) Logits(x *G.Node) (*G.Node, error) {
	last := len(z.scaling) - 1
	return op.Scale(x, func() []float64 { return offsetScales(z.scaling[last].Out, z.exponents[last+1]) })
}
