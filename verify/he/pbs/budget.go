package pbs

import "math"

// stage is the predicted noise of a layer's accumulators: that of a look-up's
// phase or, in the last layer, of a logit's.
type stage struct {
	// worst is the largest variance of the layer's outputs.
	worst float64
	// failure is the probability that the worst output is wrong, failures the
	// expected number of wrong outputs of the layer.
	failure, failures float64
}

// budget predicts every layer's noise. The sum of all failures bounds the
// probability that an image has any.
func (l *ParametersLiteral) budget(layers []layer) (stages []stage, perImage float64) {
	in := l.fresh()
	for i := range layers {
		la := &layers[i]
		bound := la.bound()
		var s stage
		for _, w := range la.norms {
			v := l.accumulated(in, w)
			if la.tables != nil {
				v = l.lookup(v)
			}
			p := outside(bound, v)
			s.worst = max(s.worst, v)
			s.failure = max(s.failure, p)
			s.failures += p * float64(w.count)
		}
		stages = append(stages, s)
		perImage += s.failures
		in = l.rotated()
	}
	return stages, perImage
}

// bound is how far a phase may be off: half a slot.
func (l *layer) bound() float64 { return 1 / (4 * float64(l.slots)) }

// log2Probability is log2 of a probability, or of what a float64 can tell from 0.
func log2Probability(p float64) float64 { return math.Log2(max(p, math.SmallestNonzeroFloat64)) }
