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

// distilHarness is the distillation loss of logits and a teacher's, both
// [classes, n].
func distilHarness(t *testing.T, logits, teacher array, labels []float32, d Distillation, count *int) *harness {
	in := []array{logits, {[]int{len(labels)}, labels}, teacher}
	return newHarness(t, func(v []*G.Node) (*G.Node, error) { return Distil(v[0], v[1], v[2], d, count) }, in, 0)
}

// plainDistil is the definition, in float64.
func plainDistil(z, teacher, labels []float32, d Distillation, count int) float64 {
	n := len(labels)
	logSoftmax := func(z []float32, r int, temperature float64) (out []float64) {
		sum := 0.0
		for i := r; i < len(z); i += n {
			out = append(out, float64(z[i])/temperature)
			sum += math.Exp(float64(z[i]) / temperature)
		}
		for c := range out {
			out[c] -= math.Log(sum)
		}
		return out
	}
	loss := 0.0
	for r, label := range labels {
		if label < 0 {
			continue
		}
		loss -= (1 - d.Weight) * logSoftmax(z, r, 1)[int(label)]
		p, q := logSoftmax(z, r, d.Temperature), logSoftmax(teacher, r, d.Temperature)
		for c := range p {
			loss -= d.Weight * d.Temperature * d.Temperature * math.Exp(q[c]) * p[c]
		}
	}
	return loss / float64(count)
}

// The loss is the definition's, rounded once. The gradient agrees with central
// differences of the definition, which are off by less than 1e-8, up to a few float32
// roundings of numbers below 1 times the temperature.
func TestDistil(t *testing.T) {
	r := newRand()
	for _, c := range []struct {
		d      Distillation
		labels []float32
		count  int
	}{
		{Distillation{0.5, 4}, []float32{0, 3, 2}, 3},
		{Distillation{1, 1}, []float32{0, 3, 2}, 3},
		{Distillation{1, 0.5}, []float32{1, 1, 1}, 3},
		{Distillation{0.25, 20}, []float32{3, -1, 0}, 7},
		{Distillation{0.9, 2}, []float32{-1, -1, -1}, 5},
	} {
		z, teacher := sixteenths(r, 4, 3), sixteenths(r, 4, 3)
		h := distilHarness(t, z, teacher, c.labels, c.d, &c.count)
		wantNear(t, "loss", h.output(), []float64{plainDistil(z.Data, teacher.Data, c.labels, c.d, c.count)}, 0x1p-23)
		got, x := h.gradient(0), z.Data
		for k := range got {
			const step = 1.0 / 4096
			keep := x[k]
			x[k] = keep + step
			above := plainDistil(x, teacher.Data, c.labels, c.d, c.count)
			x[k] = keep - step
			want := (above - plainDistil(x, teacher.Data, c.labels, c.d, c.count)) / (2 * step)
			x[k] = keep
			if math.Abs(float64(got[k])-want) > 1e-7+c.d.Temperature*0x1p-23 {
				t.Errorf("%+v: gradient at %d is %v, finite difference %v", c.d, k, got[k], want)
			}
			if c.labels[k%3] < 0 && got[k] != 0 {
				t.Errorf("%+v: padding has the gradient %v", c.d, got[k])
			}
		}
	}
}

// Without weight the teacher says nothing; alone, it is learned from whatever the
// labels, and at its own answers there is nothing to learn.
func TestDistilWeights(t *testing.T) {
	r := newRand()
	z, teacher, count := sixteenths(r, 4, 3), sixteenths(r, 4, 3), 3
	plain := lossHarness(t, z, []float32{0, 3, 2}, &count)
	none := distilHarness(t, z, teacher, []float32{0, 3, 2}, Distillation{0, 3}, &count)
	wantExactly(t, "loss", none.output(), wide(plain.output()))
	wantExactly(t, "gradient", none.gradient(0), wide(plain.gradient(0)))
	a := distilHarness(t, z, teacher, []float32{0, 3, 2}, Distillation{1, 3}, &count)
	b := distilHarness(t, z, teacher, []float32{1, 1, 1}, Distillation{1, 3}, &count)
	wantExactly(t, "loss of other labels", a.output(), wide(b.output()))
	wantExactly(t, "gradient of other labels", a.gradient(0), wide(b.gradient(0)))
	same := distilHarness(t, z, z, []float32{0, 3, 2}, Distillation{1, 3}, &count)
	wantExactly(t, "gradient at the teacher's answers", same.gradient(0), make([]float64, 12))
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
