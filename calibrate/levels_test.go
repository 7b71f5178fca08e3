package calibrate

import (
	"io"
	"math/rand/v2"
	"testing"

	"qtool/internal/samebits"
)

// Ranges of every observer, at every number of bits, of values of two kinds; and
// scales of weights.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "59ac4bb272a7eae259cd01b9bf3fb35d7c98aaf273f1d261315153b42e2e7344", func(w io.Writer) {
		for kind := range 2 {
			r := rand.New(rand.NewPCG(uint64(kind), 2))
			batches := make([][]float32, 5)
			for i := range batches {
				for range 3000 {
					v := float32(r.Float64())
					if kind == 1 {
						v = float32(3*v*v*v) - 0.5
					}
					batches[i] = append(batches[i], v)
				}
			}
			for _, name := range Observers {
				for bits := 2; bits <= 8; bits++ {
					o, err := New(InputConfig{Bits: bits, Observer: name})
					if err != nil {
						t.Fatal(err)
					}
					for _, b := range batches {
						if err := o.Observe(b); err != nil {
							t.Fatal(err)
						}
					}
					lo, hi, err := o.Range()
					if err != nil {
						t.Fatal(err)
					}
					samebits.Write(w, lo, hi)
				}
			}
			for _, name := range WeightObservers {
				for bits := 2; bits <= 8; bits++ {
					for _, perChannel := range []bool{false, true} {
						c := WeightConfig{Bits: bits, Kind: name, PerChannel: perChannel}
						scales, err := c.Scales("fc", batches[0], 10)
						if err != nil {
							t.Fatal(err)
						}
						followed, err := c.Follow("fc", batches[1], scales, 10)
						if err != nil {
							t.Fatal(err)
						}
						samebits.Write(w, scales, followed)
					}
				}
			}
		}
	})
}
