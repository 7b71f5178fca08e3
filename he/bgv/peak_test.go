package bgv

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"qtool/bundle/bundletest"
)

// spectrum is the values of a polynomial at the odd powers of a root of unity of order
// 2N, by the recursion on even and odd coefficients.
func spectrum(p []complex128) []complex128 {
	twisted := make([]complex128, len(p))
	for k, x := range p {
		twisted[k] = x * cmplx.Rect(1, math.Pi*float64(k)/float64(len(p)))
	}
	return fourier(twisted)
}

func fourier(p []complex128) []complex128 {
	n := len(p)
	if n == 1 {
		return p
	}
	halves := [2][]complex128{make([]complex128, n/2), make([]complex128, n/2)}
	for k, x := range p {
		halves[k%2][k/2] = x
	}
	even, odd := fourier(halves[0]), fourier(halves[1])
	out := make([]complex128, n)
	for k := range odd {
		x := odd[k] * cmplx.Rect(1, 2*math.Pi*float64(k)/float64(n))
		out[k], out[k+n/2] = even[k]+x, even[k]-x
	}
	return out
}

// Noise of high powers of s has few roots of unity that make nearly all of it, and for
// one key in many far more than the average over keys that the model follows. The largest
// of 2,000 keys is near what peak says of one in as many, and below what it says of one
// in a million times as many; ten deviations and three bits would not do for it.
func TestPeakOfManyKeys(t *testing.T) {
	const logN, n, keys = 8, 1 << 8, 2000
	rng := rand.New(rand.NewPCG(1, 2))
	cases := []struct{ secret, errors int }{{2, 1}, {4, 1}, {4, 2}, {8, 1}, {8, 2}, {16, 1}}
	largest := make([]float64, len(cases))
	for i := range largest {
		largest[i] = math.Inf(-1)
	}
	for range keys {
		s, e := make([]complex128, n), make([]complex128, n)
		for k := range s {
			s[k], e[k] = complex(float64(rng.IntN(3)-1), 0), complex(rng.NormFloat64(), 0)
		}
		zs, ze := spectrum(s), spectrum(e)
		for i, c := range cases {
			// log2 of the variance of a coefficient: sum |V(zeta)|^2 / N^2.
			sum := 0.0
			for k := range zs {
				sum += math.Pow(cmplx.Abs(zs[k]), 2*float64(c.secret)) * math.Pow(cmplx.Abs(ze[k]), 2*float64(c.errors))
			}
			got := math.Log2(sum) - 2*logN
			d, j := float64(c.secret), float64(c.errors)
			mean := float64(d*(logN+math.Log2(2./3))) + logFactorial(d) + j*logN + logFactorial(j) - logN
			largest[i] = max(largest[i], (got-mean)/2+0.5) // the crest of a cosine
		}
	}
	passed := 0
	for i, c := range cases {
		e := noise{logN: logN, secret: c.secret, errors: c.errors}
		about, never := e.peak(math.Log2(keys)), e.peak(math.Log2(keys)+20)
		t.Logf("s^%d e^%d: %.2f bits over a deviation, peak says %.2f of one key in %d, %.2f of one in a million times as many", c.secret, c.errors, largest[i], about, keys, never)
		if largest[i] > never {
			t.Errorf("s^%d e^%d: the largest of %d keys is %.2f bits over a deviation, above %.2f", c.secret, c.errors, keys, largest[i], never)
		}
		if c.secret >= 4 && math.Abs(largest[i]-about) > 2 {
			t.Errorf("s^%d e^%d: the largest of %d keys is %.2f bits over a deviation, peak says %.2f", c.secret, c.errors, keys, largest[i], about)
		}
		if never > tailBits+reserveBits {
			passed++
		}
	}
	if passed == 0 {
		t.Error("ten deviations and the reserve would do for all")
	}
}

// Up to the second power of s, which one square makes, ten deviations and the reserve are
// more than the crest of one batch in 2^128; deeper programs get the room that it takes.
func TestPeakOfPrograms(t *testing.T) {
	for _, c := range []struct {
		name string
		b    *bundletest.Builder
		deep bool
	}{
		{"one square", bundletest.New(1, 2, 6).Dense(4, 3).Square().Dense(2, 3), false},
		{"two squares", bundletest.New(2, 2, 6).Dense(4, 3).Square().Dense(3, 3).Square().Dense(2, 3), true},
		{"four squares", bundletest.New(3, 2, 4).Dense(3, 1).Square().Dense(2, 1).Square().Dense(2, 1).Square().Dense(2, 1).Square(), true},
	} {
		plan := mustPlan(t, c.b.Done(), insecureOptions(11, 0))
		e, _ := plan.layout.walk(plan.circuit, nil)
		if deep := e.crest() > tailBits+reserveBits; deep != c.deep {
			t.Errorf("%s: s^%d e^%d has a crest of %.2f bits", c.name, e.secret, e.errors, e.crest())
		}
		if got := plan.LogFailure(); !(got <= -failureBits && got > -1000) {
			t.Errorf("%s: a failure probability of 2^%.1f", c.name, got)
		}
		if plan.PredictedNoiseBitsLeft() < reserveBits {
			t.Errorf("%s: %.2f bits left", c.name, plan.PredictedNoiseBitsLeft())
		}
	}
}

// The failure probability is what the crest was made for: where Q/2 is as many deviations
// away as crest says, and that is more than the ten and the reserve, it is between
// 2^-failureBits and a little less; each deviation less is more.
func TestFailureIsTheInverseOfTheCrest(t *testing.T) {
	for _, e := range []noise{
		{logN: 13, logT: 35, own: 20, shared: 21, secret: 4, errors: 2, logOutputs: 4},
		{logN: 12, logT: 30, own: 10, shared: 3, secret: 8, errors: 1, logOutputs: 0},
		{logN: 15, logT: 48, own: 10, shared: 3, secret: 16, errors: 8, logOutputs: 10},
	} {
		least := e.required()
		if got := e.logFailure(least); got > -failureBits || got < -failureBits-1.5 {
			t.Errorf("%+v: 2^%.3f at the crest of %.2f bits, want 2^-%d", e, got, e.crest(), failureBits)
		}
		last := e.logFailure(least + 20)
		for logQ := least + 19; logQ > least-8; logQ-- {
			got := e.logFailure(logQ)
			if got < last {
				t.Errorf("%+v: 2^%.1f with %.1f bits, 2^%.1f with one more", e, got, logQ, last)
			}
			last = got
		}
		if e.logFailure(least-30) != 0 {
			t.Errorf("%+v: 2^%.1f with nothing left", e, e.logFailure(least-30))
		}
	}
}
