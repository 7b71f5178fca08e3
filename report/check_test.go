package report

import (
	"strings"
	"testing"
)

// TestBuildRefuses has input whose parts contradict each other.
func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"no report", func(in *Input) { in.Report = nil }, "no report to draw"},
		{"edited accuracy", func(in *Input) { *in.Report.Accuracy.Encrypted = 0.99 }, "accuracy.encrypted is 0.99, its answers give "},
		{"edited answer", func(in *Input) { in.Report.Answers.Float[0] = (in.Report.Answers.Float[0] + 1) % 3 }, "its answers give "},
		{"edited flips", func(in *Input) { in.Report.ArgmaxFlips.FloatInteger = 0 }, "argmax_flips.float_integer is 0, the answers give 2"},
		{"impossible accuracy", func(in *Input) { *in.Report.Accuracy.Float = 1.5 }, "accuracy.float is 1.5, outside 0..1"},
		{"image count", func(in *Input) { in.Report.Images = 59 }, "encrypted stage has 60 answers for 59 images"},
		{"image count, nothing encrypted", func(in *Input) {
			in.Report.Images, in.Report.Answers.Encrypted, in.Report.Accuracy.Encrypted = 59, nil, nil
		}, "59 images, but answers to 60"},
		{"more encrypted than answered", func(in *Input) { in.Report.Images, in.Report.TestImages = 61, 61 }, "61 images, but answers to 60"},
		{"fewer encrypted than stated", func(in *Input) { encryptFirst(in, 20); in.Report.Images = 21 }, "encrypted stage has 20 answers for 21 images"},
		{"part as if whole", func(in *Input) { encryptFirst(in, 20); in.Report.Images = 60 }, "encrypted stage has 20 answers for 60 images"},
		{"no accuracy to compare with", func(in *Input) { encryptFirst(in, 20); in.Report.Accuracy.IntegerOnEncrypted = nil }, "accuracy.integer_on_encrypted is null, its answers give"},
		{"edited accuracy to compare with", func(in *Input) { encryptFirst(in, 20); *in.Report.Accuracy.IntegerOnEncrypted = 0.99 }, "accuracy.integer_on_encrypted is 0.99, its answers give"},
		{"accuracy to compare with of all", func(in *Input) { in.Report.Accuracy.IntegerOnEncrypted = in.Report.Accuracy.Integer }, "have no other images"},
		{"more than all", func(in *Input) { in.Report.TestImages = 59 }, "60 images of a test set of 59"},
		{"short stage", func(in *Input) { in.Report.Answers.Integer = in.Report.Answers.Integer[:59] }, "integer stage has 59 answers for 60 images"},
		{"short margins", func(in *Input) { in.Report.Answers.Margins = in.Report.Answers.Margins[:7] }, "7 margins for 60 images"},
		{"wild class", func(in *Input) { in.Report.Answers.Labels[9] = 1 << 40 }, "label of image 9 is 1099511627776, outside 0..255"},
		{"class without label", func(in *Input) {
			a := &in.Report.Answers
			for i := range a.Labels { // a wrong answer that stays wrong
				if a.Float[i] != a.Labels[i] && a.Float[i] == a.Integer[i] {
					a.Float[i] = 7
					in.Report.ArgmaxFlips.FloatInteger++
					return
				}
			}
		}, "is class 7 of a bundle with 3 labels"},
		{"hidden mismatch", func(in *Input) {
			e := in.Report.Answers.Encrypted
			for i := range e { // a wrong answer that stays wrong
				if other := 3 - e[i] - in.Report.Answers.Labels[i]; e[i] != in.Report.Answers.Labels[i] {
					e[i] = other
					in.Report.ArgmaxFlips.IntegerEncrypted = 1
					return
				}
			}
		}, "1 answers differ between integer and encrypted, but only 0 logits"},
		{"other bundle", func(in *Input) { in.Bundle.Provenance.Seed = 4 }, "with seed 4, the report of"},
		{"other dataset", func(in *Input) { in.Bundle.Provenance.DatasetSHA256 = "ee" }, "bundle was made with dataset ee, the report is of dd"},
		{"other checkpoint", func(in *Input) { in.Float.Provenance.DatasetSHA256 = "ee" }, "checkpoint was made with dataset ee"},
		{"other images", func(in *Input) { in.Test.Labels[2] = 0 }, "test image 2 has label 0, the report says 2"},
		{"few images", func(in *Input) { in.Test = in.Test.First(10) }, "10 test images for 60 answers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := sample(t)
			c.change(&in)
			b, err := Build(in)
			if err == nil || b != nil {
				t.Fatalf("drawn, want an error with %q", c.want)
			}
			if !strings.HasPrefix(err.Error(), "report: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want it to say %q", err, c.want)
			}
		})
	}
}
