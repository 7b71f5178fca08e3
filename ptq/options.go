package ptq

import (
	"fmt"

	"qtool/calibrate"
	"qtool/model"
)

// Options are what is done beyond rounding every weight to its nearest integer:
// the recipe's `quantize.ptq` section.
type Options struct {
	// Equalize scales channels between layers so that one weight scale suits
	// them all; see Equalize.
	Equalize bool `yaml:"equalize" json:"equalize"`
	// LearnedRounding rounds each weight up or down so that the layer's outputs
	// on the calibration samples change least; see learnRounding.
	LearnedRounding bool `yaml:"learned_rounding" json:"learned_rounding"`
	// BiasCorrection shifts every output channel's bias so that its mean
	// pre-activation on the calibration samples is the float network's.
	BiasCorrection bool `yaml:"bias_correction" json:"bias_correction"`
}

// Names are the options that are on, as recipes call them.
func (o Options) Names() (names []string) {
	for _, k := range []struct {
		name string
		on   bool
	}{{"equalize", o.Equalize}, {"learned_rounding", o.LearnedRounding}, {"bias_correction", o.BiasCorrection}} {
		if k.on {
			names = append(names, k.name)
		}
	}
	return names
}

// Float are the parameters of the float network that is rounded: p, or p
// equalised. The notes say which layers could not be.
func (o Options) Float(n *model.Network, p model.Parameters) (float model.Parameters, notes []string, err error) {
	if !o.Equalize {
		return p, nil, nil
	}
	p, skipped, err := Equalize(n, p)
	for _, s := range skipped {
		notes = append(notes, "not equalised "+s)
	}
	return p, notes, err
}

// Check returns an error that names the option, and says why, if one cannot
// change anything for a network quantized by c.
func (o Options) Check(n *model.Network, c calibrate.Config) error {
	bounded := c.Accumulator.Bits != 0
	for _, l := range c.Layers {
		bounded = bounded || l.Accumulator != nil && l.Accumulator.Bits != 0
	}
	if names := o.Names(); n.ReadsWords() && len(names) > 0 {
		return fmt.Errorf("%s: it is for networks of images, this one reads words", names[0])
	}
	if o.LearnedRounding && bounded {
		return fmt.Errorf("learned_rounding: it would leave the bound of accumulator.bits: use one of the two")
	}
	if !o.Equalize {
		return nil
	}
	if c.Weights.PerChannel {
		return fmt.Errorf("equalize: weights.per_channel gives every channel a scale already, equalising changes nothing")
	}
	pairs, skipped := homogeneousPairs(n)
	if len(pairs) > 0 {
		return nil
	}
	if len(skipped) > 0 {
		return fmt.Errorf("equalize: no two layers can be equalised: %s", skipped[0])
	}
	return fmt.Errorf("equalize: there is one layer with weights, equalising needs two")
}
