package pipeline

import (
	"fmt"

	"qtool/internal/hint"
	"qtool/model"
	"qtool/recipe"
)

// checkCarried refuses a recipe whose layers the back end that is to verify it does not
// carry together, before anything is trained. Batches (auto, bgv) carry polynomials, or
// tables and maxima; packed ciphertexts carry polynomials. pbs carries both, on numbers
// that its planner looks at. It names the first layer of each kind.
func checkCarried(r *recipe.Recipe) error {
	var polynomial, table *model.Layer
	for i := range r.Network.Layers {
		switch l := &r.Network.Layers[i]; {
		case l.LookupTable() || l.Maximum():
			if table == nil {
				table = l
			}
		case l.Activation() && polynomial == nil:
			polynomial = l
		}
	}
	if table == nil {
		return nil
	}
	switch r.Verify.Backend {
	case "auto", "bgv":
		if polynomial != nil {
			return hint.With(fmt.Errorf("verify.backend %s: layer %q (%s) needs tables and layer %q (%s) is a polynomial: encrypted batches carry the one or the other", r.Verify.Backend, table.Name, table.Type, polynomial.Name, polynomial.Type),
				"tables in every activation (relu, with quantize.activations.bits), or squares and average pools alone, or --set verify.backend=pbs where the numbers are narrow")
		}
	case "packed-ckks", "packed-bgv":
		return hint.With(fmt.Errorf("verify.backend %s: layer %q (%s) needs tables, which packed ciphertexts do not carry", r.Verify.Backend, table.Name, table.Type),
			"--set verify.backend=auto takes a back end that carries them")
	}
	return nil
}
