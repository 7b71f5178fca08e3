package verify

import (
	"errors"
	"math"
	"testing"

	"qtool/he"
)

// More misses than the noise explains are a mismatch; as many as expected are not.
func TestLookupsCheck(t *testing.T) {
	for _, c := range []struct {
		expected float64
		missed   int
		ok       bool
	}{{0, 0, true}, {0, 1, false}, {1e-6, 1, true}, {1e-6, 2, false}, {20.4, 26, true}, {20.4, 10, true}, {20.4, 60, false}, {1000, 1000, true}, {1000, 1400, false}} {
		err := CheckLookups(&he.Lookups{Done: 10000, Expected: c.expected, Missed: c.missed})
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrMismatch) {
			t.Errorf("%d decryption failures where %v are expected: %v", c.missed, c.expected, err)
		}
	}
}

func TestPoissonTail(t *testing.T) {
	for _, c := range []struct {
		mean float64
		k    int
		want float64
	}{
		{2, 1, 1 - math.Exp(-2)},
		{2, 2, 1 - 3*math.Exp(-2)},
		{0.1, 2, 1 - 1.1*math.Exp(-0.1)},
		{3, 4, 1 - 13*math.Exp(-3)},
		{1e-5, 2, 0.5e-10 * (1 - 2e-5/3)},
	} {
		if got := poissonTail(c.mean, c.k); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%d or more of %v: %v, want %v", c.k, c.mean, got, c.want)
		}
	}
}

// Logits of an image with a wrong entry are explained, and the first mismatch
// is one that is not.
func TestCompareExplains(t *testing.T) {
	for _, c := range []struct {
		failed    []int
		explained int
		image     int
	}{{nil, 0, 2}, {[]int{2}, 1, 3}, {[]int{3}, 1, 2}, {[]int{2, 3}, 2, 2}, {[]int{0, 1}, 0, 2}} {
		l := ladder()
		l.Failed = c.failed
		got, err := l.Compare()
		if err != nil {
			t.Fatal(err)
		}
		if got.LogitMismatches != 2 || got.Explained != c.explained || got.First.Image != c.image {
			t.Errorf("failed %v: %d mismatches, %d explained, first %+v; want 2, %d and image %d", c.failed, got.LogitMismatches, got.Explained, got.First, c.explained, c.image)
		}
	}
}
