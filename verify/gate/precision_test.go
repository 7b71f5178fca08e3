package gate

import (
	"slices"
	"strings"
	"testing"

	"qtool/he"
	"qtool/verify"
)

// approximateReport is testReport of an approximate back end, with the given
// images answered otherwise under encryption.
func approximateReport(n int, flipped ...int) *verify.Report {
	r := testReport(n)
	r.Backend = &verify.Backend{Backend: he.Backend{Name: "packed-ckks", SecurityBits: 128, Approximate: true}}
	r.Precision = &verify.Precision{Bits: 12.5, WorstError: 3, WorstShare: 0.01, Flips: []verify.Flip{}}
	for _, i := range flipped {
		a := &r.Answers
		a.Encrypted[i], a.Margins[i] = (a.Integer[i]+1)%10, 1.0/8192
		r.Precision.Flips = append(r.Precision.Flips, verify.Flip{Image: i, Integer: a.Integer[i], Encrypted: a.Encrypted[i], Margin: a.Margins[i]})
	}
	return restate(r)
}

func TestApproximateReports(t *testing.T) {
	const n = 400
	exact := mustUpdate(t, nil, testReport(n))
	clean := mustUpdate(t, nil, approximateReport(n))
	flipped := mustUpdate(t, nil, approximateReport(n, 7, 90))
	for name, c := range map[string]struct {
		base   *Baseline
		report *verify.Report
		change func(r *verify.Report)
		failed []string
	}{
		"clean":               {clean, approximateReport(n), nil, nil},
		"two ties":            {clean, approximateReport(n, 3, 11), nil, nil},
		"three ties":          {clean, approximateReport(n, 3, 11, 12), nil, []string{"flips-integer-encrypted"}},
		"twice and two":       {flipped, approximateReport(n, 1, 2, 3, 4, 5, 6), nil, nil},
		"above twice and two": {flipped, approximateReport(n, 1, 2, 3, 4, 5, 6, 7), nil, []string{"flips-integer-encrypted"}},
		"of an exact entry":   {exact, approximateReport(n), nil, nil},
		"a tie, exact entry":  {exact, approximateReport(n, 3), nil, []string{"flips-integer-encrypted"}},
		"exact, of its entry": {clean, testReport(n), nil, nil},
		"outside":             {clean, approximateReport(n), func(r *verify.Report) { r.Precision.Outside = 1 }, []string{"precision"}},
		"more than the bound": {clean, approximateReport(n), func(r *verify.Report) { r.Precision.WorstShare = 1.5 }, []string{"precision"}},
		"imprecise":           {clean, approximateReport(n), func(r *verify.Report) { r.Precision.Bits = 10.9 }, []string{"precision"}},
		"a flip hidden":       {flipped, approximateReport(n, 3, 4), func(r *verify.Report) { r.Precision.Flips = r.Precision.Flips[:1] }, []string{"consistency"}},
		"a flip invented":     {flipped, approximateReport(n, 3), func(r *verify.Report) { r.Precision.Flips = append(r.Precision.Flips, r.Precision.Flips[0]) }, []string{"consistency"}},
		"a margin altered":    {flipped, approximateReport(n, 3), func(r *verify.Report) { r.Precision.Flips[0].Margin = 0 }, []string{"consistency"}},
		"a margin too wide":   {flipped, approximateReport(n, 3), func(r *verify.Report) { r.Precision.Bits = 14.1 }, []string{"consistency"}},
		"called exact":        {clean, approximateReport(n), func(r *verify.Report) { r.Backend.Approximate = false }, []string{"modulus"}},
	} {
		if c.change != nil {
			c.change(c.report)
		}
		result := Check(c.report, c.base, Options{})
		failed := result.Failed()
		if !slices.Equal(failed, c.failed) {
			t.Errorf("%s: failed %v, want %v", name, failed, c.failed)
		}
	}
}

// An entry of an approximate report reads back as it was written, with the
// encrypted answers only where they are not the integer ones.
func TestApproximateEntries(t *testing.T) {
	for flips, b := range map[int]*Baseline{0: mustUpdate(t, nil, approximateReport(100)), 2: mustUpdate(t, nil, approximateReport(100, 7, 90))} {
		raw, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), `"encrypted": [`) != (flips > 0) {
			t.Errorf("%d flips: encrypted answers stored: %v", flips, flips == 0)
		}
		again, err := DecodeBaseline(raw)
		if err != nil {
			t.Fatal(err)
		}
		e := &again.Recipes[0]
		if n := differences(e.Predictions.Integer, e.Predictions.encrypted()); n != flips {
			t.Errorf("%d flips read back as %d", flips, n)
		}
		if *e.Budgets.MaxFlipsIntegerEncrypted != int64(2*flips+2) || *e.Budgets.MinPrecisionBits != 11 || e.Budgets.MinNoiseBitsLeft != nil {
			t.Errorf("%d flips: budgets %+v", flips, e.Budgets)
		}
	}
}
