package main

import (
	"cmp"
	"slices"

	"qtool/he"
	"qtool/task"
	"qtool/verify"
)

// lookups prints the account of look-ups that may fail.
func (p *printer) lookups(l *he.Lookups, noun task.Noun) {
	if l == nil {
		return
	}
	p.f("Look-ups and logits: %d done, %d decryption failures (%.2g expected), %d wrong entries, in %s; a look-up fails to decrypt with probability at most %.1g, %s %.1g.\n",
		l.Done, l.Missed, l.Expected, l.Failed, noun.Count(len(l.FailedSamples)), l.PerLookup, noun.A(), l.PerSample)
	if l.Milliseconds > 0 {
		p.f("%.1f ms a look-up, %.2f s %s.\n", l.Milliseconds, l.SecondsPerSample, noun.A())
	}
	layers, most := slices.Clone(l.Layers), 12
	if len(layers) > most {
		// A recurrent program has a dozen a step.
		slices.SortStableFunc(layers, func(a, b he.LookupNoise) int { return cmp.Compare(b.Measured, a.Measured) })
		p.f("The noisiest of %d layers, all in the report:\n", len(layers))
		layers = layers[:most/2]
	}
	for _, n := range layers {
		p.f("  - %s: %d done, noise deviation %.3f of what does no harm (%.3f predicted for its worst)\n", n.Layer, n.Done, n.Measured, n.Predicted)
	}
}

// simulated prints a prediction in the place of an encrypted run.
func (p *printer) simulated(r *verify.Report) {
	s := r.Simulated
	if s == nil {
		return
	}
	p.f("\nSimulated (%s), nothing encrypted: %.2f %% of %s, %d logits differ from the integer stage; %.1f bits of noise budget left predicted; %.2f s.\n",
		s.Backend, 100*s.Accuracy, r.Unit().Count(s.Images), s.LogitMismatches, s.PredictedBits, s.Seconds)
	p.lookups(s.Lookups, r.Unit())
	for _, why := range s.Why {
		p.f("  - %s\n", why)
	}
}
