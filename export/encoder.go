package export

import (
	"fmt"
	"math"

	"qtool/encode"
	"qtool/model"
)

// Encoder is what the client of q's program needs, where q reads words: the vector of
// every word as it enters what is quantized, in the finest unit in which they all fit into
// 16 bits.
func Encoder(q *model.Quantized, v *encode.Vocabulary, s encode.Selection, scores []float32) (*encode.Text, error) {
	n := q.Network
	shapes, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	entry := n.Entry()
	embedding, size := n.Layers[0], shapes[entry][1]
	e := &encode.Text{
		Vocabulary: v, Selection: s, Mean: embedding.Combine == model.Mean,
		Bits: int(q.Input.Bits), Dimensions: size, Scores: scores,
	}
	table := q.Params.Get(embedding.Name + ".weight")
	var projection []float32
	if entry > 0 {
		projection = q.Params.Get(n.Layers[entry].Name + ".weight")
	}
	reals := make([]float64, v.Len()*size) // in codes
	most := 0.0
	for w := range v.Len() {
		row := table[w*embedding.Units : (w+1)*embedding.Units]
		for d := range size {
			x := 0.0
			if projection == nil {
				x = float64(row[d])
			} else {
				for k, v := range row {
					x += float64(float64(projection[d*len(row)+k]) * float64(v))
				}
			}
			x /= float64(q.Input.Scale)
			reals[w*size+d] = x
			most = max(most, math.Abs(x))
		}
	}
	for e.Fraction = encode.MaxFraction; e.Fraction > 0 && math.Ldexp(most, e.Fraction) > math.MaxInt16; {
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
