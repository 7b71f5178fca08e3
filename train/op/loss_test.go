package op

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
)

// lossHarness is the cross-entropy of logits [classes, n] with given labels.
func lossHarness(t *testing.T, logits array, labels []float32, count *int) *harness {
	in := []array{logits, {[]int{len(labels)}, labels}}
	return newHarness(t, func(v []*G.Node) (*G.Node, error) { return CrossEntropy(v[0], v[1], count) }, in, 0)
}

// The loss is below 8 and rounded to float32: 2^-22/step. Its third derivative
// is below 1/4, so the central difference is off by step^2/24. The gradient's
// own float32 operations add less than 2^-22.
func TestCrossEntropyGradient(t *testing.T) {
	const step, tolerance = 1.0 / 128, 1.0/(24*128*128) + 128*0x1p-22 + 0x1p-22
	for _, c := range []struct {
		labels []float32
		count  int
	}{
		{[]float32{0, 3, 2}, 3},
		{[]float32{1, -1, -1}, 1},
		{[]float32{3, 0, -1}, 7}, // a shard of a batch of 7
		{[]float32{-1, -1, -1}, 5},
	} {
		lossHarness(t, sixteenths(newRand(), 4, 3), c.labels, &c.count).check(step, tolerance)
	}
}

func TestCrossEntropyPadding(t *testing.T) {
	count := 2
	logits := sixteenths(newRand(), 4, 3)
	h := lossHarness(t, logits, []float32{2, -1, 0}, &count)
	want := 0.0
	for r, label := range map[int]int{0: 2, 2: 0} {
		sum := 0.0
		for c := range 4 {
			sum += math.Exp(float64(logits.Data[3*c+r]))
		}
		want += (math.Log(sum) - float64(logits.Data[3*label+r])) / 2
	}
	wantNear(t, "loss", h.output(), []float64{want}, 0x1p-24) // one rounding
	g := h.gradient(0)
	wantExactly(t, "gradient of padding", []float32{g[1], g[4], g[7], g[10]}, []float64{0, 0, 0, 0})
	// count is read at each run.
	count = 4
	wantNear(t, "loss", h.output(), []float64{want / 2}, 0x1p-24)
	wantExactly(t, "gradient", h.gradient(0), halved(g))
}

func halved(v []float32) []float64 {
	h := wide(v)
	for i := range h {
		h[i] /= 2
	}
	return h
}

func TestCrossEntropyIsStable(t *testing.T) {
	count := 2
	h := lossHarness(t, array{[]int{2, 2}, []float32{1e30, -3e38, -1e30, 3e38}}, []float32{0, 1}, &count)
	wantExactly(t, "loss", h.output(), []float64{0})
	wantExactly(t, "gradient", h.gradient(0), []float64{0, 0, 0, 0})
}

// exp is within 2 units in the last place of math.Exp, which is within one of
// the truth.
func TestExp(t *testing.T) {
	worst := 0.0
	for x := 0.0; x > -708; x -= 0x1.23456789p-9 {
		want := math.Exp(x)
		worst = math.Max(worst, math.Abs(exp(x)-want)/want)
	}
	if t.Logf("off by %v times 2^-53", worst*0x1p53); !(worst <= 3*0x1p-52) || worst == 0 {
		t.Errorf("off by %v times 2^-53", worst*0x1p53)
	}
	for _, c := range [][2]float64{{exp(0), 1}, {exp(math.Inf(-1)), 0}, {exp(-745), math.Exp(-745)}, {exp(-746), 0}} {
		if c[0] != c[1] {
			t.Errorf("%v, want %v", c[0], c[1])
		}
	}
	if x := exp(math.NaN()); x == x {
		t.Errorf("exp(NaN) is %v", x)
	}
}
