package gate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"qtool/verify"
)

// Where only the first images were encrypted, the other stages are compared on all
// of the images and the encrypted one on its own.
func TestEncryptedPart(t *testing.T) {
	const n, encrypted = 2000, 50
	exact, approximate := mustUpdate(t, nil, testReport(n)), mustUpdate(t, nil, approximateReport(n))
	part := func() *verify.Report {
		r := testReport(n)
		encryptFirst(r, encrypted)
		return r
	}
	if r := part(); *r.Accuracy.Encrypted == *r.Accuracy.Integer && *r.Accuracy.Float == *r.Accuracy.Integer {
		t.Fatal("the test report tells accuracies of a part and of all apart no longer")
	}
	for _, c := range []struct {
		name   string
		base   *Baseline
		change func(*verify.Report)
		failed string
	}{
		{"as it is", exact, func(*verify.Report) {}, ""},
		{"an integer answer beyond the part", exact, func(r *verify.Report) {
			r.Answers.Integer[n-1] = (r.Answers.Integer[n-1] + 1) % 10
			restate(r)
		}, "predictions flips-quantized-integer"},
		{"integer answers lost beyond the part", exact, func(r *verify.Report) {
			r.BundleSHA256 = hash("c")
			for i := n - 60; i < n; i++ {
				r.Answers.Float[i], r.Answers.Quantized[i], r.Answers.Integer[i] = 11, 11, 11
			}
			restate(r)
		}, "bundle accuracy-float accuracy-integer"},
		{"answers lost in the part", exact, func(r *verify.Report) { r.BundleSHA256 = hash("c"); lose(r, 20) }, "bundle accuracy-float accuracy-integer accuracy-encrypted"},
		{"other logits beyond the part", exact, func(r *verify.Report) { r.IntegerLogitsSHA256 = hash("2") }, "logits"},
		{"the accuracy of all for that of the part", exact, func(r *verify.Report) { r.Accuracy.Encrypted = pointer(0.5) }, "consistency"},
		{"no accuracy of the integers on the part", exact, func(r *verify.Report) { r.Accuracy.IntegerOnEncrypted = nil }, "consistency"},
		{"another one", exact, func(r *verify.Report) { r.Accuracy.IntegerOnEncrypted = pointer(1.0) }, "consistency"},
		{"flips that are not there", exact, func(r *verify.Report) { r.ArgmaxFlips.IntegerEncrypted = 1 }, "consistency"},
		{"fewer encrypted than stated", exact, func(r *verify.Report) { r.Answers.Encrypted = r.Answers.Encrypted[:49]; restate(r) }, "consistency"},
		{"more encrypted than stated", exact, func(r *verify.Report) { r.Images = 49 }, "consistency"},
		{"float answers cut too", exact, func(r *verify.Report) { r.Answers.Float = r.Answers.Float[:encrypted]; restate(r) }, "consistency"},
		{"more answers than test images", exact, func(r *verify.Report) { r.TestImages = n - 1 }, "images consistency"},
		{"a part that is approximate", approximate, func(r *verify.Report) {
			*r = *approximateReport(n, 7)
			encryptFirst(r, encrypted)
		}, ""},
		{"a listed flip beyond the part", approximate, func(r *verify.Report) {
			*r = *approximateReport(n, 7, 90)
			encryptFirst(r, encrypted)
		}, "consistency"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := part()
			c.change(r)
			result := Check(r, c.base, Options{AllowSample: true})
			if got := strings.Join(result.Failed(), " "); got != c.failed {
				t.Errorf("failed %q, want %q", got, c.failed)
			}
		})
	}

	result := Check(part(), exact, Options{AllowSample: true})
	for _, f := range result.Findings {
		switch f.Name {
		case "images":
			if f.Status != Info || !strings.Contains(f.Why, "encrypted answers below are of the first 50 of 2000 images, comparisons of other stages of the first 2000") {
				t.Errorf("images: %s: %s", f.Status, f.Why)
			}
		case "slowdown":
			if f.Status != Skip {
				t.Errorf("slowdown: %s", f.Status)
			}
		case "logits", "predictions", "accuracy-encrypted":
			if f.Status != Pass {
				t.Errorf("%s: %s: %s", f.Name, f.Status, f.Why)
			}
		}
	}
	if result := Check(part(), exact, Options{}); !slices.Equal(result.Failed(), []string{"images"}) || result.Updatable() {
		t.Errorf("a partial run failed %v, want images", result.Failed())
	}
	if _, err := Update(nil, part()); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "images") {
		t.Errorf("a baseline of a partial run: %v", err)
	}
}

// lose makes the first n answers wrong on every stage.
func lose(r *verify.Report, n int) {
	a := &r.Answers
	for _, p := range []verify.Predictions{a.Float, a.Quantized, a.Integer, a.Encrypted} {
		for i := range n {
			p[i] = 11
		}
	}
	restate(r)
}
