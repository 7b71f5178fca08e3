package packed

import (
	"testing"
	"time"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/hetest"
)

// Samples that come one by one have the answers that they have together, with keys and
// encoded weights made once; a run's times are its own.
func TestInsecureOneByOne(t *testing.T) {
	b := bundletest.New(1, 4, 1, 8, 8).Conv(2, 3, 1, 1, 4).Square().Dense(5, 4)
	p := b.Observed()
	approximate, err := NewPlan(t.Context(), p, insecure(11))
	if err != nil {
		t.Fatal(err)
	}
	exact, err := NewExactPlan(t.Context(), p, insecure(11))
	if err != nil {
		t.Fatal(err)
	}
	samples := b.Samples(4)
	want := bundletest.Reference(t, p, samples)
	for name, e := range map[string]he.Executor{"packed-ckks": NewExecutor(p, approximate), "packed-bgv": NewExactExecutor(p, exact)} {
		if size := e.Backend().BatchSize(); size != 1 {
			t.Errorf("%s: batches of %d samples", name, size)
		}
		keys := int64(0)
		for i := range samples {
			start := time.Now()
			r := runBoth(t, e, samples[i:i+1])
			took := time.Since(start).Seconds()
			encode := hetest.Account[*he.Latency](t, r).Encode
			if made := r.Cost.Seconds.Keygen > 0; made != (i == 0) || (encode > 0) != (i == 0) {
				t.Errorf("%s: run %d: keys made %v, weights encoded in %v s", name, i, made, encode)
			}
			if keys == 0 {
				keys = r.Cost.Bytes.Keys
			}
			if r.Cost.Bytes.Keys != keys || keys == 0 {
				t.Errorf("%s: run %d: %d bytes of keys, %d in the first", name, i, r.Cost.Bytes.Keys, keys)
			}
			sum := 0.0
			for _, s := range hetest.Account[he.NodeSeconds](t, r) {
				sum += s
			}
			if !(sum > 0 && sum <= took) {
				t.Errorf("%s: run %d of %v s: %v s in the layers", name, i, took, sum)
			}
			switch a := r.Answers.(type) {
			case he.Exact:
				if o := a[0].FirstDifference(want[i]); o >= 0 {
					t.Errorf("%s: sample %d, output %d: %v, want %v", name, i, o, a[0].At(o), want[i].At(o))
				}
			case he.Approximate:
				for o, x := range a.Reals[0] {
					if off := x - want[i].Float(o); !(off <= a.Bound[o] && off >= -a.Bound[o]) {
						t.Errorf("%s: sample %d, output %d: off by %v, the bound is %v", name, i, o, off, a.Bound[o])
					}
				}
			}
		}
		if r := runBoth(t, e, samples); r.Answers.Len() != len(samples) || r.Cost.Seconds.Keygen != 0 {
			t.Errorf("%s: %d answers of %d samples at once, keys made in %v s", name, r.Answers.Len(), len(samples), r.Cost.Seconds.Keygen)
		}
	}
}
