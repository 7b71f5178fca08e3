package sequence

import (
	"fmt"
	"math"

	"qtool/datasets/text"
	"qtool/model/sequence"
)

// Encoder is what the client of q's program needs: the projected vector of every
// word, in the finest unit in which they all fit into 16 bits.
func Encoder(q *sequence.Quantized, v *text.Vocabulary, s text.Selection, scores []float32) (*text.Encoder, error) {
	n := q.Network
	e := &text.Encoder{
		Vocabulary: v, Selection: s, Mean: n.Cell == sequence.Mean,
		Bits: int(q.Quantizers.Input.Bits), Dimensions: n.Inputs, Scores: scores,
	}
	table, projection := q.Params.Get("embedding"), q.Params.Get("projection")
	reals := make([]float64, v.Len()*n.Inputs) // in codes
	most := 0.0
	for w := range v.Len() {
		for d := range n.Inputs {
			x := 0.0
			for k := range n.Embedding {
				x += float64(float64(projection[d*n.Embedding+k]) * float64(table[w*n.Embedding+k]))
			}
			x /= float64(q.Quantizers.Input.Scale)
			reals[w*n.Inputs+d] = x
			most = max(most, math.Abs(x))
		}
	}
	for e.Fraction = text.MaxFraction; e.Fraction > 0 && math.Ldexp(most, e.Fraction) > math.MaxInt16; {
		e.Fraction--
	}
	if math.Ldexp(most, e.Fraction) > math.MaxInt16 {
		return nil, fmt.Errorf("export: a word's vector has %g codes, above %d", most, math.MaxInt16)
	}
	e.Vectors = make([]int16, len(reals))
	for i, x := range reals {
		e.Vectors[i] = int16(math.RoundToEven(math.Ldexp(x, e.Fraction)))
	}
	return e, e.Validate()
}
