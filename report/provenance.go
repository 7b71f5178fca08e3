package report

import (
	"fmt"
	"maps"
	"slices"
)

// provenance is where the run comes from: hashes, seed, versions.
func (in *Input) provenance() []fact {
	r := in.Report
	facts := []fact{{Name: "recipe", Value: r.Recipe}, {Name: "seed", Value: fmt.Sprint(r.Seed)}, {Name: "dataset", Value: r.Dataset}}
	hash := func(name, sum string) {
		if sum != "" {
			facts = append(facts, fact{name, sum, true})
		}
	}
	if in.Bundle != nil {
		hash("recipe SHA-256", in.Bundle.Provenance.RecipeSHA256)
	} else if in.Float != nil {
		hash("recipe SHA-256", in.Float.Provenance.RecipeSHA256)
	}
	hash("dataset SHA-256", r.DatasetSHA256)
	hash("bundle SHA-256", r.BundleSHA256)
	if in.Bundle != nil {
		hash("float checkpoint SHA-256", in.Bundle.Provenance.FloatSHA256)
		hash("quantized checkpoint SHA-256", in.Bundle.Provenance.QuantizedSHA256)
	}
	hash("SHA-256 of all integer logits", r.IntegerLogitsSHA256)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		facts = append(facts, fact{Name: name, Value: r.Versions[name]})
	}
	return facts
}

// command is a step of doing it again.
type command struct{ Line, About string }

// reproduce is how to get the same figures, run inside the run folder.
func (in *Input) reproduce() []command {
	r := in.Report
	steps := []command{{"qtool run -c recipe.yaml --out again", "Trains anew. The recipe as resolved holds the seed and every setting."}}
	if r.BundleSHA256 != "" {
		steps[0] = command{"qtool run --from . --out again", "Trains, quantizes and verifies anew, and fails unless the bundle is the same, byte for byte: SHA-256 " + r.BundleSHA256 + "."}
		verify := "qtool verify-encrypted --bundle model.qb --out checked"
		if n := in.images(); n < r.TestImages {
			verify += fmt.Sprintf(" --limit %d", n)
		}
		if in.partly() {
			verify += fmt.Sprintf(" --encrypted-limit %d", in.encryptedImages())
		}
		steps = append(steps, command{verify, "Only the encrypted check, with the bundle as it is."})
	}
	return append(steps, command{"qtool report .", "Draws this file again."})
}
