package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qtool/task"
	"qtool/verify"
)

// Update is a baseline whose entry for the report's recipe is this report. Of an
// entry that exists, the budgets, the test and the bundle mode stay as people
// edited them; a new one gets DefaultTest, Exact and budgets with room to spare
// (see defaultBudgets). old may be nil and is not changed.
//
// What a gate would refuse for any baseline is no baseline: a partial run, a
// mismatch, figures that contradict the answers, and a budget passed. So is
// another dataset under the same recipe's name, and a report without the float
// stage where there was one. Those errors wrap ErrFailed.
func Update(old *Baseline, r *verify.Report) (*Baseline, error) {
	e := entryOf(r)
	if old != nil {
		if was := old.Entry(r.Recipe); was != nil {
			if err := replaceable(was, r); err != nil {
				return nil, err
			}
			if err := unchanged(was, r); err != nil {
				return nil, err
			}
			e.Bundle, e.Test, e.Budgets = was.Bundle, was.Test, was.Budgets
		}
	}
	b := old.with(e)
	if r.LogitMismatches > 0 && r.LogitMismatches == r.Explained {
		return nil, fmt.Errorf("%w: no baseline can be made of this report: mismatches: want 0, got %d, though wrong entries explain them", ErrFailed, r.LogitMismatches)
	}
	result := Check(r, b, Options{})
	for _, f := range result.Findings {
		if f.Status == Fail {
			return nil, fmt.Errorf("%w: no baseline can be made of this report: %s: want %s, got %s: %s", ErrFailed, f.Name, f.Want, f.Got, strings.TrimSuffix(f.Why, "."))
		}
	}
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("gate: report makes no baseline: %w", err)
	}
	return b, nil
}

func replaceable(was *Entry, r *verify.Report) error {
	if r.Dataset != was.Dataset || r.DatasetSHA256 != was.DatasetSHA256 {
		return fmt.Errorf("%w: recipe %q: the baseline is of dataset %s (%s), the report of %s (%s): remove the entry to start it anew",
			ErrFailed, was.Recipe, was.Dataset, was.DatasetSHA256, r.Dataset, r.DatasetSHA256)
	}
	if was.judged().Float != nil && r.Judged(r.Asked().Metric()).Float == nil {
		return fmt.Errorf("%w: recipe %q: the baseline has a float stage and the report has none", ErrFailed, was.Recipe)
	}
	return nil
}

// unchanged refuses a report of the very bundle that the entry is of, where it
// contradicts the entry on what follows from a bundle.
func unchanged(was *Entry, r *verify.Report) error {
	if was.BundleSHA256 != r.BundleSHA256 {
		return nil
	}
	for _, f := range Check(r, &Baseline{Schema: Schema, Recipes: []Entry{*was}}, Options{}).Findings {
		switch f.Name {
		case "logits", "predictions", "ranges":
			if f.Status == Fail {
				return fmt.Errorf("%w: recipe %q: same bundle, other %s: want %s, got %s: remove the entry to start it anew", ErrFailed, was.Recipe, f.Name, f.Want, f.Got)
			}
		}
	}
	return nil
}

func entryOf(r *verify.Report) Entry {
	e := Entry{
		Recipe: r.Recipe, Dataset: r.Dataset, DatasetSHA256: r.DatasetSHA256, Images: r.TestImages, Accuracy: r.Accuracy, Metric: r.Metric,
		Bundle: Exact, BundleSHA256: r.BundleSHA256, IntegerLogitsSHA256: r.IntegerLogitsSHA256, BundleBytes: r.Bytes.Bundle,
		Layers: layersOf(r),
		Test:   DefaultTest, Budgets: defaultBudgets(r),
		Predictions: Predictions{Labels: r.Answers.Labels, Float: r.Answers.Float, Integer: r.Answers.Integer},
	}
	if n := r.Unit(); n != task.Image {
		e.Noun = n.One
	}
	if r.Task == task.Regression {
		e.Task, e.Test, e.Predictions = r.Task, DefaultRegressionTest, Predictions{Values: r.Answers.Values}
		return e
	}
	if !slices.Equal(r.Answers.Encrypted, r.Answers.Integer) {
		e.Predictions.Encrypted = r.Answers.Encrypted
	}
	return e
}

func layersOf(r *verify.Report) []Layer {
	var layers []Layer
	for _, l := range r.Layers {
		layers = append(layers, Layer{l.Name, l.Op, l.Range})
	}
	return layers
}

// defaultBudgets leave room for an honest retraining, not for another design:
// twice the flips of quantization and 10 more, half as much again for the
// bundle, a quarter for ciphertexts and keys, four times the slowdown. What is
// exact has none: the integer program's flips against the quantized network stay
// as they are (0, or those that float accumulation past 2^24 makes), security
// stays at 128 bits, and one bit of noise budget is what the executors demand.
func defaultBudgets(r *verify.Report) Budgets {
	b := Budgets{
		MinNoiseBitsLeft:   pointer(1.0),
		MinSecurityBits:    pointer(int64(128)),
		MaxBundleBytes:     pointer(r.Bytes.Bundle + r.Bytes.Bundle/2),
		MaxKeyBytes:        pointer(r.Bytes.Keys + r.Bytes.Keys/4),
		MaxCiphertextBytes: pointer((r.Bytes.CiphertextIn + r.Bytes.CiphertextOut) / 4 * 5),
	}
	if r.Accuracy.Float != nil {
		b.MaxFlipsFloatInteger = pointer(int64(2*r.ArgmaxFlips.FloatInteger + 10))
	}
	if r.Accuracy.Quantized != nil {
		b.MaxFlipsQuantizedInteger = pointer(int64(r.ArgmaxFlips.QuantizedInteger))
	}
	if _, ok := r.Metric[task.AUC.Name]; ok {
		b.MaxAUCLoss = pointer(defaultAUCLoss)
	}
	if p := r.Precision; p != nil {
		b.MinNoiseBitsLeft = nil
		b.MaxFlipsIntegerEncrypted = pointer(int64(2*r.ArgmaxFlips.IntegerEncrypted + 2))
		b.MinPrecisionBits = pointer(max(0, math.Floor(p.Bits)-1))
	}
	if s := r.Seconds; s.Integer > 0 && s.Encrypted() > 0 {
		b.MaxSlowdown = pointer(math.Ceil(4 * s.Encrypted() / s.Integer))
	}
	return b
}

func pointer[T any](v T) *T { return &v }
