package f32

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

// benchLevels runs f at every level; the portable twin comes last.
func benchLevels(b *testing.B, name string, f func(b *testing.B)) {
	defer func(was *kernels) { active = was }(active)
	for _, l := range slices.Backward(cputest.Levels(b, cpu.AVX512)) {
		use(l)
		b.Run(fmt.Sprintf("%s/%s", name, l), f)
	}
}

// fastest runs f under b and returns the seconds of its fastest run, which other
// work on the machine disturbs least.
func fastest(b *testing.B, f func()) float64 {
	rounds, best := 1, math.Inf(1)
	for b.Loop() {
		start := time.Now()
		for range rounds {
			f()
		}
		spent := time.Since(start)
		best = min(best, spent.Seconds()/float64(rounds))
		if spent < 10*time.Microsecond { // mostly the clock
			rounds *= 2
			best = math.Inf(1)
		}
	}
	return best
}

// peak is the best of several measurements of Peak, in operations a second.
func peak() float64 {
	best := 0.0
	for range 200 {
		start := time.Now()
		best = max(best, float64(Peak(2000))/time.Since(start).Seconds())
	}
	return best
}

// flops reports the operations a second of the fastest run of f, which does
// each multiplications and additions, and their share of the peak.
func flops(b *testing.B, each int, f func()) {
	perSecond := float64(each) / fastest(b, f)
	b.ReportMetric(perSecond/1e9, "GFLOP/s")
	b.ReportMetric(100*perSecond/peak(), "%peak")
}

// perValue reports the values a second of the fastest run of f.
func perValue(b *testing.B, n int, f func()) {
	b.ReportMetric(float64(n)/fastest(b, f)/1e9, "Gvalues/s")
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
			flops(b, 2*s.m*s.k*s.n, func() { Product(dst, init, a, x, terms, s.m, s.n) })
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
			flops(b, 2*s.out*len(off)*o*o*batch, func() {
				Dots(dst, Runs{g, o * batch}, o*o*batch, Runs{x, s.side * batch}, off, s.out, o*batch, o)
			})
		})
	}
}

// BenchmarkVector has the elementwise kernels on 16,384 values, which stay in the
// second-level cache.
func BenchmarkVector(b *testing.B) {
	const n = 1 << 14
	r := newRand(1)
	dst, x, y, v := values(r, n, 0), values(r, n, 0), values(r, n, 0), make([]float32, n)
	kernels := vectorKernels()
	kernels["adam"] = func(dst, x, y []float32) {
		AdamStep{0.01, 0.9, 0.1, 0.999, 0.001, 1.5, 1e-8, 0.5}.Apply(dst, x, v, y)
	}
	for _, name := range []string{
		"add", "square", "square gradient", "polynomial", "relu", "tanh", "sigmoid", "quantize", "quantize gradient", "sum", "sum of squares", "largest", "adam",
	} {
		benchLevels(b, name, func(b *testing.B) { perValue(b, n, func() { kernels[name](dst, x, y) }) })
	}
}

func BenchmarkTranspose(b *testing.B) {
	x := values(newRand(1), 50*784, 0)
	dst := make([]float32, len(x))
	benchLevels(b, "50x784", func(b *testing.B) { perValue(b, len(x), func() { Transpose(dst, x, 50, 784) }) })
}

// BenchmarkPool has a 2x2 pool of 50 images, and its gradient.
func BenchmarkPool(b *testing.B) {
	const n, h, w = 50, 24, 24
	x, y := values(newRand(1), n*h*w, 0), make([]float32, n*h*w/4)
	offsets := []int{0, n, w * n, w*n + n}
	rows := func(f func(y, x Runs)) func() {
		return func() {
			for r := range h / 2 {
				f(Runs{y[r*w/2*n:], n}, Runs{x[2*r*w*n:], 2 * n})
			}
		}
	}
	benchLevels(b, "2x2", func(b *testing.B) {
		perValue(b, len(x), rows(func(y, x Runs) { Pool(y, x, offsets, n, w/2, 0.25) }))
	})
	benchLevels(b, "2x2-gradient", func(b *testing.B) {
		perValue(b, len(x), rows(func(y, x Runs) { PoolGrad(x, y, offsets, n, w/2, 0.25, false) }))
	})
}

// BenchmarkBilinear turns a digit by a few degrees.
func BenchmarkBilinear(b *testing.B) {
	img, dst := make([]uint8, 784), make([]float32, 784)
	fixed := func(x float64) int64 { return int64(math.Round(x * (1 << 32))) }
	u, v := Line{fixed(0.7), fixed(0.99), fixed(-0.1)}, Line{fixed(-1.2), fixed(0.1), fixed(0.99)}
	benchLevels(b, "28x28", func(b *testing.B) { perValue(b, 784, func() { Bilinear(dst, img, 28, 28, u, v) }) })
}
