package bgv

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
	"qtool/he/wire"
	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

func smallNet() *bundletest.Builder {
	return bundletest.New(10, 4, 1, 8, 8).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(5, 7).Square().Dense(3, 7)
}

func TestInsecureCancel(t *testing.T) {
	b := smallNet()
	p := b.Done()
	plan := mustPlan(t, p, insecureOptions(10, 2))
	hetest.Cancelled(t, p, 2*plan.workers+2, func() he.Executor { return NewExecutor(p, plan) }, b.Samples(10))
}

func TestInsecureRunReports(t *testing.T) {
	b := smallNet()
	p := b.Done()
	plan := mustPlan(t, p, insecureOptions(10, 2))
	var phases []string
	last := he.Step{Done: -1}
	e := NewExecutor(p, plan)
	result, err := e.Run(context.Background(), b.Samples(1500), func(s he.Step) {
		if s.Done < last.Done || s.Done > s.Total {
			t.Errorf("step %+v after %+v", s, last)
		}
		last = s
		if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
			phases = append(phases, s.Phase)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	prime := strings.Repeat(" encrypt evaluate", len(plan.Q)) + " decrypt"
	if want := "keygen" + strings.Repeat(prime, 4); strings.Join(phases, " ") != want {
		t.Errorf("phases %v, want %v", phases, want)
	}
	if last.Done != last.Total || last.Total == 0 {
		t.Errorf("ends at %+v", last)
	}
	if seconds := hetest.Account[he.NodeSeconds](t, result); len(seconds) != len(p.Nodes) || seconds[0] <= 0 {
		t.Errorf("node seconds %v", seconds)
	}
	backend := e.Backend()
	if backend.Name != "bgv" || backend.Slots != 1024 || backend.SecurityBits >= 128 || len(backend.Why) == 0 {
		t.Errorf("backend %+v", backend)
	}

	// The sizes are those of the objects on the wire; see TestInsecureHalves.
	sizes := plan.sizes()
	if got := result.Cost.Bytes; got.CiphertextIn != wire.Size(sizes.Inputs) || got.CiphertextOut != wire.Size(sizes.Outputs) || got.Keys != 0 {
		t.Errorf("%+v, want the sizes of %+v", got, sizes)
	}
}

func TestInsecureWrongShapesAreErrors(t *testing.T) {
	b := smallNet()
	p := b.Done()
	plan := mustPlan(t, p, insecureOptions(10, 2))
	ctx := context.Background()
	if _, err := NewExecutor(p, plan).Run(ctx, []bundle.Sample{make(bundle.Sample, 64), make(bundle.Sample, 63)}, nil); err == nil || !strings.Contains(err.Error(), "sample 1 has 63 values") {
		t.Errorf("short sample: %v", err)
	}
	client := generate(plan.half)
	if err := client.encryptBatch(ctx, b.Samples(1025), 0, newSeeds(), &ciphertexts{}); err == nil {
		t.Error("more samples than slots are encrypted")
	}
	result, err := NewExecutor(p, plan).Run(ctx, nil, nil)
	if err != nil || len(hetest.Exact(t, result)) != 0 {
		t.Errorf("no samples: %v, %v", result, err)
	}
}

// BenchmarkLeNet runs one full batch of LeNet-1 in secure parameters, as each
// level's plan has it, and compares it with portable kernels. Times are the best
// of a few.
func BenchmarkLeNet(b *testing.B) {
	net := bundletest.LeNet(1)
	p := net.Done()
	var portable float64
	for _, level := range cputest.Levels(b, cpu.IFMA) {
		b.Run(level.String(), func(b *testing.B) {
			plan := mustPlan(b, p, Options{kernels: &level})
			samples := net.Samples(plan.Slots())
			e := NewExecutor(p, plan)
			least := math.Inf(1)
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if _, err := e.Run(context.Background(), samples, nil); err != nil {
					b.Fatal(err)
				}
				least = min(least, time.Since(start).Seconds())
			}
			rate := float64(len(samples)) / least
			b.ReportMetric(rate, "samples/s")
			b.ReportMetric(plan.LogQ(), "logQ")
			if level == cpu.Portable {
				portable = rate
			} else {
				b.ReportMetric(rate/portable, "x-portable")
			}
		})
	}
}
