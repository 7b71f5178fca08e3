package tfhe

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"qtool/he"
	"qtool/he/internal/hetest"
	"qtool/he/security"
	"qtool/kernel/cpu"
)

// BenchmarkLookup times one look-up on one core: a batch of key switches and
// blind rotations, by ring degree, with secure parameters.
func BenchmarkLookup(b *testing.B) {
	for _, l := range []ParametersLiteral{
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, LogSmallQ: 21, Switch: Digits{3, 6}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, Group: 2, LogSmallQ: 21, Switch: Digits{3, 6}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, Group: 3, LogSmallQ: 21, Switch: Digits{3, 6}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, Group: 2, LogAccumulators: 2, LogSmallQ: 21, Switch: Digits{3, 6}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, Group: 3, LogAccumulators: 2, LogSmallQ: 21, Switch: Digits{3, 6}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{24, 1}, {24, 1}}, Group: 3, LogAccumulators: 4, LogSmallQ: 23, Switch: Digits{2, 10}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{16, 2}, {16, 2}}, LogSmallQ: 20, Switch: Digits{3, 5}},
		{LogN: 11, LogQ: 50, Ring: [2]Digits{{20, 1}, {16, 2}}, LogSmallQ: 20, Switch: Digits{3, 5}},
		{LogN: 11, LogQ: 53, Ring: [2]Digits{{17, 2}, {17, 2}}, LogSmallQ: 20, Switch: Digits{3, 5}},
		{LogN: 12, LogQ: 50, Ring: [2]Digits{{16, 2}, {16, 2}}, LogSmallQ: 21, Switch: Digits{2, 8}},
		{LogN: 12, LogQ: 58, Ring: [2]Digits{{28, 1}, {28, 1}}, LogSmallQ: 21, Switch: Digits{2, 8}},
		{LogN: 13, LogQ: 50, Ring: [2]Digits{{16, 2}, {16, 2}}, LogSmallQ: 23, Switch: Digits{3, 6}},
	} {
		l.Group = max(1, l.Group)
		l.Dimension = security.LWEDimension(l.LogSmallQ)
		b.Run(fmt.Sprintf("N=2^%d/K=%d/group=%d/digits=%d+%d/logQ=%d/n=%d", l.LogN, 1<<l.LogAccumulators, l.Group, l.Ring[0].Levels, l.Ring[1].Levels, l.LogQ, l.Dimension), func(b *testing.B) {
			p, err := NewParameters(l)
			if err != nil {
				b.Fatal(err)
			}
			k, batch := NewSecretKey(p), p.batch()
			keys, err := k.evaluationKeys(context.Background(), [32]byte{}, 2)
			if err != nil {
				b.Fatal(err)
			}
			r := newRotator(p, keys, batch)
			tab := &table{values: []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}
			out := p.newBigKeys(batch)
			cts := p.newBigKeys(batch)
			in := make([]smallKey, batch)
			acc := make([][]uint32, batch)
			for i := range in {
				in[i] = make(smallKey, p.Dimension+1)
				acc[i] = in[i]
				for j := range cts[i] {
					cts[i][j] = uint32(j*i) * 0x9e3779b9
				}
			}
			never := func() error { return nil }
			b.ReportAllocs()
			for b.Loop() {
				keys.keySwitch(acc, cts)
				for k := range in {
					p.round(in[k])
					r.start(k, tab, 16, in[k][p.Dimension], 16)
				}
				if err := r.rotateAll(in, never); err != nil {
					b.Fatal(err)
				}
				for k := range in {
					r.finish(out[k], k, tab, 16)
				}
			}
			// Steps and key switches at their fastest, as if nothing else ran.
			step := fastest(500, func() { r.step(in, 1) }) / float64(batch)
			quiet := float64(l.groups())*step + fastest(5, func() { keys.keySwitch(acc, cts) })/float64(batch)
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*batch), "ms/lookup")
			b.ReportMetric(quiet*1e3, "quiet-ms/lookup")
			b.ReportMetric(l.nanoseconds(cpu.Active)/1e6, "predicted-ms")
			b.ReportMetric(float64(keys.Bytes())/1e6, "key-MB")
		})
	}
}

// fastest is the least time of n runs of f, in seconds.
func fastest(n int, f func()) float64 {
	least := math.Inf(1)
	for range n {
		start := time.Now()
		f()
		least = min(least, time.Since(start).Seconds())
	}
	return least
}

// BenchmarkNetwork runs samples of a network of the size of an MNIST classifier,
// with random weights, through 192 look-ups each. The second case accepts
// failures, so that counts can be held against the computed ones: -benchtime=53x
// makes 10,176 look-ups.
func BenchmarkNetwork(b *testing.B) {
	for _, c := range []struct {
		name       string
		domain     int64
		logFailure float64
	}{{"domain=6bits", 64, 0}, {"domain=6bits/failing", 64, -0.01}, {"domain=7bits", 128, 0}, {"domain=8bits", 256, 0}} {
		b.Run(c.name, func(b *testing.B) {
			rng := seeded(5)
			p := newNet(b, rng, net{bits: 1, maxWeight: 3, domain: c.domain, table: sigmoid(2), widths: []int{784, 128, 64, 10}})
			plan, err := NewPlan(b.Context(), p, Options{LogFailure: c.logFailure})
			if err != nil {
				b.Fatal(err)
			}
			b.Log(plan.params)
			samples := randomSamples(rng, b.N, plan.program)
			b.ResetTimer()
			result, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
			if err != nil {
				b.Fatal(err)
			}
			r := hetest.Account[*he.Lookups](b, result)
			b.ReportMetric(r.SecondsPerSample, "s/sample")
			b.ReportMetric(r.Milliseconds, "ms/lookup")
			b.ReportMetric(float64(r.Missed), "missed")
			b.ReportMetric(float64(r.Failed), "failed")
			b.ReportMetric(r.Expected, "expected")
			b.ReportMetric(float64(r.Done), "done")
		})
	}
}
