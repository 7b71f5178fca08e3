package report

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"qtool/model"
	"qtool/task"
	"qtool/verify"
)

// maxClasses bounds the classes of a report; labels are bytes.
const maxClasses = 256

// check refuses input whose parts contradict each other: a report that was
// edited, or files of different runs.
func (in *Input) check() error {
	if in.Report == nil {
		return errors.New("report: no report to draw")
	}
	for _, check := range []func() error{in.checkAnswers, in.checkMetrics, in.checkFlips, in.checkOrigin, in.checkImages} {
		if err := check(); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

func (in *Input) checkAnswers() error {
	r := in.Report
	n := len(r.Answers.Labels)
	if r.TestImages < 0 || r.Images < 0 || r.TestImages > 0 && in.images() > r.TestImages {
		return fmt.Errorf("%s of a test set of %d", in.unit().Count(in.images()), r.TestImages)
	}
	if n > 0 && r.Images > 0 && n != r.Images && (r.Answers.Encrypted == nil || r.Images > n) {
		return fmt.Errorf("%s, but answers to %d", in.unit().Count(r.Images), n)
	}
	if m := len(r.Answers.Margins); m != 0 && m != n {
		return fmt.Errorf("%d margins for %s", m, in.unit().Count(n))
	}
	if err := in.checkClasses("label", r.Answers.Labels); err != nil {
		return err
	}
	for _, stage := range in.ladderStages() {
		if a := stage.Accuracy; a != nil && !(*a >= 0 && *a <= 1) {
			return fmt.Errorf("accuracy.%s is %v, outside 0..1", stage.Name, *a)
		}
		if stage.Answers == nil {
			continue
		}
		if err := in.checkClasses(stage.Name+" answer", stage.Answers); err != nil {
			return err
		}
		want := n
		if stage.Name == encryptedStage {
			want = cmp.Or(r.Images, n)
		}
		if len(stage.Answers) != want {
			return fmt.Errorf("%s stage has %d answers for %s", stage.Name, len(stage.Answers), in.unit().Count(want))
		}
		if err := checkShare(stage.Name, stage.Accuracy, r.Answers.Labels, stage.Answers); err != nil {
			return err
		}
	}
	return in.checkOnEncrypted()
}

// checkMetrics holds the metrics beside accuracy to the values that they follow from.
func (in *Input) checkMetrics() error {
	r := in.Report
	if s := r.Samples; s != 0 && s != r.Images {
		return fmt.Errorf("samples is %d, images %d", s, r.Images)
	}
	if r.Answers.Values == nil {
		return nil // as in reports of which the answers were left out
	}
	want := r.Answers.Metrics(r.Asked())
	for _, m := range r.Asked().Metrics() {
		if m == task.Accuracy {
			continue
		}
		for _, name := range verify.StageNames {
			w, g := want[m.Name].Stage(name), r.Metric[m.Name].Stage(name)
			if (w == nil) != (g == nil) || w != nil && math.Abs(*w-*g) > 1e-9 {
				return fmt.Errorf("metric.%s.%s is %s, its answers give %s", m.Name, name, orNull(g), orNull(w))
			}
		}
	}
	return nil
}

// checkOnEncrypted holds the integer stage's accuracy on the images that were
// encrypted to its answers there. It is stated where these are fewer.
func (in *Input) checkOnEncrypted() error {
	const name = "integer_on_encrypted"
	a, stated := in.Report.Answers, in.Report.Accuracy.IntegerOnEncrypted
	n := len(a.Encrypted)
	if n == 0 || n >= len(a.Integer) {
		if stated != nil {
			return fmt.Errorf("accuracy.%s is %v, but the integer and the encrypted stage have no other %s", name, *stated, in.unit().Many)
		}
		return nil
	}
	return checkShare(name, stated, a.Labels, a.Integer[:n])
}

// checkShare holds a stated accuracy to answers, of which there may be none.
func checkShare(name string, stated *float64, labels, answers verify.Predictions) error {
	if len(answers) == 0 {
		return nil
	}
	share := float64(right(labels, answers)) / float64(len(answers))
	if stated == nil || math.Abs(*stated-share) > 1e-9 {
		return fmt.Errorf("accuracy.%s is %s, its answers give %v", name, orNull(stated), share)
	}
	return nil
}

func (in *Input) checkFlips() error {
	a, f := in.Report.Answers, in.Report.ArgmaxFlips
	for _, c := range []struct {
		name string
		a, b verify.Predictions
		n    int
	}{
		{"float_integer", a.Float, a.Integer, f.FloatInteger},
		{"quantized_integer", a.Quantized, a.Integer, f.QuantizedInteger},
		{"integer_encrypted", a.Integer, a.Encrypted, f.IntegerEncrypted},
	} {
		if c.a == nil || c.b == nil {
			continue
		}
		if n := len(flipped(c.a, c.b)); n != c.n {
			return fmt.Errorf("argmax_flips.%s is %d, the answers give %d", c.name, c.n, n)
		}
	}
	if p := in.Report.Precision; p != nil {
		if n := f.IntegerEncrypted; n != len(p.Flips) {
			return fmt.Errorf("%d answers differ between integer and encrypted, but %d flips are listed", n, len(p.Flips))
		}
	} else if n := f.IntegerEncrypted; n > in.Report.LogitMismatches {
		return fmt.Errorf("%d answers differ between integer and encrypted, but only %d logits", n, in.Report.LogitMismatches)
	}
	return nil
}

// checkOrigin compares where the files say they come from.
func (in *Input) checkOrigin() error {
	r := in.Report
	if in.Bundle != nil {
		p := in.Bundle.Provenance
		if p.DatasetSHA256 != r.DatasetSHA256 {
			return fmt.Errorf("bundle was made with dataset %s, the report is of %s", p.DatasetSHA256, r.DatasetSHA256)
		}
		if p.Recipe != r.Recipe || p.Seed != r.Seed {
			return fmt.Errorf("bundle is of recipe %q with seed %d, the report of %q with seed %d", p.Recipe, p.Seed, r.Recipe, r.Seed)
		}
		for _, list := range append(in.ladderStages(), ladderStage{Name: "label", Answers: r.Answers.Labels}) {
			labels := len(in.Bundle.Program.Labels)
			if i := slices.IndexFunc(list.Answers, func(c int) bool { return c >= labels }); i >= 0 {
				return fmt.Errorf("%s of %s %d is class %d of a bundle with %d labels", list.Name, in.unit().One, i, list.Answers[i], labels)
			}
		}
	}
	for _, c := range []*model.Checkpoint{in.Float, in.Quantized} {
		if c == nil {
			continue
		}
		if p := c.Provenance; p.DatasetSHA256 != r.DatasetSHA256 {
			return fmt.Errorf("%s checkpoint was made with dataset %s, the report is of %s", p.Stage, p.DatasetSHA256, r.DatasetSHA256)
		}
	}
	return nil
}

// checkImages compares the test split with the labels that were answered.
func (in *Input) checkImages() error {
	labels := in.Report.Answers.Labels
	if in.Test == nil {
		return nil
	}
	if in.Test.Len() < len(labels) {
		return fmt.Errorf("%d test %s for %d answers", in.Test.Len(), in.unit().Many, len(labels))
	}
	for i, c := range labels {
		if int(in.Test.Labels[i]) != c {
			return fmt.Errorf("test %s %d has label %d, the report says %d", in.unit().One, i, in.Test.Labels[i], c)
		}
	}
	return nil
}

func (in *Input) checkClasses(what string, p verify.Predictions) error {
	for i, c := range p {
		if c < 0 || c >= maxClasses {
			return fmt.Errorf("%s of %s %d is %d, outside 0..%d", what, in.unit().One, i, c, maxClasses-1)
		}
	}
	return nil
}

// right counts the answers that are the label.
func right(labels, answers verify.Predictions) int {
	return len(answers) - len(flipped(labels, answers))
}

// flipped is the samples whose answers differ, among the samples in both lists.
func flipped(a, b verify.Predictions) []int {
	var images []int
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			images = append(images, i)
		}
	}
	return images
}

func orNull(x *float64) string {
	if x == nil {
		return "null"
	}
	return fmt.Sprint(*x)
}
