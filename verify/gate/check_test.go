package gate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/verify"
)

func TestSameReportPasses(t *testing.T) {
	r := testReport(10000)
	b := mustUpdate(t, nil, r)
	result := Check(clone(t, r), b, Options{})
	if !result.Passed || result.Err() != nil || len(result.Flips) != 0 || result.Sample {
		t.Errorf("passed %v, error %v, %d flips, sample %v", result.Passed, result.Err(), len(result.Flips), result.Sample)
	}
	for _, f := range result.Findings {
		if f.Status != Pass && f.Name != "slowdown" {
			t.Errorf("%s: %s: %s", f.Name, f.Status, f.Why)
		}
		if f.Why == "" {
			t.Errorf("%s: no reason", f.Name)
		}
	}
}

// TestFailures changes one thing at a time and wants exactly the checks that
// this thing concerns to fail, with a sentence that says it.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*verify.Report, *Entry)
		want   string // the failed checks
		why    string // part of the first one's reason or value
	}{
		{"one weight changed by one step", func(r *verify.Report, _ *Entry) {
			r.BundleSHA256, r.IntegerLogitsSHA256 = hash("c"), hash("2")
		}, "bundle", "some weight, quantizer or proof changed"},
		{"accuracy lowered by shorter training", func(r *verify.Report, _ *Entry) {
			r.BundleSHA256, r.IntegerLogitsSHA256 = hash("c"), hash("2")
			spoil(r, 200)
			gain(r, 30)
		}, "bundle accuracy-float accuracy-integer accuracy-encrypted", ""},
		{"accuracy lowered, any bundle allowed", func(r *verify.Report, e *Entry) {
			e.Bundle, r.BundleSHA256 = Free, hash("c")
			spoil(r, 31)
			gain(r, 9)
		}, "accuracy-float accuracy-integer accuracy-encrypted", "31 images lost and 9 gained of 10000: a loss of 0.22 points, more than the 0.10 allowed"},
		{"a float answer tampered with, figures and all", func(r *verify.Report, _ *Entry) {
			r.Answers.Float[3] = (r.Answers.Float[3] + 1) % 10
			restate(r)
		}, "predictions", "the report or the baseline was altered"},
		{"plaintext modulus too small", func(r *verify.Report, _ *Entry) { r.Backend.PlaintextModuli = []uint64{40961} },
			"modulus", "too small for the static bound [-30000, 30000]"},
		{"plaintext modulus one too small", func(r *verify.Report, _ *Entry) { r.Backend.PlaintextModuli = []uint64{59999} }, "modulus", "wraps around"},
		{"one prime twice", func(r *verify.Report, _ *Entry) { r.Backend.PlaintextModuli = []uint64{65537, 65537} }, "modulus", "distinct primes"},
		{"a modulus that is no prime", func(r *verify.Report, _ *Entry) { r.Backend.PlaintextModuli = []uint64{1<<64 - 1} }, "modulus", "distinct primes"},
		{"no plaintext modulus", func(r *verify.Report, _ *Entry) { r.Backend.PlaintextModuli = nil }, "modulus", "wraps around"},
		{"wrapped logits", func(r *verify.Report, _ *Entry) {
			r.LogitMismatches, r.FirstMismatch = 3, &verify.Mismatch{Image: 8, Logit: 1, Want: "40000", Got: "-25537"}
		}, "mismatches", "first at image 8, logit 1: -25537 for 40000"},
		{"a mismatch that is not counted", func(r *verify.Report, _ *Entry) { r.FirstMismatch = &verify.Mismatch{} }, "mismatches", ""},
		{"9999 images", func(r *verify.Report, _ *Entry) { keep(r, 9999) }, "images labels", "9999 images were encrypted of 10000"},
		{"9999 images, called whole", func(r *verify.Report, _ *Entry) { keep(r, 9999); r.TestImages = 9999 }, "images labels", "the baseline has 10000"},
		{"9999 images, called 10000", func(r *verify.Report, _ *Entry) { keep(r, 9999); r.Images = 10000 }, "labels consistency", ""},
		{"another dataset", func(r *verify.Report, _ *Entry) { r.Dataset, r.DatasetSHA256 = "blots", hash("e") }, "dataset", "another dataset"},
		{"another dataset of the same name", func(r *verify.Report, _ *Entry) { r.DatasetSHA256 = hash("e") }, "dataset", ""},
		{"altered labels", func(r *verify.Report, _ *Entry) {
			r.Answers.Labels[3] = (r.Answers.Labels[3] + 1) % 10
			restate(r)
		}, "labels", "10000 labels, 1 others"},
		{"a tampered prediction", func(r *verify.Report, _ *Entry) { r.Answers.Encrypted[9] = r.Answers.Labels[9] },
			"consistency", "accuracy.encrypted is stated as 0.9, the answers give 0.9001"},
		{"a tampered prediction, accuracy kept", func(r *verify.Report, _ *Entry) {
			r.Answers.Integer[9] = (r.Answers.Integer[9] + 1) % 10
		}, "consistency", "argmax_flips.float_integer"},
		{"a tampered prediction, figures restated", func(r *verify.Report, _ *Entry) {
			a := &r.Answers
			a.Integer[9], a.Encrypted[9], a.Quantized[9] = a.Labels[9], a.Labels[9], a.Labels[9]
			restate(r)
		}, "predictions", "1 other answers"},
		{"an encrypted answer off while no logit is", func(r *verify.Report, _ *Entry) {
			r.Answers.Encrypted[9] = (r.Answers.Encrypted[9] + 1) % 10
			restate(r)
		}, "consistency", "no logit differs, yet 1 encrypted answers do"},
		{"a tampered accuracy", func(r *verify.Report, _ *Entry) { r.Accuracy.Integer = pointer(0.99) }, "consistency", "accuracy.integer is stated as 0.99"},
		{"an accuracy taken away", func(r *verify.Report, _ *Entry) { r.Accuracy.Quantized = nil }, "consistency flips-quantized-integer", "accuracy.quantized is stated as none"},
		{"a negative class", func(r *verify.Report, _ *Entry) { r.Answers.Float[9] = -1; restate(r) }, "consistency", "negative class -1"},
		{"margins cut", func(r *verify.Report, _ *Entry) { r.Answers.Margins = r.Answers.Margins[:5] }, "consistency", "answers.margins has 5 entries for 10000 images"},
		{"other logits of the same bundle", func(r *verify.Report, _ *Entry) { r.IntegerLogitsSHA256 = hash("2") }, "logits", "integer reference"},
		{"no logits hash", func(r *verify.Report, _ *Entry) { r.IntegerLogitsSHA256 = "" }, "logits", ""},
		{"no bundle hash", func(r *verify.Report, _ *Entry) { r.BundleSHA256 = "" }, "bundle", ""},
		{"another proof", func(r *verify.Report, _ *Entry) { r.Layers[0].Range = bundle.NewRange(-70000, 70001) }, "ranges", "fc1 Dense [-70000, 70001]"},
		{"a layer less", func(r *verify.Report, _ *Entry) { r.Layers = r.Layers[:1]; r.Backend.PlaintextModuli[0] = 1<<40 + 15 }, "ranges", "no layer"},
		{"the same bundle with other ranges, any bundle allowed", func(r *verify.Report, e *Entry) {
			e.Bundle = Free
			r.Layers[0].Range = bundle.NewRange(-70000, 70001)
		}, "ranges", ""},
		{"no float stage", func(r *verify.Report, _ *Entry) { r.Answers.Float = nil; restate(r) }, "accuracy-float flips-float-integer", "keep the checkpoints"},
		{"nothing encrypted", func(r *verify.Report, _ *Entry) { r.Answers.Encrypted = nil; restate(r) }, "report", "Nothing was evaluated"},
		{"no back end", func(r *verify.Report, _ *Entry) { r.Backend = nil }, "report", ""},
		{"float only", func(r *verify.Report, _ *Entry) {
			r.Images = 0
			r.Answers.Quantized, r.Answers.Integer, r.Answers.Encrypted = nil, nil, nil
			r.Accuracy = verify.Accuracy{Float: r.Accuracy.Float}
		}, "report", "not run"},
		{"another schema", func(r *verify.Report, _ *Entry) { r.Schema = 2 }, "report", ""},
		{"another recipe", func(r *verify.Report, _ *Entry) { r.Recipe = "huge" }, "recipe", "qtool gate update"},
		{"flips of quantization", func(_ *verify.Report, e *Entry) { e.Budgets.MaxFlipsFloatInteger = pointer(int64(199)) }, "flips-float-integer", "200 of 10000 images"},
		{"flips of export", func(r *verify.Report, _ *Entry) {
			r.Answers.Quantized[0] = (r.Answers.Quantized[0] + 1) % 10
			restate(r)
		}, "flips-quantized-integer", ""},
		{"too little noise budget", func(r *verify.Report, _ *Entry) { r.Backend.NoiseBitsLeft = 0.99 }, "noise", "smaller"},
		{"too little security", func(r *verify.Report, _ *Entry) { r.Backend.SecurityBits = 127 }, "security", "127"},
		{"bundle too large", func(r *verify.Report, _ *Entry) { r.Bytes.Bundle = 6001 }, "bundle-bytes", "1 bytes over"},
		{"bundle of no size", func(r *verify.Report, _ *Entry) { r.Bytes.Bundle = 0 }, "bundle-bytes", ""},
		{"keys too large", func(r *verify.Report, _ *Entry) { r.Bytes.Keys = 126 }, "key-bytes", "1 bytes over"},
		{"keys of negative size", func(r *verify.Report, _ *Entry) { r.Bytes.Keys = -1 }, "key-bytes", ""},
		{"ciphertexts too large", func(r *verify.Report, _ *Entry) { r.Bytes.CiphertextOut = 451 }, "ciphertext-bytes", ""},
		{"ciphertexts of no size", func(r *verify.Report, _ *Entry) { r.Bytes.CiphertextIn = 0 }, "ciphertext-bytes", ""},
		{"too slow", func(r *verify.Report, e *Entry) { e.Budgets.EnforceSlowdown, r.Seconds.Evaluate = true, 76 }, "slowdown", "40.5 times"},
		{"no times", func(r *verify.Report, e *Entry) { e.Budgets.EnforceSlowdown, r.Seconds.Integer = true, 0 }, "slowdown", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := testReport(10000)
			b := mustUpdate(t, nil, testReport(10000))
			c.change(r, &b.Recipes[0])
			result := Check(r, b, Options{})
			if got := strings.Join(result.Failed(), " "); got != c.want || result.Passed || !errors.Is(result.Err(), ErrFailed) {
				t.Fatalf("failed %q, want %q; error %v", got, c.want, result.Err())
			}
			i := slices.IndexFunc(result.Findings, func(f Finding) bool { return f.Status == Fail })
			if f := result.Findings[i]; !strings.Contains(f.Why+f.Got, c.why) {
				t.Errorf("%s: got %q, %q, want %q", f.Name, f.Got, f.Why, c.why)
			}
		})
	}
}

// TestHarmless changes things that are no failure.
func TestHarmless(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*verify.Report, *Entry)
	}{
		{"times", func(r *verify.Report, _ *Entry) { r.Seconds.Evaluate = 1e6 }},
		{"one unlucky image", func(r *verify.Report, e *Entry) { e.Bundle, r.BundleSHA256 = Free, hash("c"); spoil(r, 1) }},
		{"ten lost images are within the effect", func(r *verify.Report, e *Entry) { e.Bundle, r.BundleSHA256 = Free, hash("c"); spoil(r, 10) }},
		{"a shuffle", func(r *verify.Report, e *Entry) {
			e.Bundle, r.BundleSHA256 = Free, hash("c")
			spoil(r, 45)
			gain(r, 40)
		}},
		{"an improvement", func(r *verify.Report, e *Entry) { e.Bundle, r.BundleSHA256 = Free, hash("c"); gain(r, 300) }},
		{"other ranges of another bundle", func(r *verify.Report, e *Entry) {
			e.Bundle, r.BundleSHA256 = Free, hash("c")
			r.Layers[0].Range = bundle.NewRange(-1, 1)
		}},
		{"the next prime is modulus enough", func(r *verify.Report, _ *Entry) { r.Backend.PlaintextModuli = []uint64{60013} }},
		{"no margins", func(r *verify.Report, _ *Entry) { r.Answers.Margins = nil }},
		{"no budgets", func(r *verify.Report, e *Entry) { e.Budgets = Budgets{}; r.Backend.SecurityBits = 3 }},
		{"a stage more than the baseline has", func(r *verify.Report, e *Entry) { e.Accuracy.Float, e.Predictions.Float = nil, nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := testReport(10000)
			b := mustUpdate(t, nil, testReport(10000))
			c.change(r, &b.Recipes[0])
			if result := Check(r, b, Options{}); !result.Passed {
				t.Error(result.Err())
			}
		})
	}
}

func TestSample(t *testing.T) {
	b := mustUpdate(t, nil, testReport(10000))
	r := testReport(10000)
	keep(r, 200)
	if result := Check(r, b, Options{}); result.Passed {
		t.Error("a partial run passed")
	}
	result := Check(r, b, Options{AllowSample: true})
	if !result.Passed || !result.Sample || !strings.Contains(result.Verdict(), "sample, 200 of 10000") {
		t.Errorf("%v, %q", result.Err(), result.Verdict())
	}
	for _, f := range result.Findings {
		if f.Name == "images" && (f.Status != Info || !strings.Contains(f.Why, "the first 200 of 10000")) {
			t.Errorf("images: %s: %s", f.Status, f.Why)
		}
		if f.Name == "logits" && f.Status != Skip {
			t.Errorf("logits: %s", f.Status)
		}
	}
	if whole := Check(testReport(10000), b, Options{AllowSample: true}); !whole.Passed || whole.Sample {
		t.Error("a whole run is no sample")
	}
	for name, change := range map[string]func(){
		"labels":      func() { r.Answers.Labels[0]++; restate(r) },
		"predictions": func() { r.Answers.Integer[0], r.Answers.Encrypted[0], r.Answers.Quantized[0] = 20, 20, 20; restate(r) },
		"consistency": func() { r.Images = 199 },
		"images":      func() { r.TestImages = 20000 },
	} {
		r = testReport(10000)
		keep(r, 200)
		change()
		if result := Check(r, b, Options{AllowSample: true}); !slices.Contains(result.Failed(), name) {
			t.Errorf("failed %v, want %s among them", result.Failed(), name)
		}
	}
}

func TestFlipsComeWorstFirst(t *testing.T) {
	b := mustUpdate(t, nil, testReport(100))
	r := testReport(100)
	a := &r.Answers
	set := func(image, to int, margin float32) {
		a.Float[image], a.Quantized[image], a.Integer[image], a.Encrypted[image] = to, to, to, to
		a.Margins[image] = margin
	}
	set(2, a.Labels[2]+10, 0.25)
	set(3, a.Labels[3]+10, 0.5)
	set(4, a.Labels[4]+10, 0.25)
	set(9, a.Labels[9], 0.75)      // was wrong
	set(19, a.Labels[19]+10, 0.75) // was wrong in another way
	a.Float[5], a.Margins[5] = a.Labels[5]+10, 0.125
	var got []int
	for _, f := range Check(restate(r), b, Options{}).Flips {
		got = append(got, f.Image)
		if f.Image == 5 && len(f.Stages) != 1 || f.Image != 5 && len(f.Stages) != 3 {
			t.Errorf("image %d: stages %v", f.Image, f.Stages)
		}
	}
	if want := []int{3, 2, 4, 5, 19, 9}; !slices.Equal(got, want) {
		t.Errorf("flips %v, want %v", got, want)
	}
}

func TestUpdatable(t *testing.T) {
	b := mustUpdate(t, nil, testReport(100))
	r := testReport(100)
	r.BundleSHA256 = hash("c")
	if !Check(r, b, Options{}).Updatable() {
		t.Error("another bundle is something that an update settles")
	}
	part := testReport(100)
	part.BundleSHA256 = hash("c")
	keep(part, 50)
	if Check(part, b, Options{AllowSample: true}).Updatable() {
		t.Error("a sample makes no baseline")
	}
	r.LogitMismatches = 1
	if Check(r, b, Options{}).Updatable() {
		t.Error("a mismatch is nothing that an update settles")
	}
	if Check(testReport(100), b, Options{}).Updatable() {
		t.Error("nothing failed")
	}
}
