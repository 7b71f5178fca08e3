package quant

import (
	"encoding/json"
	"os"
	"testing"
)

// vectorCase is a case of testdata/fakequant.json, made by numpy 1.24 (q, y) and
// PyTorch 1.13 (mask); see testdata/fakequant.py.
type vectorCase struct {
	Bits        BitWidth
	Signed      bool
	NarrowRange bool  `json:"narrow_range"`
	ZeroPoint   int32 `json:"zero_point"`
	QMin, QMax  int32
	Scale       float32
	X, Y        []float32
	Q           []int32
	Mask        []int
}

func readVectors(t *testing.T) []vectorCase {
	t.Helper()
	b, err := os.ReadFile("testdata/fakequant.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vectorCase }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 30 {
		t.Fatalf("%d cases, want at least 30", len(file.Cases))
	}
	return file.Cases
}

func TestVectors(t *testing.T) {
	for i, c := range readVectors(t) {
		p := Params{Scale: c.Scale, ZeroPoint: c.ZeroPoint, Bits: c.Bits, Signed: c.Signed, NarrowRange: c.NarrowRange}
		if err := p.Validate(); err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		if p.QMin() != c.QMin || p.QMax() != c.QMax {
			t.Errorf("case %d: grid %d..%d, want %d..%d", i, p.QMin(), p.QMax(), c.QMin, c.QMax)
		}
		codes := make([]float32, len(c.X))
		p.Codes(codes, c.X)
		for k, x := range c.X {
			if got := p.Quantize(x); got != c.Q[k] {
				t.Errorf("case %d: %+v.Quantize(%v) = %d, want %d", i, p, x, got, c.Q[k])
			}
			if got := p.FakeQuantize(x); got != c.Y[k] {
				t.Errorf("case %d: %+v.FakeQuantize(%v) = %v, want %v", i, p, x, got, c.Y[k])
			}
			if got := p.Dequantize(c.Q[k]); got != c.Y[k] {
				t.Errorf("case %d: %+v.Dequantize(%d) = %v, want %v", i, p, c.Q[k], got, c.Y[k])
			}
			if got := p.Inside(x); got != (c.Mask[k] == 1) {
				t.Errorf("case %d: %+v.Inside(%v) = %v, mask %d", i, p, x, got, c.Mask[k])
			}
			if want := float32(c.Q[k] - c.ZeroPoint); codes[k] != want {
				t.Errorf("case %d: code of %v is %v, want %v", i, x, codes[k], want)
			}
		}
	}
}
