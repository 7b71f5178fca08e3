package report

import (
	"strings"
	"testing"
)

// encryptFirst leaves the first n images encrypted, and all answered.
func encryptFirst(in *Input, n int) {
	r := in.Report
	r.Images, r.Answers.Encrypted = n, r.Answers.Encrypted[:n]
	share := float64(right(r.Answers.Labels, r.Answers.Encrypted)) / float64(n)
	same := share
	r.Accuracy.Encrypted, r.Accuracy.IntegerOnEncrypted = &share, &same
}

// Where fewer images were encrypted than answered, every figure says of how many
// it is, and the encrypted accuracy stands beside the integers' on the same images.
func TestBuildPart(t *testing.T) {
	in := sample(t)
	encryptFirst(&in, 20)
	r := in.Report
	if *r.Accuracy.Encrypted == *r.Accuracy.Integer {
		t.Fatal("the sample tells the accuracies of a part and of all apart no longer")
	}
	page := build(t, in)
	for _, want := range []string{
		"The first 20 of 60 test images encrypted; every one of 60 logits equals the integer reference.",
		"40 more were answered in the clear only.",
		"of 20 images; the integers&#39; on these: " + percent(*r.Accuracy.IntegerOnEncrypted),
		"Only the first 20 of these were encrypted, on which the integer stage has " + percent(*r.Accuracy.IntegerOnEncrypted),
		"60 test images (encrypted: the first 20)",
		"Answers of the integer stage: a row for each label", // the last one that answered all
		"All 20 answers are the same.",
		"for 20 images, ",
		"qtool verify-encrypted --bundle model.qb --out checked --encrypted-limit 20",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page doesn't say %q", want)
		}
	}
	rows := in.ladder().Rows
	if strings.Contains(rows[2].Right, "of") || !strings.HasSuffix(rows[3].Right, " of 20") || rows[3].Against != "0 logits differ" {
		t.Errorf("integer row %+v, encrypted row %+v", rows[2], rows[3])
	}
	if names := []string{in.tiles()[0].Name, in.tiles()[1].Name, in.tiles()[2].Name}; strings.Join(names, ", ") != "float accuracy, integer accuracy, encrypted accuracy" {
		t.Errorf("tiles %q", names)
	}
	if in.verdict().Kind != "part" {
		t.Errorf("verdict %+v", in.verdict())
	}
}
