package report

import (
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/task"
	"qtool/verify"
)

// reportOf is a page's input for a ladder of two samples called noun.
func reportOf(t *testing.T, noun task.Noun, kind task.Kind, l verify.Ladder) Input {
	t.Helper()
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	r := &verify.Report{
		Schema: verify.ReportSchema, Recipe: "r", Dataset: "d", Images: 2, TestImages: 2, Noun: noun.One, Task: kind,
		Backend: &verify.Backend{Backend: he.Backend{Name: "bgv", LogN: 12, Slots: 4096, SecurityBits: 128}}, Seconds: verify.Seconds{Evaluate: 1},
	}
	r.Apply(c)
	return Input{Report: r}
}

func pageOf(t *testing.T, in Input) string {
	t.Helper()
	b, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A page of a regression speaks of its metrics and of its samples by their noun.
func TestRegressionPage(t *testing.T) {
	vec := func(x ...int64) bundle.Vec { return bundle.Vec{Small: x} }
	in := reportOf(t, task.Molecule, task.Regression, verify.Ladder{
		Task: task.Task{Kind: task.Regression, Outputs: 1}, Output: &bundle.Node{Scale: []float64{0.5}},
		Targets: verify.Numbers{1, -1}, FloatValues: verify.Numbers{1.25, -1},
		Integer: []bundle.Vec{vec(2), vec(-4)}, Encrypted: he.Exact{vec(2), vec(-4)},
	})
	html := pageOf(t, in)
	for _, want := range []string{
		"RMSE, stage by stage", "2 molecules encrypted; every logit equals the integer reference.", "encrypted RMSE", "0.7071", "MAE", "0.1250", "R²",
		"time a molecule", "The report holds no answers molecule by molecule.",
	} {
		if want = strings.ReplaceAll(want, "0.1250", "0.125"); !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"image", "95 % interval", "Nothing was encrypted"} {
		if strings.Contains(strings.NewReplacer("image-rendering", "", "data:image", "").Replace(html), not) {
			t.Errorf("the page has %q", not)
		}
	}
	in.Report.Metric["mae"] = verify.Accuracy{}
	if _, err := Build(in); err == nil || !strings.Contains(err.Error(), "metric.mae.float is null, its answers give 0.125") {
		t.Errorf("an altered metric: %v", err)
	}
}

// A page of sentences with two labels has the AUC of each stage and says sentences.
func TestSentencePage(t *testing.T) {
	vec := func(x ...int64) bundle.Vec { return bundle.Vec{Small: x} }
	in := reportOf(t, task.Sentence, task.Classification, verify.Ladder{
		Task: task.Task{Kind: task.Classification, Outputs: 2}, Output: &bundle.Node{Scale: []float64{0.5}},
		Labels: []uint8{0, 1}, Float: verify.Predictions{0, 1}, FloatValues: verify.Numbers{0.5, 0.25},
		Integer: []bundle.Vec{vec(2, 0), vec(0, 1)}, Encrypted: he.Exact{vec(2, 0), vec(0, 1)},
	})
	html := pageOf(t, in)
	for _, want := range []string{"Accuracy, stage by stage", "2 sentences encrypted", "AUC", "0.0000", "1.0000", "Accuracy on 2 test sentences"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(strings.NewReplacer("image-rendering", "", "data:image", "").Replace(html), "image") {
		t.Error("the page speaks of images")
	}
	in.Report.Samples = 3
	if _, err := Build(in); err == nil || !strings.Contains(err.Error(), "samples is 3, images 2") {
		t.Errorf("two numbers of samples: %v", err)
	}
}
