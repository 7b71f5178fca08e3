package gate

import "fmt"

// Changes says what an update did to one recipe's entry, a line each; none if
// nothing changed. old may be nil.
func Changes(old, b *Baseline, recipe string) []string {
	now := b.Entry(recipe)
	if old == nil || old.Entry(recipe) == nil {
		return []string{fmt.Sprintf("new entry: %d images of %s, integer accuracy %s", now.Images, now.Dataset, percent(*now.Accuracy.Integer))}
	}
	was := old.Entry(recipe)
	var lines []string
	line := func(name, a, b string) {
		if a != b {
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", name, a, b))
		}
	}
	line("bundle_sha256", was.BundleSHA256, now.BundleSHA256)
	line("integer_logits_sha256", was.IntegerLogitsSHA256, now.IntegerLogitsSHA256)
	line("bundle_bytes", fmt.Sprint(was.BundleBytes), fmt.Sprint(now.BundleBytes))
	line("accuracy.quantized", rate(was.Accuracy.Quantized), rate(now.Accuracy.Quantized))
	for _, r := range []struct {
		name     string
		a, b     *float64
		was, now []int
	}{
		{"float", was.Accuracy.Float, now.Accuracy.Float, was.Predictions.Float, now.Predictions.Float},
		{"integer", was.Accuracy.Integer, now.Accuracy.Integer, was.Predictions.Integer, now.Predictions.Integer},
	} {
		if len(r.was) != len(r.now) {
			line("accuracy."+r.name, rate(r.a), rate(r.b))
			continue
		}
		lost, gained := discordant(now.Predictions.Labels, r.was, r.now)
		if lost+gained > 0 {
			lines = append(lines, fmt.Sprintf("accuracy.%s: %s -> %s (%d images lost, %d gained)", r.name, rate(r.a), rate(r.b), lost, gained))
		}
	}
	for i := range max(len(was.Layers), len(now.Layers)) {
		line(fmt.Sprintf("layers[%d]", i), describeLayer(was.Layers, i), describeLayer(now.Layers, i))
	}
	return lines
}

func rate(a *float64) string {
	if a == nil {
		return "not run"
	}
	return percent(*a)
}
