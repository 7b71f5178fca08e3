package verify

import (
	"errors"
	"fmt"

	"qtool/bundle"
)

// Ladder is one set of images answered by each rung. A rung that was not run is
// nil and takes part in nothing.
type Ladder struct {
	Output    *bundle.Node // of the program: what its logits mean
	Labels    []uint8
	Float     []int // predicted label indices
	Quantized []int
	Integer   []bundle.Vec // logits
	Encrypted []bundle.Vec
}

// Mismatch is an encrypted logit that is not the integer reference's.
type Mismatch struct {
	Image int    `json:"image"`
	Logit int    `json:"logit"`
	Want  string `json:"want"`
	Got   string `json:"got"`
}

// ErrMismatch marks a verification that ran and found a difference.
var ErrMismatch = errors.New("encrypted and integer logits differ")

// Accuracy is the share of right answers of each rung; nil where it was not
// run.
type Accuracy struct {
	Float     *float64 `json:"float"`
	Quantized *float64 `json:"quantized"`
	Integer   *float64 `json:"integer"`
	Encrypted *float64 `json:"encrypted"`
}

// Flips counts the images whose answer changes from one rung to another.
type Flips struct {
	FloatInteger     int `json:"float_integer"`
	QuantizedInteger int `json:"quantized_integer"`
	IntegerEncrypted int `json:"integer_encrypted"`
}

// Comparison is what a ladder shows. LogitMismatches counts single logits.
type Comparison struct {
	Accuracy        Accuracy
	Flips           Flips
	LogitMismatches int
	First           *Mismatch
}

// Compare scores every rung and compares neighbours. It returns an error if a
// rung has another number of answers than there are labels: a partial rung is
// never scored as if it were whole.
func (l *Ladder) Compare() (*Comparison, error) {
	n := len(l.Labels)
	for _, rung := range []struct {
		name string
		len  int
	}{{"float", len(l.Float)}, {"quantized", len(l.Quantized)}, {"integer", len(l.Integer)}, {"encrypted", len(l.Encrypted)}} {
		if rung.len != 0 && rung.len != n {
			return nil, fmt.Errorf("verify: %s rung has %d answers for %d images", rung.name, rung.len, n)
		}
	}
	integer, encrypted := l.predictions(l.Integer), l.predictions(l.Encrypted)
	c := &Comparison{
		Accuracy: Accuracy{l.score(l.Float), l.score(l.Quantized), l.score(integer), l.score(encrypted)},
		Flips:    Flips{flips(l.Float, integer), flips(l.Quantized, integer), flips(integer, encrypted)},
	}
	if l.Integer != nil && l.Encrypted != nil {
		for i := range n {
			c.compareLogits(i, l.Integer[i], l.Encrypted[i])
		}
	}
	return c, nil
}

func (c *Comparison) compareLogits(image int, want, got bundle.Vec) {
	for k := range want.Len() {
		// The common case is equal and must not allocate.
		if want.Big == nil && got.Big == nil && want.Small[k] == got.Small[k] {
			continue
		}
		w, g := want.At(k), got.At(k)
		if w.Cmp(g) == 0 {
			continue
		}
		c.LogitMismatches++
		if c.First == nil {
			c.First = &Mismatch{image, k, w.String(), g.String()}
		}
	}
}

func (l *Ladder) predictions(logits []bundle.Vec) []int {
	if logits == nil {
		return nil
	}
	p := make([]int, len(logits))
	for i, v := range logits {
		p[i] = l.Output.Argmax(v)
	}
	return p
}

func (l *Ladder) score(predictions []int) *float64 {
	if len(predictions) == 0 {
		return nil
	}
	right := 0
	for i, p := range predictions {
		if p == int(l.Labels[i]) {
			right++
		}
	}
	a := float64(right) / float64(len(predictions))
	return &a
}

func flips(a, b []int) int {
	n := 0
	if len(a) == len(b) {
		for i := range a {
			if a[i] != b[i] {
				n++
			}
		}
	}
	return n
}
