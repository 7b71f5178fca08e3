package gate

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"qtool/task"
	"qtool/verify"
)

// The largest test set, and the most recipes and layers, that a baseline may
// describe; any real one is far smaller.
const (
	maxImages  = 10_000_000
	maxRecipes = 1000
	maxLayers  = 10_000
)

func (b *Baseline) validate() error {
	if n := len(b.Recipes); n > maxRecipes {
		return fmt.Errorf("%d recipes pass the limit of %d", n, maxRecipes)
	}
	seen := map[string]bool{}
	for i := range b.Recipes {
		e := &b.Recipes[i]
		if e.Recipe == "" {
			return fmt.Errorf("recipe %d has no name", i)
		}
		if seen[e.Recipe] {
			return fmt.Errorf("recipe %q stands twice", e.Recipe)
		}
		seen[e.Recipe] = true
		if err := e.validate(); err != nil {
			return fmt.Errorf("recipe %q: %w", e.Recipe, err)
		}
	}
	return nil
}

func (e *Entry) validate() error {
	if e.Images < 1 || e.Images > maxImages {
		return fmt.Errorf("images %d is outside 1..%d", e.Images, maxImages)
	}
	if e.Dataset == "" {
		return errors.New("dataset has no name")
	}
	for _, h := range []struct{ key, sum string }{
		{"dataset_sha256", e.DatasetSHA256}, {"bundle_sha256", e.BundleSHA256}, {"integer_logits_sha256", e.IntegerLogitsSHA256},
	} {
		if b, err := hex.DecodeString(h.sum); err != nil || len(b) != 32 {
			return fmt.Errorf("%s %q is not 64 hexadecimal digits", h.key, h.sum)
		}
	}
	if e.Bundle != Exact && e.Bundle != Free {
		return fmt.Errorf("bundle %q is unknown: want %q or %q", e.Bundle, Exact, Free)
	}
	if e.BundleBytes < 1 {
		return fmt.Errorf("bundle_bytes %d is not positive", e.BundleBytes)
	}
	if err := e.Test.validate(); err != nil {
		return fmt.Errorf("test: %w", err)
	}
	if err := e.Budgets.validate(); err != nil {
		return fmt.Errorf("budgets: %w", err)
	}
	if n := len(e.Layers); n < 1 || n > maxLayers {
		return fmt.Errorf("%d layers is outside 1..%d", n, maxLayers)
	}
	for i, l := range e.Layers {
		if l.Range.Lo == nil {
			return fmt.Errorf("layer %d (%q) has no range", i, l.Name)
		}
	}
	if err := e.validateTask(); err != nil {
		return err
	}
	if e.Task == task.Regression {
		return e.validateValues()
	}
	return e.validatePredictions()
}

func (b *Budgets) validate() error {
	for _, limit := range []struct {
		key string
		v   *int64
	}{
		{"max_flips_float_integer", b.MaxFlipsFloatInteger}, {"max_flips_quantized_integer", b.MaxFlipsQuantizedInteger},
		{"max_flips_integer_encrypted", b.MaxFlipsIntegerEncrypted}, {"min_security_bits", b.MinSecurityBits}, {"max_bundle_bytes", b.MaxBundleBytes},
		{"max_key_bytes", b.MaxKeyBytes}, {"max_ciphertext_bytes", b.MaxCiphertextBytes},
	} {
		if limit.v != nil && *limit.v < 0 {
			return fmt.Errorf("%s %d is negative", limit.key, *limit.v)
		}
	}
	if b.MinNoiseBitsLeft != nil && *b.MinNoiseBitsLeft < 0 {
		return fmt.Errorf("min_noise_bits_left %v is negative", *b.MinNoiseBitsLeft)
	}
	if b.MinPrecisionBits != nil && !(*b.MinPrecisionBits >= 0) {
		return fmt.Errorf("min_precision_bits %v is not at least 0", *b.MinPrecisionBits)
	}
	if b.MaxAUCLoss != nil && !(*b.MaxAUCLoss >= 0 && *b.MaxAUCLoss <= 1) {
		return fmt.Errorf("max_auc_loss %v is outside 0..1", *b.MaxAUCLoss)
	}
	if b.MaxSlowdown != nil && *b.MaxSlowdown <= 0 {
		return fmt.Errorf("max_slowdown %v is not positive", *b.MaxSlowdown)
	}
	if b.EnforceSlowdown && b.MaxSlowdown == nil {
		return errors.New("enforce_slowdown needs max_slowdown")
	}
	return nil
}

// validatePredictions holds the lists to the images and the accuracies to the
// lists.
func (e *Entry) validatePredictions() error {
	p := &e.Predictions
	for _, stage := range []struct {
		name     string
		answers  verify.Predictions
		accuracy *float64
		optional bool
	}{
		{"labels", p.Labels, nil, false},
		{"float", p.Float, e.Accuracy.Float, true},
		{"integer", p.Integer, e.Accuracy.Integer, false},
		{"encrypted", p.encrypted(), e.Accuracy.Encrypted, false},
	} {
		if stage.optional && stage.answers == nil && stage.accuracy == nil {
			continue
		}
		if len(stage.answers) != e.Images {
			return fmt.Errorf("predictions.%s has %d answers for %s", stage.name, len(stage.answers), e.unit().Count(e.Images))
		}
		if slices.Min(stage.answers) < 0 {
			return fmt.Errorf("predictions.%s has the negative class %d", stage.name, slices.Min(stage.answers))
		}
		if stage.name == "labels" {
			continue
		}
		if want := accuracy(p.Labels, stage.answers); stage.accuracy == nil || *stage.accuracy != want {
			return fmt.Errorf("predictions.%s gives accuracy %v, the entry says %s", stage.name, want, stated(stage.accuracy))
		}
	}
	if a := e.Accuracy.IntegerOnEncrypted; a != nil {
		return fmt.Errorf("accuracy.integer_on_encrypted is %v, though an entry is of a whole test set", *a)
	}
	if q := e.Accuracy.Quantized; q != nil && (*q < 0 || *q > 1 || math.IsNaN(*q)) {
		return fmt.Errorf("accuracy.quantized %v is outside 0..1", *q)
	}
	return nil
}

// accuracy is the share of answers that are the label, as the report rounds it;
// there may be more labels.
func accuracy(labels, answers verify.Predictions) float64 {
	right := 0
	for i, a := range answers {
		if a == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(answers))
}

func stated(a *float64) string {
	if a == nil {
		return "none"
	}
	return fmt.Sprint(*a)
}
