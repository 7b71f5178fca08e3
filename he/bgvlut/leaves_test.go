package bgvlut

import (
	"math/rand/v2"
	"testing"
)

// The parts of a weight give it back, and the low part is as small as stated.
func TestDividedWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	row := []int32{0, 1, -1, 255, 256, -256, -257, 1<<23 - 1, -(1<<23 - 1)}
	for range 1000 {
		row = append(row, int32(r.IntN(1<<24))-1<<23)
	}
	low, high := divided([][]int32{row})
	for k, w := range row {
		if l, h := low[0][k], high[0][k]; h<<weightShift+l != w || l < -1<<(weightShift-1) || l >= 1<<(weightShift-1) {
			t.Errorf("weight %d is %d and %d", w, l, h)
		}
	}
	if got := norm([][]int32{{1, -2}, {-5}, {}}); got != 5 {
		t.Errorf("norm %d, want 5", got)
	}
}
