package security

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// estimated are the largest whole log2(q) for which the lattice estimator finds
// 128 and 192 bits of security in dimension 2^logN, with uniform ternary secrets,
// errors of standard deviation 3.19, any number of samples, the classical MATZOV
// cost model, and the least of primal_usvp, primal_bdd, primal_hybrid and
// dual_hybrid. There is no row of 192 bits for 2^10.
//
// Source: output_max_logQ_tables.txt, "HES_table branch", in the repository
// gong-cr/FHE-Security-Guidelines of the authors of ia.cr/2024/463, at commit
// 96cfd2d of 2024-06-03, made with malb/lattice-estimator at commit b7c27da.
var estimated = []struct {
	logN             int
	bits128, bits192 float64
}{
	{10, 26, math.NaN()}, {11, 53, 36}, {12, 107, 73}, {13, 214, 148},
	{14, 431, 297}, {15, 868, 597}, {16, 1747, 1199}, {17, 3523, 2411},
}

// The table is never above what the estimator allows, and at most one bit below.
func TestMaxLogQP(t *testing.T) {
	for _, e := range estimated {
		limit, ok := MaxLogQP(e.logN)
		if !ok || limit > e.bits128 || limit < e.bits128-1 {
			t.Errorf("logN %d: %v, %v, where the estimator allows %v", e.logN, limit, ok, e.bits128)
		}
		if err := Check(e.logN, limit); err != nil {
			t.Errorf("logN %d at its limit: %v", e.logN, err)
		}
		var insecure *InsecureError
		if err := Check(e.logN, limit+0.01); !errors.As(err, &insecure) || insecure.LogN != e.logN || insecure.Limit != limit {
			t.Errorf("logN %d past its limit: %v", e.logN, err)
		}
		if Estimate(e.logN, limit) != Bits || Estimate(e.logN, limit+0.01) >= Bits {
			t.Errorf("logN %d: the limit is not where the estimate leaves 128", e.logN)
		}
	}
	if len(estimated) != len(maxLogQP) {
		t.Errorf("%d rows are tested of %d", len(estimated), len(maxLogQP))
	}
	for _, logN := range []int{-1, 0, 9, 18, 64} {
		if _, ok := MaxLogQP(logN); ok {
			t.Errorf("logN %d is not in the table", logN)
		}
		if Check(logN, 1) == nil || Estimate(logN, 1) != 0 {
			t.Errorf("logN %d is vouched for", logN)
		}
	}
}

// The slope of Estimate is the steepest of those between 128 and 192 bits.
func TestSlope(t *testing.T) {
	steepest := 0.0
	for _, e := range estimated {
		if n := math.Exp2(float64(e.logN)); !math.IsNaN(e.bits192) {
			steepest = max(steepest, 64/(n/e.bits192-n/e.bits128))
		}
	}
	if slope < steepest || slope > steepest+0.01 {
		t.Errorf("slope %v, the steepest between the rows is %v", slope, steepest)
	}
}

func TestEstimate(t *testing.T) {
	last := Bits
	for logQP := 200.0; logQP < 2000; logQP += 10 {
		got := Estimate(13, logQP)
		if got > last || got < 0 {
			t.Fatalf("%v bits of modulus: estimate %d after %d", logQP, got, last)
		}
		last = got
	}
	// SEAL22_8192: n = 8192, q = 2^226 - 2^26 + 1, ternary secret, errors of
	// standard deviation 3.19: LWE.dual_hybrid finds rop = 2^121.8.
	// Source: docs/schemes/hes.rst of malb/lattice-estimator at commit 1bb476f.
	if got := Estimate(13, 226); got > 121 || got < 115 {
		t.Errorf("226 bits in degree 2^13: %d bits of security, the estimator finds 121.8", got)
	}
}

// The sentence says which limit there is, what was taken, and that it is insecure only
// where it is.
func TestExplain(t *testing.T) {
	for want, logQP := range map[string]float64{
		"a ring of degree 2^13 allows 214 bits at 128 bits of security, and this has 200.5":                     200.5,
		"INSECURE: a ring of degree 2^13 allows 214 bits at 128 bits of security, this has 300.0 and with them": 300,
	} {
		if got := Explain(13, logQP); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
