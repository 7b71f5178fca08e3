package f32

import (
	"fmt"
	"testing"

	"qtool/kernel/cpu"
)

// benchLevels runs f at every level; the portable twin comes last.
func benchLevels(b *testing.B, name string, f func(b *testing.B)) {
	defer func(was *kernels) { active = was }(active)
	for l := min(cpu.Detected, cpu.AVX512); l >= cpu.Portable; l-- {
		use(l)
		b.Run(fmt.Sprintf("%s/%s", name, l), f)
	}
}

// flops reports multiplications and additions a second.
func flops(b *testing.B, each int) {
	b.ReportMetric(float64(each)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkProduct has the products of the embedded recipes for a shard of 50
// images, and of larger networks.
func BenchmarkProduct(b *testing.B) {
	r := newRand(1)
	for _, s := range []struct {
		name    string
		m, k, n int
	}{
		{"conv1-lenet1", 4, 25, 24 * 50}, {"conv2-lenet1", 12, 100, 8 * 50}, {"fc-lenet1", 10, 192, 50},
		{"fc1", 128, 784, 50}, {"fc1-dw", 128, 50, 784}, {"fc512", 512, 3136, 50}, {"conv64", 64, 800, 14 * 50}, {"square", 256, 256, 256},
	} {
		a, x := Matrix{values(r, s.m*s.k, 0), s.k}, values(r, s.k*s.n, 0)
		dst, init := Matrix{make([]float32, s.m*s.n), s.n}, make([]float32, s.m)
		terms := make([]Term, s.k)
		for k := range terms {
			terms[k] = Term{k, k * s.n}
		}
		benchLevels(b, s.name, func(b *testing.B) {
			for b.Loop() {
				Product(dst, init, a, x, terms, s.m, s.n)
			}
			flops(b, 2*s.m*s.k*s.n)
		})
	}
}

// BenchmarkDots has the weights' gradients of convolutions, over 50 images.
func BenchmarkDots(b *testing.B) {
	r := newRand(1)
	for _, s := range []struct {
		name                  string
		out, in, side, kernel int
	}{{"conv1-lenet1", 4, 1, 28, 5}, {"conv2-lenet1", 12, 4, 12, 5}, {"conv64", 64, 32, 18, 5}} {
		const batch = 50
		o := s.side - s.kernel + 1
		g, x := values(r, s.out*o*o*batch, 0), values(r, s.in*s.side*s.side*batch, 0)
		var off []int
		for c := range s.in {
			for i := range s.kernel {
				for j := range s.kernel {
					off = append(off, ((c*s.side+i)*s.side+j)*batch)
				}
			}
		}
		dst := Matrix{make([]float32, s.out*len(off)), len(off)}
		benchLevels(b, s.name, func(b *testing.B) {
			for b.Loop() {
				Dots(dst, Runs{g, o * batch}, o*o*batch, Runs{x, s.side * batch}, off, s.out, o*batch, o)
			}
			flops(b, 2*s.out*len(off)*o*o*batch)
		})
	}
}
