package security

import (
	"errors"
	"testing"
)

func TestMaxLogQP(t *testing.T) {
	// Reference: HE standard, table 1, column "128 bits", rows 1024..32768.
	for logN, want := range map[int]float64{10: 27, 11: 54, 12: 109, 13: 218, 14: 438, 15: 881, 16: 1747} {
		if got, ok := MaxLogQP(logN); !ok || got != want {
			t.Errorf("logN %d: %v, %v, want %v", logN, got, ok, want)
		}
		if err := Check(logN, want); err != nil {
			t.Errorf("logN %d at its limit: %v", logN, err)
		}
		var insecure *InsecureError
		if err := Check(logN, want+0.01); !errors.As(err, &insecure) || insecure.LogN != logN || insecure.Limit != want {
			t.Errorf("logN %d past its limit: %v", logN, err)
		}
	}
	for _, logN := range []int{-1, 0, 9, 17, 64} {
		if _, ok := MaxLogQP(logN); ok {
			t.Errorf("logN %d is not in the table", logN)
		}
		if Check(logN, 1) == nil || Estimate(logN, 1) != 0 {
			t.Errorf("logN %d is vouched for", logN)
		}
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
	if Estimate(13, 218) != Bits || Estimate(13, 219) >= Bits {
		t.Error("the limit is not where the estimate leaves 128")
	}
}
