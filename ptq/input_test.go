package ptq

import (
	"slices"
	"testing"

	"qtool/datasets"
	"qtool/encode"
	"qtool/model"
)

// The float network sees pictures as their encoder makes them, mean and deviation included.
func TestForwardReadsEncodedPictures(t *testing.T) {
	e, err := encode.NewPixels([]int{2, 1, 2}, []float32{0.5, 0.25}, []float32{0.25, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	n := &model.Network{Input: []int{2, 1, 2}, Layers: []model.Layer{{Type: model.Flatten, Name: "flatten"}, {Type: model.Dense, Name: "fc", Units: 3}}}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	s := &datasets.Split{Shape: n.Input, Images: []uint8{0, 255, 51, 128, 7, 8, 9, 10}, Labels: []uint8{0, 1}, Encoder: e}
	for k := range s.Len() {
		x, err := e.Encode(s.Image(k))
		if err != nil {
			t.Fatal(err)
		}
		want, err := n.Forward(p, x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Forward(n, p, s, k)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("picture %d: %v and error %v, want %v", k, got, err, want)
		}
	}
}
