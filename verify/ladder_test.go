package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qtool/bundle"
	"qtool/he"
)

func vec(x ...int64) bundle.Vec { return bundle.Vec{Small: x} }

// wide is the same integers in their big form.
func wide(x ...int64) bundle.Vec {
	var v bundle.Vec
	for _, a := range x {
		v.Big = append(v.Big, big.NewInt(a))
	}
	return v
}

func ladder() *Ladder {
	return &Ladder{
		Output:    &bundle.Node{Scale: []float64{0.5}},
		Labels:    []uint8{0, 1, 2, 0},
		Float:     []int{0, 1, 2, 0},
		Quantized: []int{0, 1, 2, 1},
		Integer:   []bundle.Vec{vec(9, 1, 1), vec(0, 5, -5), vec(7, 6, 5), vec(0, 1, 0)},
		Encrypted: he.Exact{wide(9, 1, 1), vec(0, 5, -5), vec(7, 6, 8), vec(0, 1, -1)},
	}
}

// exact are the encrypted answers of ladder.
func exact(l *Ladder) he.Exact { return l.Encrypted.(he.Exact) }

func share(x float64) *float64 { return &x }

func TestCompare(t *testing.T) {
	got, err := ladder().Compare()
	if err != nil {
		t.Fatal(err)
	}
	want := &Comparison{
		Accuracy: Accuracy{Float: share(1), Quantized: share(0.75), Integer: share(0.5), Encrypted: share(0.75)},
		// Integers answer 0, 1, 0, 1 and the encrypted ones 0, 1, 2, 1.
		Flips:           Flips{FloatInteger: 2, QuantizedInteger: 1, IntegerEncrypted: 1},
		LogitMismatches: 2,
		First:           &Mismatch{Image: 2, Logit: 2, Want: "5", Got: "8"},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Comparison{}, "Answers", "LogitsSHA256")); d != "" {
		t.Errorf("compared (-want +got):\n%s", d)
	}
}

// A stage that was not run scores nothing and differs from nothing.
func TestCompareMissingStages(t *testing.T) {
	l := ladder()
	l.Float, l.Encrypted = nil, nil
	got, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	want := &Comparison{
		Accuracy: Accuracy{Quantized: share(0.75), Integer: share(0.5)},
		Flips:    Flips{QuantizedInteger: 1},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Comparison{}, "Answers", "LogitsSHA256")); d != "" {
		t.Errorf("compared (-want +got):\n%s", d)
	}
}

func TestAnswers(t *testing.T) {
	got, err := ladder().Compare()
	if err != nil {
		t.Fatal(err)
	}
	want := Answers{
		Labels: Predictions{0, 1, 2, 0}, Float: Predictions{0, 1, 2, 0}, Quantized: Predictions{0, 1, 2, 1},
		Integer: Predictions{0, 1, 0, 1}, Encrypted: Predictions{0, 1, 2, 1},
		// The largest logit less the second, by the largest of all, 9.
		Margins: Margins{8.0 / 9, 5.0 / 9, 1.0 / 9, 1.0 / 9},
	}
	if d := cmp.Diff(want, got.Answers); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
	sum := sha256.Sum256([]byte("9\n1\n1\n0\n5\n-5\n7\n6\n5\n0\n1\n0\n"))
	if got.LogitsSHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("hash %s", got.LogitsSHA256)
	}
	if HashLogits([]bundle.Vec{wide(9, -1)}) != HashLogits([]bundle.Vec{vec(9, -1)}) {
		t.Error("the hash depends on how integers are held")
	}
	if HashLogits(nil) != "" || HashLogits([]bundle.Vec{vec(1, 12)}) == HashLogits([]bundle.Vec{vec(11, 2)}) {
		t.Error("different logits have one hash")
	}
}

func TestCompareBigLogits(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 100)
	l := &Ladder{
		Output: &bundle.Node{Scale: []float64{-1}}, Labels: []uint8{0},
		Integer:   []bundle.Vec{{Big: []*big.Int{big.NewInt(3), huge}}},
		Encrypted: he.Exact{vec(3, 4)},
	}
	got, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	if got.LogitMismatches != 1 || got.First == nil || *got.First != (Mismatch{0, 1, huge.String(), "4"}) {
		t.Errorf("%d mismatches, first %+v", got.LogitMismatches, got.First)
	}
	if *got.Accuracy.Integer != 1 || *got.Accuracy.Encrypted != 1 { // a negative scale: the least wins
		t.Errorf("accuracy %v and %v", *got.Accuracy.Integer, *got.Accuracy.Encrypted)
	}
}

func TestCompareErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*Ladder)
		want   string
	}{
		{func(l *Ladder) { l.Float = l.Float[:3] }, "verify: float stage has 3 answers for 4 samples"},
		{func(l *Ladder) { l.Quantized = append(l.Quantized, 0) }, "quantized stage has 5 answers for 4 samples"},
		{func(l *Ladder) { l.Integer = l.Integer[:1] }, "integer stage has 1 answers"},
		{func(l *Ladder) { l.Encrypted = exact(l)[:3] }, "encrypted stage has 3 answers"},
		{func(l *Ladder) { l.Encrypted = he.Exact{} }, "encrypted stage has 0 answers for 4 samples"},
		{func(l *Ladder) { exact(l)[1] = vec(0, 5) }, "verify: sample 1 has 3 integer and 2 encrypted logits"},
		{func(l *Ladder) { exact(l)[1] = vec(0, 5, -5, 1) }, "verify: sample 1 has 3 integer and 4 encrypted logits"},
	} {
		l := ladder()
		c.change(l)
		got, err := l.Compare()
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
