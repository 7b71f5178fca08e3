package recipe

import (
	"fmt"
	"slices"

	"qtool/calibrate"
	"qtool/model"
)

// Build is the network that float training begins with: the recipe's, with the
// coefficients of every polynomial that approximates a function on a given
// interval. The same recipe gives the same network. Polynomials whose interval
// is to be measured are the functions themselves until then.
func (r *Recipe) Build() (*model.Network, error) {
	n, err := calibrate.Polynomials(&r.Network)
	if err == nil {
		_, err = n.Shapes()
	}
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return n, nil
}

// checkPolynomials refuses settings of polynomials that nothing would use.
func (r *Recipe) checkPolynomials(n *model.Network) error {
	fitted := slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Interval != nil })
	measured := slices.IndexFunc(n.Layers, func(l model.Layer) bool { return l.Percentile != 0 })
	if r.Quantize.Method == "none" && measured >= 0 {
		return fmt.Errorf("network: layer %q: its percentile is measured for quantization, and quantize.method is none", n.Layers[measured].Name)
	}
	for _, k := range []struct {
		name    string
		penalty float64
		used    bool
	}{
		{"train", r.Train.OverflowPenalty, fitted},
		{"quantize.finetune", r.Quantize.Finetune.OverflowPenalty, r.Quantize.Method == "qat" && (fitted || measured >= 0)},
	} {
		if k.penalty > 0 && !k.used {
			return fmt.Errorf("%s.overflow_penalty: %v, but no polynomial that is trained there has an interval", k.name, k.penalty)
		}
	}
	return nil
}
