package tfhe

import (
	"math"

	"qtool/internal/elementary"
)

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
// probability that a sample has any.
func (l *ParametersLiteral) budget(layers []layer) (stages []stage, perSample float64) {
	for i := range layers {
		la := &layers[i]
		bound := l.bound(la)
		var s stage
		for _, w := range la.norms {
			v := l.accumulated(la, w)
			if la.tables != nil {
				v = l.lookup(v)
			}
			p := outside(bound, v)
			s.worst = max(s.worst, v)
			s.failure = max(s.failure, p)
			s.failures += float64(p * float64(w.count))
		}
		stages = append(stages, s)
		perSample += s.failures
	}
	return stages, perSample
}

// expected is the number of look-ups and logits of a sample that are predicted to
// have a decryption failure: as budget has it, but with the borders of the messages where
// they are, and every message equally likely.
func (l *ParametersLiteral) expected(layers []layer) float64 {
	sum := 0.0
	for i := range layers {
		la := &layers[i]
		for _, w := range la.norms {
			v := l.accumulated(la, w)
			if la.tables == nil {
				sum += float64(float64(w.count) * outside(l.bound(la), v))
				continue
			}
			v = l.lookup(v)
			failures := 0.0
			for j := range la.half {
				below, above := l.margins(j, la.half)
				failures += float64((outside(below, v) + outside(above, v)) / 2)
			}
			sum += float64(w.count) * failures / float64(la.half)
		}
	}
	return sum
}

// margins are how far message j of 2H reaches below and above its middle.
func (l *ParametersLiteral) margins(j, h int) (below, above float64) {
	// Position p is in message j if (2p+1) H / 2KN >= j: the first is
	border := func(j int) float64 {
		return math.Ceil((2*float64(j)*elementary.Exp2(float64(l.logPositions()))/float64(h) - 1) / 2)
	}
	middle, scale := (float64(j)+0.5)/float64(2*h), elementary.Exp2(-float64(l.logPositions())-1)
	return middle - float64(border(j)*scale), float64(border(j+1)*scale) - middle
}

// log2Probability is log2 of a probability, or of what a float64 can tell from 0.
func log2Probability(p float64) float64 { return elementary.Log2(max(p, math.SmallestNonzeroFloat64)) }
