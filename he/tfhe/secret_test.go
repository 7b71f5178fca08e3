package tfhe

import (
	"math"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/sample"
)

// Secrets and errors have the distributions that the security tables and the
// noise analysis are for. Bounds are six standard errors.
func TestInsecureDistributions(t *testing.T) {
	l := testInsecureLiteral()
	l.Dimension = 2000
	p := mustParameters(t, l)
	counts := map[int8]float64{}
	bits, square, largest, n := 0.0, 0.0, 0.0, 0.0
	masks := map[uint64]bool{}
	for range 10 {
		k := NewSecretKey(p)
		for _, x := range k.bigKey {
			counts[x]++
		}
		for _, x := range k.smallKey {
			if x > 1 {
				t.Fatalf("key bit %d", x)
			}
			bits += float64(x)
		}
		s := p.newSampler(sample.NewSeed())
		c0, c1 := make([]uint64, p.N()), make([]uint64, p.N())
		p.mask(c1, sample.NewSeed(), 0)
		masks[c1[0]] = true
		s.body(k, c0, c1)
		r := p.ring.SubRings[0]
		p.forward(c0)
		p.forward(c1)
		r.MulCoeffsMontgomery(c1, k.ntt, c1)
		r.Add(c0, c1, c0)
		p.inverse(c0)
		for _, x := range c0 {
			e := float64(p.centre(ring.CRed(x, p.q)))
			square, largest, n = square+e*e, max(largest, math.Abs(e)), n+1
		}
	}
	total := 10 * float64(p.N())
	for x, c := range counts {
		if d := math.Abs(c/total - 1./3); x < -1 || x > 1 || d > 6*math.Sqrt(2./9/total) {
			t.Errorf("%g of the ring secret are %d", c/total, x)
		}
	}
	if d := math.Abs(bits/20000 - 0.5); d > 6*0.5/math.Sqrt(20000) {
		t.Errorf("%g of the key bits are 1", bits/20000)
	}
	// The cut of the tails takes a variance of 1e-7, the rounding adds 1/12.
	if v := square / n; math.Abs(v-sigma*sigma-1./12) > 6*math.Sqrt(2/n)*sigma*sigma+1./12 || largest > sigmaBound+1 {
		t.Errorf("errors have variance %g and reach %g, want %g within %g", v, largest, sigma*sigma, sigmaBound)
	}
	if len(masks) != 10 {
		t.Error("masks repeat")
	}
}
