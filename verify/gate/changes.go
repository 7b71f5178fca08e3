package gate

import (
	"fmt"

	"qtool/task"
	"qtool/verify"
)

// Changes says what an update did to one recipe's entry, a line each; none if
// nothing changed. old may be nil.
func Changes(old, b *Baseline, recipe string) []string {
	now := b.Entry(recipe)
	if old == nil || old.Entry(recipe) == nil {
		return []string{fmt.Sprintf("new entry: %d %s of %s, %s", now.Images, now.unit().For(now.Images), now.Dataset, now.reached())}
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
			lines = append(lines, fmt.Sprintf("accuracy.%s: %s -> %s (%d %s lost, %d gained)", r.name, rate(r.a), rate(r.b), lost, now.unit().For(lost), gained))
		}
	}
	for _, m := range now.judgedBy() {
		for _, stage := range verify.StageNames {
			line(m.Name+"."+stage, value(m, was.Metric[m.Name].Stage(stage)), value(m, now.Metric[m.Name].Stage(stage)))
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

// value is a metric for people, "not run" for none.
func value(m task.Metric, x *float64) string {
	if x == nil {
		return "not run"
	}
	return m.Format(*x)
}

// judgedBy are the entry's metrics beside accuracy.
func (e *Entry) judgedBy() (all []task.Metric) {
	for _, m := range []task.Metric{task.AUC, task.RMSE, task.MAE, task.R2} {
		if _, ok := e.Metric[m.Name]; ok {
			all = append(all, m)
		}
	}
	return all
}

// reached is the metric that decides, of the integer stage.
func (e *Entry) reached() string {
	m, x := task.Accuracy, e.Accuracy.Integer
	if e.Task == task.Regression {
		m, x = task.RMSE, e.Metric[task.RMSE.Name].Integer
	}
	return "integer " + m.Title + " " + value(m, x)
}

// unit is the word for the entry's samples.
func (e *Entry) unit() task.Noun { return task.Named(e.Noun) }
