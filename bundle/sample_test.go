package bundle_test

import (
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// Samples are the codes that Quantize makes; those that no quantizer makes are refused.
func TestSamples(t *testing.T) {
	in := bundle.Input{Shape: []int{1, 2}, Quantizer: quant.Params{Scale: 1.0 / 15, ZeroPoint: 3, Bits: 4}}
	images := [][]uint8{{0, 255}, {34, 17}}
	all := in.Samples(images)
	if !slices.Equal(all[0], bundle.Sample{0, 12}) || !slices.Equal(all[1], bundle.Sample{2, 1}) {
		t.Errorf("samples %v", all)
	}
	for i, s := range all {
		if want := in.Quantize(images[i]); !s.Vec().Equal(want) {
			t.Errorf("sample %d is %v, want %v", i, s, want)
		}
	}
	if err := in.CheckSamples(all); err != nil {
		t.Error(err)
	}
	for want, wrong := range map[string]bundle.Sample{
		"sample 2 has 1 values, the program takes shape [1 2]": {0},
		"sample 2 has 0 values":                                nil,
		"sample 2: code -4 of element 1 is outside -3..12":     {0, -4},
		"sample 2: code 13 of element 0 is outside -3..12":     {13, 0},
	} {
		if err := in.CheckSamples(append(slices.Clone(all), wrong)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error with %q", wrong, err, want)
		}
	}
}
