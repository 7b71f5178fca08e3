package main

import (
	"bytes"
	"strings"
	"testing"

	"qtool/tune"
	"qtool/tune/pareto"
)

// A search says what its figures are: the metric in the head of the table and in the
// sentence below it, its figures as the metric is written.
func TestSearchNamesTheMetric(t *testing.T) {
	for metric, want := range map[string][]string{
		"":     {"ACCURACY", "75.00 %", "Accuracies are of the integer programs", "has 80.00 %;"},
		"rmse": {"RMSE", "0.75", "The RMSE is of the integer programs", "has 0.8;"},
	} {
		r := &tune.Report{
			Metric: metric, FloatAccuracy: 0.8,
			Front: []tune.Choice{{Candidate: tune.Candidate{Point: pareto.Point{}, Accuracy: 0.7}, Tuned: 0.75}},
		}
		var out bytes.Buffer
		p := &printer{w: &out}
		p.search(r, "bits")
		if p.err != nil {
			t.Fatal(p.err)
		}
		for _, words := range want {
			if !strings.Contains(strings.ToUpper(out.String()), strings.ToUpper(words)) {
				t.Errorf("metric %q: %q is not in\n%s", metric, words, &out)
			}
		}
	}
}
