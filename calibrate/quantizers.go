package calibrate

import (
	"fmt"
	"slices"

	"qtool/model"
	"qtool/quant"
)

// ActivationConfig is the grid of the outputs of lookup-table activations; 0 bits
// means that the network has none.
type ActivationConfig struct {
	// InputConfig without an observer has minmax.
	InputConfig `yaml:",inline"`
	// Symmetric makes the grid signed, narrow and centred on 0 instead of affine.
	Symmetric bool `yaml:"symmetric" json:"symmetric"`
}

// LayerConfig overrides what one layer gets. Bits is the width of its weights, or
// of a lookup-table activation's outputs; 0 leaves them.
type LayerConfig struct {
	Bits        int                `yaml:"bits" json:"bits"`
	Accumulator *AccumulatorConfig `yaml:"accumulator" json:"accumulator,omitempty"`
}

// LearnConfig says which scales quantization-aware training learns (LSQ); the
// others stay, or follow their observer where they belong to weights.
type LearnConfig struct {
	Weights     bool `yaml:"weights" json:"weights"`
	Input       bool `yaml:"input" json:"input"`
	Activations bool `yaml:"activations" json:"activations"`
}

// Validate returns an error that names the key, the value and the limit.
func (c ActivationConfig) Validate() error {
	if c.Bits == 0 {
		if c.Symmetric || c.Observer != "" || c.Percentile != 0 || c.Bins != 0 {
			return fmt.Errorf("activations.bits: they are 0, so that no other key of activations means anything")
		}
		return nil
	}
	if c.Symmetric && c.Bits == 1 {
		return fmt.Errorf("activations.symmetric: 1 bit is too few for a grid with 0 in its middle")
	}
	if err := c.withDefault().InputConfig.Validate(); err != nil {
		return fmt.Errorf("activations.%w", err)
	}
	return nil
}

func (c ActivationConfig) withDefault() ActivationConfig {
	if c.Observer == "" {
		c.Observer = "minmax"
	}
	return c
}

// Quantizer chooses the quantizer of a layer's outputs; see
// InputConfig.Quantizer. A symmetric grid just reaches the end of the observed
// range that is further from 0.
func (c ActivationConfig) Quantizer(layer string, batches func(yield func([]float32) bool)) (quant.Params, error) {
	name, c := fmt.Sprintf("layer %q", layer), c.withDefault()
	if !c.Symmetric {
		return c.InputConfig.Quantizer(name, batches)
	}
	lo, hi, err := c.observe(batches)
	var p quant.Params
	if err == nil {
		p, err = quant.Symmetric(max(-lo, hi), quant.BitWidth(c.Bits))
	}
	if err != nil {
		return quant.Params{}, fmt.Errorf("calibrate: %s: %w", name, err)
	}
	return p, nil
}

// CheckNetwork returns an error if a key of c cannot apply to n: no setting is
// silently ignored.
func (c Config) CheckNetwork(n *model.Network) error {
	tables := n.Tables()
	if tables && c.Activations.Bits == 0 {
		i := slices.IndexFunc(n.Layers, func(l model.Layer) bool { return l.LookupTable() || l.TableCell() })
		l := n.Layers[i]
		return fmt.Errorf("layer %q (%s): %w: give activations.bits", l.Name, l.Type, model.ErrNeedsTable)
	}
	if !tables && (c.Activations.Bits != 0 || c.Learn.Activations) {
		return fmt.Errorf("activations: the network has no activation with a quantizer of its own, since polynomials pass integers on")
	}
	if err := c.checkRecurrent(n); err != nil {
		return err
	}
	for name, o := range c.Layers {
		i := slices.IndexFunc(n.Layers, func(l model.Layer) bool { return l.Name == name })
		switch {
		case i < 0:
			return fmt.Errorf("layers.%s: the network has no such layer", name)
		case !weighs(n.Layers[i]) && !n.Layers[i].LookupTable():
			return fmt.Errorf("layers.%s: a %s layer has neither weights nor a quantizer", name, n.Layers[i].Type)
		case o.Accumulator != nil && !n.Layers[i].Weighted() && !n.Layers[i].TableCell():
			return fmt.Errorf("layers.%s.accumulator: a %s layer has no accumulator", name, n.Layers[i].Type)
		}
		if o.Bits != 0 {
			if err := c.checkOverride(n.Layers[i], o.Bits); err != nil {
				return fmt.Errorf("layers.%s.bits: %w", name, err)
			}
		}
		if o.Accumulator != nil {
			if err := o.Accumulator.Validate(); err != nil {
				return fmt.Errorf("layers.%s.%w", name, err)
			}
		}
	}
	for i, l := range n.Layers {
		if l.Type == model.Sign && c.Activation(l.Name).Bits == 1 {
			return fmt.Errorf("layer %q (sign): activations.bits: a grid of 1 bit holds 0 and one other value, not -1 and +1: want 2 bits or more", l.Name)
		}
		if a := c.accumulator(n, l.Name); a.Shift > 0 && n.TableAfter(i) < 0 {
			return fmt.Errorf("layer %q: accumulator.shift %d: no table follows that could shift", l.Name, a.Shift)
		}
	}
	return nil
}

// weighs reports whether the layer has weights with a quantizer.
func weighs(l model.Layer) bool { return l.Weighted() || l.Recurrent() }

// checkRecurrent refuses what recurrent layers cannot have, and keys of theirs that no
// layer uses.
func (c Config) checkRecurrent(n *model.Network) error {
	for _, l := range n.Layers {
		if !l.Recurrent() {
			continue
		}
		if err := l.CheckStates(c.Recurrent(l)); err != nil {
			return fmt.Errorf("layer %q (%s): %w", l.Name, l.Type, err)
		}
	}
	if n.ReadsWords() && (c.Input.Bits < 2 || c.Input.Bits > 8) {
		return fmt.Errorf("input.bits: %d is outside 2..8, for a network that reads words", c.Input.Bits)
	}
	return nil
}

// Recurrent is the quantizer of a recurrent layer's states.
func (c Config) Recurrent(l model.Layer) model.RecurrentQuantizer {
	switch {
	case l.Type == model.GRU:
		return model.RecurrentQuantizer{Layer: l.Name, StateBits: quant.BitWidth(c.Activations.Bits)}
	case l.TableCell():
		return model.RecurrentQuantizer{Layer: l.Name, StateBits: quant.BitWidth(c.Activations.Bits), CellRange: c.CellRange}
	}
	return model.RecurrentQuantizer{Layer: l.Name, Fraction: c.Fraction}
}

// checkOverride returns an error unless layer l can have grids of its own bits.
func (c Config) checkOverride(l model.Layer, bits int) error {
	if err := quant.CheckBits(bits, weighs(l)); err != nil {
		return err
	}
	if !weighs(l) {
		return c.Activation(l.Name).Validate()
	}
	w := c.Weights
	w.Bits = bits
	return w.Validate()
}

// WeightBits is the width of a layer's weights.
func (c Config) WeightBits(layer string) quant.BitWidth {
	if b := c.Layers[layer].Bits; b != 0 {
		return quant.BitWidth(b)
	}
	return quant.BitWidth(c.Weights.Bits)
}

// Activation is the configuration of a lookup-table activation.
func (c Config) Activation(layer string) ActivationConfig {
	a := c.Activations
	if b := c.Layers[layer].Bits; b != 0 {
		a.Bits = b
	}
	return a
}

// accumulator is the bound on a layer's accumulators. Without one of its own,
// a layer before a table has the general one; so has the last layer of a network
// without tables, whose range is what plaintext moduli must carry.
func (c Config) accumulator(n *model.Network, layer string) AccumulatorConfig {
	if a := c.Layers[layer].Accumulator; a != nil {
		return *a
	}
	tables := n.Tables()
	for i, l := range n.Layers {
		if l.Name == layer && l.TableCell() {
			return c.Accumulator
		}
		if l.Name == layer && l.Weighted() && (n.TableAfter(i) >= 0 || !tables && i == len(n.Layers)-1) {
			return c.Accumulator
		}
	}
	return AccumulatorConfig{}
}

// AccumulatorBits is the bound on the accumulators of the weighted layer i, 0 for
// none.
func (c Config) AccumulatorBits(n *model.Network, i int) int {
	return c.accumulator(n, n.Layers[i].Name).Bits
}

// Shift is how many bits the table after the weighted layer i leaves out.
func (c Config) Shift(n *model.Network, i int) uint8 {
	return uint8(c.accumulator(n, n.Layers[i].Name).Shift)
}

// WeightObserver chooses the scales of every layer of n from its weights, within
// the bounds on its accumulators. ranges says whether there are any.
func (c Config) WeightObserver(n *model.Network) (observe model.Observer, ranges bool) {
	return c.bounded(n, func(o model.Observation) ([]float32, error) {
		scales, err := c.weightsOf(o).Scales(o.Layer.Name, o.Folded, o.Outputs)
		if err != nil {
			return nil, err
		}
		return scalesForBias(o, scales), nil
	})
}

// WeightFollower adapts the scales to weights that a step of training changed, see
// WeightConfig.Follow, within the bounds.
func (c Config) WeightFollower(n *model.Network) (observe model.Observer, ranges bool) {
	return c.bounded(n, func(o model.Observation) ([]float32, error) {
		w := c.weightsOf(o)
		follow := w.Follow
		// A tied layer's scale was set by another tensor, so following it would not follow
		// the weights. Networks that read words have few scales, which have always been
		// chosen anew.
		if o.Tie != nil || n.ReadsWords() {
			follow = func(layer string, folded, _ []float32, outputs int) ([]float32, error) {
				return w.Scales(layer, folded, outputs)
			}
		}
		scales, err := follow(o.Layer.Name, o.Folded, o.Scales, o.Outputs)
		if err != nil {
			return nil, err
		}
		return scalesForBias(o, scales), nil
	})
}

// weightsOf is the weights' section with the bits of the observed layer, and one
// scale where its tie allows no more.
func (c Config) weightsOf(o model.Observation) WeightConfig {
	w := c.Weights
	w.Bits = int(o.Bits)
	w.PerChannel = w.PerChannel && (o.Tie == nil || !o.Tie.Single())
	if o.Layer.Recurrent() {
		w.PerChannel = o.Layer.TableCell()
	}
	return w
}

// WeightKeeper leaves the scales as they are but for the bounds.
func (c Config) WeightKeeper(n *model.Network) (observe model.Observer, ranges bool) {
	return c.bounded(n, func(o model.Observation) ([]float32, error) { return o.Scales, nil })
}

func (c Config) bounded(n *model.Network, observe model.Observer) (model.Observer, bool) {
	any := slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return c.accumulator(n, l.Name).Bits != 0 })
	if !any {
		return observe, false
	}
	return Bounded(observe, func(layer string) AccumulatorConfig { return c.accumulator(n, layer) }), true
}
