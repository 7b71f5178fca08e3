package gate

import (
	"errors"
	"strings"
	"testing"

	"qtool/he"
	"qtool/verify"
)

// lookupReport is a report of a back end whose look-ups may fail, in which two
// logits of image 8 differ, and its answer, as a look-up gave a wrong entry there.
func lookupReport() *verify.Report {
	r := testReport(10000)
	r.Backend.Name, r.Backend.PlaintextModuli, r.Backend.TorusSlots, r.Backend.NoiseBitsLeft = "pbs", nil, 60002, -0.5
	r.Answers.Encrypted[8] = (r.Answers.Encrypted[8] + 1) % 10
	r.LogitMismatches, r.Explained = 2, 2
	r.FirstMismatch = &verify.Mismatch{Image: 8, Logit: 1, Want: "40", Got: "41"}
	r.Lookups = &he.Lookups{Done: 2_020_000, Missed: 3, Failed: 2, Expected: 2.5, FailedSamples: []int{8, 9000}}
	return restate(r)
}

// Mismatches of images with a wrong entry pass, all others do not, nor do
// more failures than their noise explains.
func TestFailedLookups(t *testing.T) {
	b := mustUpdate(t, nil, testReport(10000))
	for _, c := range []struct {
		name   string
		change func(*verify.Report)
		want   string // the failed checks
		why    string
	}{
		{"explained", func(*verify.Report) {}, "", ""},
		{"none", func(r *verify.Report) {
			r.Answers.Encrypted[8] = r.Answers.Integer[8]
			r.LogitMismatches, r.Explained, r.FirstMismatch = 0, 0, nil
			r.Lookups.FailedSamples = []int{}
			restate(r)
		}, "", ""},
		{"one that is not explained", func(r *verify.Report) { r.LogitMismatches++ }, "mismatches", "first at image 8, logit 1: 41 for 40"},
		{"none explained", func(r *verify.Report) { r.Explained = 0 }, "mismatches", ""},
		{"too many decryption failures", func(r *verify.Report) { r.Lookups.Missed = 30 }, "lookups", "than the predicted noise explains"},
		{"none expected", func(r *verify.Report) { r.Lookups.Expected = 0 }, "lookups", ""},
		{"message space too small", func(r *verify.Report) { r.Backend.TorusSlots = 60000 }, "modulus", "too small for the static bound [-30000, 30000]"},
		{"no message space", func(r *verify.Report) { r.Backend.TorusSlots = 0 }, "modulus", ""},
		{"no account", func(r *verify.Report) { r.Lookups = nil; r.Backend.NoiseBitsLeft = 3 }, "consistency mismatches", "no account"},
		{"no failed image", func(r *verify.Report) { r.Lookups.FailedSamples = nil }, "consistency", "in 0 images"},
		{"another image's answer", func(r *verify.Report) { r.Lookups.FailedSamples = []int{7, 9} }, "consistency", "answer of image 8 differs"},
		{"more images than failures", func(r *verify.Report) { r.Lookups.FailedSamples = []int{7, 8, 9} }, "consistency", "2 wrong entries in 3 images"},
		{"an image that is none", func(r *verify.Report) { r.Lookups.FailedSamples = []int{8, 10000} }, "consistency", "failed_images has 10000"},
		{"an image twice", func(r *verify.Report) { r.Lookups.FailedSamples = []int{8, 8} }, "consistency", "or twice"},
		{"more explained than there are", func(r *verify.Report) { r.Explained = 3 }, "consistency mismatches", "3 of 2 mismatches"},
		{"more failures than done", func(r *verify.Report) { r.Lookups.Done = 2 }, "consistency", "2 done, 3 decryption failures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lookupReport()
			c.change(r)
			result := Check(r, b, Options{})
			got := []string{}
			why := ""
			for _, f := range result.Findings {
				if f.Status == Fail && !strings.HasPrefix(f.Name, "accuracy") {
					got = append(got, f.Name)
					why += f.Got + " " + f.Why + "\n"
				}
			}
			if strings.Join(got, " ") != c.want || !strings.Contains(why, c.why) || result.Passed != (c.want == "") {
				t.Errorf("failed %q: %s, want %q: %q", got, why, c.want, c.why)
			}
		})
	}
}

// No baseline is made of a report with mismatches, explained or not.
func TestFailedLookupsMakeNoBaseline(t *testing.T) {
	if _, err := Update(nil, lookupReport()); !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "wrong entries explain them") {
		t.Errorf("error %v", err)
	}
	r := testReport(10000)
	r.Backend.PlaintextModuli, r.Backend.TorusSlots = nil, 60002
	r.Lookups = &he.Lookups{Done: 100, FailedSamples: []int{}}
	if _, err := Update(nil, r); err != nil {
		t.Error(err)
	}
}
