package quant

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkCodes(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 100*28*28)
	for i := range x {
		x[i] = r.Float32()*3 - 1
	}
	dst := make([]float32, len(x))
	p, err := Affine(0, 1, 4)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(4 * len(x)))
	b.ReportAllocs()
	for b.Loop() {
		p.Codes(dst, x)
	}
	b.ReportMetric(float64(b.N)*float64(len(x))/b.Elapsed().Seconds(), "values/s")
}
