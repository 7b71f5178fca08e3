package bgvlut

import (
	"fmt"
	"testing"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// fullyConnected is 784-128-64-10 with sparse weights of L1 norms that bound the
// domains of its two table layers, and tables of 2 bits on 1-bit inputs.
func fullyConnected(seed uint64, first, second int, odd bool) *bundletest.Builder {
	b := bundletest.New(seed, 1, 784)
	for _, layer := range [][2]int{{128, first}, {64, second}} {
		b.Narrow(layer[1]).Dense(layer[0], 3)
		if odd {
			b.Sigmoid(2)
		} else {
			b.RandomTable(2)
		}
	}
	return b.Narrow(60).Dense(10, 3)
}

// BenchmarkFullyConnected runs 10,000 samples, keys, encryption and decryption
// included.
func BenchmarkFullyConnected(b *testing.B) {
	for _, c := range []struct {
		bits, first, second int
		odd                 bool
	}{{5, 31, 10, false}, {7, 127, 42, false}, {7, 127, 42, true}, {8, 255, 85, false}, {8, 255, 85, true}} {
		b.Run(fmt.Sprintf("bits=%d/odd=%v", c.bits, c.odd), func(b *testing.B) {
			net := fullyConnected(1, c.first, c.second, c.odd)
			p, samples := net.Done(), net.Samples(10000)
			plan := mustPlan(b, p, Options{Samples: len(samples)})
			for _, why := range plan.Why() {
				b.Log(why)
			}
			b.Logf("predicted %.1f s", plan.PredictedSeconds(len(samples)))
			for b.Loop() {
				before := cpuSeconds()
				r := checkExact(b, p, plan, samples)
				s := r.Cost.Seconds
				b.Logf("keygen %.1f encrypt %.1f evaluate %.1f decrypt %.1f s; nodes %.1f", s.Keygen, s.Encrypt, s.Evaluate, s.Decrypt, hetest.Account[he.NodeSeconds](b, r))
				b.ReportMetric(cpuSeconds()-before, "cpu-s/op")
				b.ReportMetric(1000*(s.Keygen+s.Encrypt+s.Evaluate+s.Decrypt)/float64(len(samples)), "ms/sample")
			}
		})
	}
}

// BenchmarkTable evaluates one table of a network whose two table layers have
// domains of so many bits, at the first layer's levels and at the second's: all
// slots, one core.
func BenchmarkTable(b *testing.B) {
	for _, c := range []struct {
		bits, first, second int
		odd                 bool
	}{{5, 31, 10, false}, {7, 127, 42, false}, {7, 127, 42, true}, {8, 255, 85, false}, {8, 255, 85, true}} {
		plan := mustPlan(b, fullyConnected(1, c.first, c.second, c.odd).Done(), Options{Samples: 10000})
		_, server := newRoles(b, plan)
		for stage := range 2 {
			e := server.evaluation(plan.stages[stage].round, server.workers[0])
			x := server.pool.ciphertext(plan.layout.limbs(plan.stages[stage].round, 0))
			dst := server.pool.ciphertext(plan.layout.limbs(plan.stages[stage].round+1, 0))
			b.Run(fmt.Sprintf("bits=%d/odd=%v/layer=%d", c.bits, c.odd, stage+1), func(b *testing.B) {
				before := cpuSeconds()
				for b.Loop() {
					e.table(&server.programs[stage][0], x, dst)
				}
				us := (cpuSeconds() - before) * 1e6 / float64(b.N)
				b.ReportMetric(us/float64(plan.N()), "cpu-µs/look-up")
				b.ReportMetric(us*1000/plan.costs.element[stage], "of-prediction")
			})
		}
	}
}
