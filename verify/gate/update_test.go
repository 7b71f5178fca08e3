package gate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/verify"
)

func TestUpdateKeepsWhatPeopleEdit(t *testing.T) {
	b := mustUpdate(t, nil, testReport(1000))
	e := &b.Recipes[0]
	e.Bundle, e.Test = Free, Test{Alpha: 0.05, MinEffect: 0.002}
	e.Budgets = Budgets{MaxBundleBytes: pointer(int64(9000)), MaxSlowdown: pointer(99.0), EnforceSlowdown: true}
	before, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r := testReport(1000)
	r.BundleSHA256, r.Bytes.Bundle = hash("c"), 8000
	spoil(r, 3)
	now := mustUpdate(t, b, r)
	got := now.Recipes[0]
	if got.Bundle != Free || got.Test != e.Test || cmp.Diff(got.Budgets, e.Budgets) != "" {
		t.Errorf("edits lost: %v %v %+v", got.Bundle, got.Test, got.Budgets)
	}
	if got.BundleSHA256 != hash("c") || got.BundleBytes != 8000 || *got.Accuracy.Integer != 0.897 {
		t.Errorf("not updated: %s, %d bytes, accuracy %v", got.BundleSHA256, got.BundleBytes, *got.Accuracy.Integer)
	}
	if after, _ := b.Encode(); string(after) != string(before) {
		t.Error("the old baseline was changed")
	}
	want := []string{
		"bundle_sha256: " + hash("b") + " -> " + hash("c"), "bundle_bytes: 4000 -> 8000",
		"accuracy.quantized: 90.00 % -> 89.70 %",
		"accuracy.float: 88.00 % -> 87.70 % (3 images lost, 0 gained)", "accuracy.integer: 90.00 % -> 89.70 % (3 images lost, 0 gained)",
	}
	if d := cmp.Diff(want, Changes(b, now, "tiny")); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	if c := Changes(now, mustUpdate(t, now, r), "tiny"); len(c) != 0 {
		t.Errorf("a second update changed %v", c)
	}
}

func TestUpdateAddsRecipesInOrder(t *testing.T) {
	var b *Baseline
	for _, name := range []string{"m", "z", "a", "m"} {
		r := testReport(20)
		r.Recipe = name
		b = mustUpdate(t, b, r)
	}
	if got := b.names(); got != "a, m, z" {
		t.Errorf("recipes %s", got)
	}
	if c := Changes(nil, b, "a"); len(c) != 1 || !strings.Contains(c[0], "new entry: 20 images of dots") {
		t.Errorf("changes %v", c)
	}
}

func TestDefaultBudgetsLeaveRoom(t *testing.T) {
	got := mustUpdate(t, nil, testReport(1000)).Recipes[0]
	want := Budgets{
		MaxFlipsFloatInteger: pointer(int64(50)), MaxFlipsQuantizedInteger: pointer(int64(0)),
		MinNoiseBitsLeft: pointer(1.0), MinSecurityBits: pointer(int64(128)), MaxBundleBytes: pointer(int64(6000)),
		MaxKeyBytes: pointer(int64(125)), MaxCiphertextBytes: pointer(int64(1250)), MaxSlowdown: pointer(40.0),
	}
	if d := cmp.Diff(want, got.Budgets); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got.Bundle != Exact || got.Test != DefaultTest {
		t.Errorf("bundle %s, test %v", got.Bundle, got.Test)
	}
}

func TestUpdateRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*verify.Report, *Entry)
	}{
		{"a partial run", "images: want 1000", func(r *verify.Report, _ *Entry) { keep(r, 999) }},
		{"mismatches", "mismatches: want 0, got 1", func(r *verify.Report, _ *Entry) { r.LogitMismatches = 1 }},
		{"nothing encrypted", "no encrypted stage", func(r *verify.Report, _ *Entry) { r.Answers.Encrypted = nil; restate(r) }},
		{"a contradiction", "consistency", func(r *verify.Report, _ *Entry) { r.Accuracy.Integer = pointer(1.0) }},
		{"a budget passed", "bundle-bytes: want at most 6000, got 6001", func(r *verify.Report, _ *Entry) { r.Bytes.Bundle = 6001 }},
		{"little security", "security: want at least 128", func(r *verify.Report, _ *Entry) { r.Backend.SecurityBits = 80 }},
		{"another dataset", "remove the entry to start it anew", func(r *verify.Report, _ *Entry) { r.DatasetSHA256 = hash("e") }},
		{"the same bundle with other logits", "same bundle, other logits", func(r *verify.Report, _ *Entry) { r.IntegerLogitsSHA256 = hash("9") }},
		{"a lost stage", "has a float stage", func(r *verify.Report, _ *Entry) { r.Answers.Float = nil; restate(r) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := mustUpdate(t, nil, testReport(1000))
			r := testReport(1000)
			c.change(r, &b.Recipes[0])
			got, err := Update(b, r)
			if got != nil || !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	r := testReport(1000)
	r.BundleSHA256 = "short"
	if _, err := Update(nil, r); err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
		t.Errorf("error %v", err)
	}
}

// TestBundleAlone gates what has neither a float nor a quantized stage.
func TestBundleAlone(t *testing.T) {
	r := testReport(100)
	r.Answers.Float, r.Answers.Quantized = nil, nil
	restate(r)
	b := mustUpdate(t, nil, r)
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if b, err = DecodeBaseline(raw); err != nil {
		t.Fatal(err)
	}
	result := Check(r, b, Options{})
	var skipped []string
	for _, f := range result.Findings {
		if f.Status == Skip {
			skipped = append(skipped, f.Name)
		}
	}
	if want := []string{"accuracy-float", "flips-float-integer", "flips-quantized-integer"}; !result.Passed || !slices.Equal(skipped, want) {
		t.Errorf("passed %v, skipped %v", result.Passed, skipped)
	}
}
