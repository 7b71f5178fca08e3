package serve

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/choose"
	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/serve/keystore"
)

// BenchmarkServe is what HTTP costs beside a bare evaluation, of a small network by the
// packed back end: median latency of one client, as a ratio, and samples a second of four
// clients at once, as a share of evaluations back to back.
func BenchmarkServe(b *testing.B) {
	f, err := bundle.ReadFile("../he/choose/testdata/digits.qb")
	if err != nil {
		b.Fatal(err)
	}
	m, spec := benchModel(b, f)
	s := start(b, Options{}, keystore.Options{}, m)
	key, err := roles.NewClient(spec)
	if err != nil {
		b.Fatal(err)
	}
	c := s.client("")
	upload(b, c, key)
	name := keystore.Name{Spec: m.Spec, Key: key.KeyID()}
	keys, release, err := s.Keys.Acquire(b.Context(), LocalTenant, name, m.Server.ReadKeys)
	if err != nil {
		b.Fatal(err)
	}
	defer release()
	var in bytes.Buffer
	if err := key.Encrypt(b.Context(), []bundle.Sample{make(bundle.Sample, 28*28)}, wire.Message{Samples: 1, Last: true}, &in, nil); err != nil {
		b.Fatal(err)
	}
	bare := func(ctx context.Context) error {
		r, err := wire.Open(bytes.NewReader(in.Bytes()))
		if err != nil {
			return err
		}
		return m.Server.Evaluate(ctx, keys, r, io.Discard, nil)
	}
	served := func(ctx context.Context) error {
		out, err := c.Infer(ctx, m.Name, bytes.NewReader(in.Bytes()))
		if err != nil {
			return err
		}
		defer out.Close()
		_, err = io.Copy(io.Discard, out)
		return err
	}
	for b.Loop() {
		var alone, one []time.Duration
		for range 20 { // in turns, so that both see the same machine
			alone = append(alone, timed(b, bare))
			one = append(one, timed(b, served))
		}
		start := time.Now()
		for range 20 {
			timed(b, bare)
		}
		back := time.Since(start)
		start = time.Now()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					timed(b, served)
				}
			})
		}
		wg.Wait()
		four := time.Since(start)
		b.ReportMetric(float64(median(alone).Microseconds())/1000, "bare-ms")
		b.ReportMetric(float64(median(one).Microseconds())/1000, "served-ms")
		b.ReportMetric(median(one).Seconds()/median(alone).Seconds(), "latency-ratio")
		b.ReportMetric(back.Seconds()/four.Seconds(), "throughput-ratio")
	}
}

func timed(b *testing.B, f func(context.Context) error) time.Duration {
	start := time.Now()
	if err := f(b.Context()); err != nil {
		b.Error(err)
	}
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// benchModel is a bundle by packed-ckks.
func benchModel(b testing.TB, f *bundle.File) (*Model, *he.ClientSpec) {
	plan, err := choose.New(b.Context(), f.Program, choose.Options{Backend: "packed-ckks"})
	if err != nil {
		b.Fatal(err)
	}
	spec, half, err := roles.Split(f, plan.Backend.(he.Halves))
	if err != nil {
		b.Fatal(err)
	}
	m, err := NewModel(b.Context(), "digits", half)
	if err != nil {
		b.Fatal(err)
	}
	return m, spec
}
