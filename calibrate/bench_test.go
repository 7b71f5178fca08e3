package calibrate

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkScales is the search for the scales of 256 rows of 80 weights.
func BenchmarkScales(b *testing.B) {
	const rows, size = 256, 80
	r := rand.New(rand.NewPCG(1, 2))
	w := make([]float32, rows*size)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	for _, bits := range []int{2, 4, 8} {
		b.Run(fmt.Sprintf("bits=%d", bits), func(b *testing.B) {
			c := WeightConfig{Bits: bits, Kind: "mse", PerChannel: true}
			for b.Loop() {
				if _, err := c.Scales("", w, rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
