package train

import (
	"context"
	"math"
	"testing"

	"qtool/datasets"
	"qtool/encode"
	"qtool/model"
)

// Scores are the second logit less the first, or twice the only one, of what the encoder
// makes of each image; networks of more logits have none.
func TestScores(t *testing.T) {
	pixels, err := encode.NewPixels([]int{1, 2, 2}, []float32{0.25}, []float32{0.5})
	if err != nil {
		t.Fatal(err)
	}
	s := &datasets.Split{Shape: []int{1, 2, 2}, Encoder: pixels}
	for i := range 130 { // more than one batch
		s.Images = append(s.Images, uint8(i), uint8(7*i), uint8(31*i), uint8(255-i))
		s.Labels = append(s.Labels, uint8(i%2))
	}
	for _, units := range []int{1, 2, 3} {
		n := &model.Network{Input: []int{1, 2, 2}, Layers: []model.Layer{{Type: model.Flatten, Name: "flat"}, {Type: model.Dense, Name: "fc", Units: units}}}
		p, err := n.Initialise(uint64(units))
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEvaluator(n, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		scores, err := e.Scores(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if units == 3 {
			if scores != nil {
				t.Errorf("three logits have the scores %v", scores)
			}
			continue
		}
		for i, got := range scores {
			outs, err := n.Forward(p, s.Tensor(i))
			if err != nil {
				t.Fatal(err)
			}
			logits := outs[len(outs)-1]
			want := 2 * logits[0]
			if units == 2 {
				want = logits[1] - logits[0]
			}
			if math.Abs(float64(got)-want) > 1e-5 {
				t.Errorf("%d logits, image %d: score %v, want %v", units, i, got, want)
			}
		}
		if len(scores) != s.Len() {
			t.Errorf("%d scores of %d images", len(scores), s.Len())
		}
	}
}
