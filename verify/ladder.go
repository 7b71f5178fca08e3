package verify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"qtool/bundle"
	"qtool/he"
	"qtool/task"
)

// Ladder is one set of samples answered by each stage. A stage that was not run is
// nil and takes part in nothing.
type Ladder struct {
	// Task is what is asked. The zero Task is a classification of which only the labels
	// are judged.
	Task   task.Task
	Output *bundle.Node // of the program: what its logits mean
	// Labels are right for a classification, Targets for a regression: Task.Outputs of
	// them a sample.
	Labels  []uint8
	Targets Numbers
	// FloatValues and QuantizedValues are what Values says of these stages, nil where it
	// is not known. Float and Quantized are nil for a regression.
	FloatValues, QuantizedValues Numbers
	Float                        Predictions
	Quantized                    Predictions
	Integer                      []bundle.Vec // logits
	Encrypted                    he.Answers
	// EncryptedImages is how many samples Encrypted answers, the first of
	// the samples of the other stages; 0 is all of them. Whatever compares that stage with
	// another takes the same images of both.
	EncryptedImages int
	// Failed are the samples with a wrong entry, in order; their logits may differ
	// (see he.Lookups).
	Failed []int
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

// Accuracy is the share of right answers of each stage; nil where it was not
// run. Where fewer images were encrypted than the others answered,
// IntegerOnEncrypted is the integer stage's share on those alone: what Encrypted
// compares with. It is nil otherwise.
type Accuracy struct {
	Float              *float64 `json:"float"`
	Quantized          *float64 `json:"quantized"`
	Integer            *float64 `json:"integer"`
	Encrypted          *float64 `json:"encrypted"`
	IntegerOnEncrypted *float64 `json:"integer_on_encrypted,omitempty"`
}

// Flips counts the images whose answer changes from one stage to another, of those
// that both answered.
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
	// Explained counts the mismatches of samples with a wrong entry. First is the
	// first that is not explained, or the first of all.
	Explained int
	First     *Mismatch
	// Precision compares an approximate executor's outputs; nil for exact ones,
	// as LogitMismatches and First mean nothing for it.
	Precision *Precision
	Answers   Answers
	Metrics   Metrics // beside accuracy
	// LogitsSHA256 is the hash of all integer logits; see HashLogits.
	LogitsSHA256 string
}

// Answers are the labels and every stage's predictions, image by image, and how
// sure the integer stage was of each: Margins is its largest real logit less the
// second largest, in units of the largest magnitude among all logits of the
// set, so that margins compare between networks. Encrypted may be shorter than the
// others: the answers to the first of the images.
type Answers struct {
	Labels    Predictions `json:"labels"`
	Float     Predictions `json:"float"`
	Quantized Predictions `json:"quantized"`
	Integer   Predictions `json:"integer"`
	Encrypted Predictions `json:"encrypted"`
	Margins   Margins     `json:"margins"`
	// Values are by what metrics beside accuracy judge; nil for none.
	Values *Values `json:"values,omitempty"`
}

// Judged is a metric of each stage.
func (c *Comparison) Judged(m task.Metric) Accuracy {
	if m == task.Accuracy {
		return c.Accuracy
	}
	return c.Metrics[m.Name]
}

// Compare scores every stage and compares neighbours. It returns an error if a
// stage has another number of answers than there are labels (the encrypted one,
// than EncryptedImages says), or an image another number of logits on two stages: a
// partial stage is never scored as if it were whole.
func (l *Ladder) Compare() (*Comparison, error) {
	n, err := l.samples()
	if err != nil {
		return nil, err
	}
	if l.EncryptedImages < 0 || l.EncryptedImages > n {
		return nil, fmt.Errorf("verify: %d of %d samples encrypted", l.EncryptedImages, n)
	}
	encryptedImages := cmp.Or(l.EncryptedImages, n)
	for _, stage := range []struct {
		name      string
		ran       bool
		len, want int
	}{
		{"float", l.Float != nil, len(l.Float), n}, {"quantized", l.Quantized != nil, len(l.Quantized), n},
		{"integer", l.Integer != nil, len(l.Integer), n}, {"encrypted", l.Encrypted != nil, answered(l.Encrypted), encryptedImages},
	} {
		if stage.ran && stage.len != stage.want {
			return nil, fmt.Errorf("verify: %s stage has %d answers for %d samples", stage.name, stage.len, stage.want)
		}
	}
	var integer, encrypted Predictions
	var margins Margins
	if l.Task.Kind != task.Regression {
		if l.Integer != nil {
			integer = l.predictions(he.Exact(l.Integer))
		}
		encrypted, margins = l.predictions(l.Encrypted), l.margins()
	}
	c := &Comparison{
		Accuracy: Accuracy{Float: l.score(l.Float), Quantized: l.score(l.Quantized), Integer: l.score(integer), Encrypted: l.score(encrypted)},
		Flips:    Flips{CountFlips(l.Float, integer), CountFlips(l.Quantized, integer), CountFlips(integer, encrypted)},
		Answers: Answers{
			Labels: labelled(l.Labels), Float: l.Float, Quantized: l.Quantized,
			Integer: integer, Encrypted: encrypted, Margins: margins, Values: l.values(),
		},
		LogitsSHA256: HashLogits(l.Integer),
	}
	c.Metrics = c.Answers.Metrics(l.Task)
	if encrypted != nil && len(encrypted) < len(integer) {
		c.Accuracy.IntegerOnEncrypted = l.score(integer[:len(encrypted)])
	}
	if l.Integer == nil {
		return c, nil
	}
	switch got := l.Encrypted.(type) {
	case he.Exact:
		for i := range got {
			if a, b := l.Integer[i].Len(), got[i].Len(); a != b {
				return nil, fmt.Errorf("verify: sample %d has %d integer and %d encrypted logits", i, a, b)
			}
			_, failed := slices.BinarySearch(l.Failed, i)
			c.compareLogits(i, l.Integer[i], got[i], failed)
		}
	case he.Approximate:
		if c.Precision, err = l.precision(got, c.Answers); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// samples is how many samples there are answers to, which every stage's values must have.
func (l *Ladder) samples() (int, error) {
	n, k := len(l.Labels), 1
	if l.Task.Kind == task.Regression {
		if k = l.Task.Outputs; k < 1 || len(l.Targets)%k != 0 || n > 0 {
			return 0, fmt.Errorf("verify: %d targets and %d labels for a regression of %d outputs", len(l.Targets), n, k)
		}
		n = len(l.Targets) / k
	}
	for _, stage := range []struct {
		name   string
		values Numbers
	}{{"float", l.FloatValues}, {"quantized", l.QuantizedValues}} {
		if stage.values != nil && len(stage.values) != n*k {
			return 0, fmt.Errorf("verify: %s stage has %d values for %d samples of %d", stage.name, len(stage.values), n, k)
		}
	}
	return n, nil
}

// answered is how many samples the answers answer, 0 where there are none.
func answered(a he.Answers) int {
	if a == nil {
		return 0
	}
	return a.Len()
}

func (c *Comparison) compareLogits(image int, want, got bundle.Vec, failed bool) {
	for k := range want.Len() {
		// The common case is equal and must not allocate.
		if want.Big == nil && got.Big == nil && want.Small[k] == got.Small[k] {
			continue
		}
		w, g := want.At(k), got.At(k)
		if w.Cmp(g) == 0 {
			continue
		}
		if c.First == nil || !failed && c.Explained == c.LogitMismatches {
			c.First = &Mismatch{image, k, w.String(), g.String()}
		}
		c.LogitMismatches++
		if failed {
			c.Explained++
		}
	}
}

func labelled(labels []uint8) Predictions {
	p := make(Predictions, len(labels))
	for i, c := range labels {
		p[i] = int(c)
	}
	return p
}

// margins are how sure the integer stage is of each answer; see Answers.
func (l *Ladder) margins() Margins {
	margins := make(Margins, len(l.Integer))
	largest := 0.0
	for i, v := range l.Integer {
		first, second := math.Inf(-1), math.Inf(-1)
		for k := range v.Len() {
			x := l.Output.Real(v, k)
			largest = max(largest, math.Abs(x))
			if x > first {
				first, second = x, first
			} else if x > second {
				second = x
			}
		}
		margins[i] = float32(first - second)
	}
	for i := range margins {
		if margins[i] /= float32(max(largest, math.SmallestNonzeroFloat32)); margins[i] > 2 {
			margins[i] = 2 // a single class has no second logit
		}
	}
	return margins
}

// HashLogits is the SHA-256 of all logits of all images in order, each as
// decimal text and a newline; "" for none.
func HashLogits(logits []bundle.Vec) string {
	if logits == nil {
		return ""
	}
	h := sha256.New()
	var b []byte
	for _, v := range logits {
		for k := range v.Len() {
			if v.Big == nil {
				b = strconv.AppendInt(b[:0], v.Small[k], 10)
			} else {
				b = v.Big[k].Append(b[:0], 10)
			}
			h.Write(append(b, '\n'))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// predictions are the labels that the answers stand for; nil where there are none.
func (l *Ladder) predictions(a he.Answers) Predictions {
	if a == nil {
		return nil
	}
	p := make(Predictions, a.Len())
	for i := range p {
		p[i] = a.Label(l.Output, i)
	}
	return p
}

func (l *Ladder) score(predictions Predictions) *float64 {
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

// CountFlips is the number of images that two stages answer differently, of those
// that both answered; 0 where one of them was not run.
func CountFlips(a, b Predictions) int {
	n := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
