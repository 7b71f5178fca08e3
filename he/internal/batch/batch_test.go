package batch

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResidues(t *testing.T) {
	ctx := context.Background()
	left := []float64{5, 3, 4}
	decrypt := func(_, i int, slots []uint64) float64 {
		for k := range slots {
			slots[k] = uint64(10*i + k)
		}
		return left[i]
	}
	done := 0
	got, bits, err := Residues(ctx, "bgv", 2, 3, 2, decrypt, func() { done++ })
	if d := cmp.Diff([][]uint64{{0, 1}, {10, 11}, {20, 21}}, got); d != "" || bits != 3 || done != 3 || err != nil {
		t.Errorf("%.1f bits, %d done, %v; residues (-want +got):\n%s", bits, done, err, d)
	}
	left[1] = 0.5
	var noise *NoiseError
	if got, bits, err = Residues(ctx, "bgvlut", 1, 3, 2, decrypt, nil); got != nil || bits != 0 || !errors.As(err, &noise) || noise.Output != 1 || noise.BitsLeft != 0.5 || !strings.HasPrefix(err.Error(), "bgvlut: logit 1: ") {
		t.Errorf("too little is left: %v, %v bits, %v", got, bits, err)
	}
}

func TestMean(t *testing.T) {
	for _, c := range []struct {
		samples, slots int
		want           float64
	}{{0, 8, 8}, {1, 8, 1}, {8, 8, 8}, {9, 8, 4.5}, {24, 8, 8}} {
		if got := Mean(c.samples, c.slots); got != c.want {
			t.Errorf("%d samples in batches of %d: %v, want %v", c.samples, c.slots, got, c.want)
		}
	}
}
