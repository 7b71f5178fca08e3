package bgvlut

import (
	"context"
	"math"
	"math/big"
	"math/cmplx"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"qtool/bundle/bundletest"
)

// atRoots is log2 of the largest |V(zeta)|/T of a ciphertext.
func (c *Client) atRoots(from *ciphertext) float64 {
	p, limbs := c.half, from.limbs()
	r := p.ring.Parameters().RingQ().AtLevel(limbs - 1)
	phase := r.NewPoly()
	for i, s := range r.SubRings[:limbs] {
		x, m := phase.Coeffs[i], p.ring.Modulus(i)
		s.MulCoeffsMontgomery(from[1][i], c.secret.Value.Q.Coeffs[i], x)
		s.Add(x, from[0][i], x)
		s.INTT(x, x)
		m.Scale(x, x, m.Factor(p.T))
	}
	v := make([]*big.Int, p.N())
	for k := range v {
		v[k] = new(big.Int)
	}
	r.PolyToBigintCentered(phase, 1, v)
	twisted := make([]complex128, len(v))
	for k, x := range v {
		f, _ := new(big.Float).SetInt(x).Float64()
		twisted[k] = complex(f, 0) * cmplx.Exp(complex(0, math.Pi*float64(k)/float64(len(v))))
	}
	largest := 0.0
	for _, y := range fourier.NewCmplxFFT(len(v)).Coefficients(nil, twisted) {
		largest = max(largest, cmplx.Abs(y))
	}
	return math.Log2(largest / float64(p.T))
}

// TestInsecureNoiseStaysBelowBound measures the noise at the roots of unity after
// both of two deep table layers, for some keys. It grows level by level wherever
// a division leaves too much, and an average over coefficients shows that too
// late.
func TestInsecureNoiseStaysBelowBound(t *testing.T) {
	b := bundletest.New(11, 1, 200).Narrow(127).Dense(24, 3).RandomTable(2).Narrow(42).Dense(24, 3).RandomTable(2).Narrow(9).Dense(2, 3)
	p := b.Done()
	for copies := 1; copies <= maxCopies; copies++ {
		noiseStaysBelowBound(t, b, mustPlan(t, p, insecureCopies(10, copies)))
	}
}

func noiseStaysBelowBound(t *testing.T, b *bundletest.Builder, plan *Plan) {
	var bounds []float64
	m := plan.layout.model(plan.stages, plan.tables)
	m.walk(plan.stages, plan.tables, plan.layout.divide, func(_ int, table bool, e noise) {
		if table {
			bounds = append(bounds, e.total())
		}
	})
	ctx := context.Background()
	slack := math.Inf(1)
	for range 3 {
		client, server := newRoles(t, plan)
		var in ciphertexts
		if err := client.encryptBatch(ctx, b.Samples(plan.Slots()), newSeeds(), &in, nil); err != nil {
			t.Fatal(err)
		}
		r := newResidents(plan, server.pool, in, false)
		for i, bound := range bounds {
			if err := server.stage(ctx, i, r, nil); err != nil {
				t.Fatal(err)
			}
			made := r.buffers[plan.stages[i].to]
			for k := range made {
				got := client.atRoots(&made[k])
				slack = min(slack, bound-got)
				if got > bound {
					t.Errorf("table layer %d, element %d: noise of %.1f bits at a root of unity, the bound is %.1f", i+1, k, got, bound)
				}
			}
		}
	}
	// The bound is for what happens once in 2^129 batches, not for 2^18 pairs of a root and a
	// ciphertext.
	if slack > 6 {
		t.Errorf("%d copies: the bound is %.1f bits above all noise", plan.layout.copies, slack)
	}
	t.Logf("%d copies: the noise stays %.2f bits below its bound", plan.layout.copies, slack)
}

// The tail is where bounds at roots fail with the probability that they may, and the bits
// that outputs must have leave a failure probability just below 2^-128.
func TestFailureProbability(t *testing.T) {
	for _, b := range []*bundletest.Builder{
		bundletest.New(11, 1, 200).Narrow(127).Dense(24, 3).RandomTable(2).Narrow(42).Dense(24, 3).RandomTable(2).Narrow(9).Dense(2, 3),
		bundletest.New(12, 2, 9).Narrow(20).Dense(4, 3),
	} {
		plan := mustPlan(t, b.Done(), insecureOptions(10))
		m := plan.layout.model(plan.stages, plan.tables)
		events := (1 + m.tail) * math.Exp(-m.tail) * math.Exp2(m.logN-1) * float64(plan.inputs)
		if got := math.Log2(events); got > -failureBits-1+1e-6 || got < -failureBits-20 {
			t.Errorf("a tail of %.2f: bounds on fresh ciphertexts fail with 2^%.1f", m.tail, got)
		}
		if got := plan.LogFailure(); got > -failureBits || got < -failureBits-1 {
			t.Errorf("a failure probability of 2^%.2f", got)
		}
		e, _ := m.walk(plan.stages, plan.tables, plan.layout.divide, nil)
		if got := m.logFailure(e.total(), m.required(e.total())); math.Abs(got+failureBits) > 0.1 {
			t.Errorf("with the least modulus it is 2^%.2f", got)
		}
		if got := m.logFailure(e.total(), m.required(e.total())-1); got < -failureBits+40 {
			t.Errorf("with a bit less it is 2^%.2f", got)
		}
		if got := m.logFailure(e.total(), m.required(e.total())-5); got != 0 {
			t.Errorf("with five bits less it is 2^%.2f", got)
		}
	}
}
