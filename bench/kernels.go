package bench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"qtool/he/fastntt"
	"qtool/kernel/cpu"
	"qtool/kernel/f32"
	"qtool/kernel/gadget"
	"qtool/kernel/mod"
	"qtool/kernel/peak"
)

// kernel is a task of one core: run does work units at once, in the task's unit
// times 10^-9.
type kernel struct {
	Task
	prepare func() (run func(), work float64)
}

// prime has 47 bits, as the primes of the batch executor have, and is 1 modulo 2^17.
const prime = 140737487306753

// kernels are the kernels that executors and training spend their time in, at sizes of
// the embedded recipes.
func kernels() []kernel {
	all := []kernel{
		product("convolution 4 @ 5x5 of 1, 24 pixels of 50 images", 4, 25, 1200),
		product("convolution 12 @ 5x5 of 4, 8 pixels of 50 images", 12, 100, 400),
		product("dense 784 to 128, 50 images", 128, 784, 50),
		{rate("weights' gradient of 12 @ 5x5 of 4", "GFLOP/s", FloatPeak), dots},
		{rate("tanh", "G values/s", ""), elementwise(f32.Tanh)},
		{rate("fake quantization to 4 bits", "G values/s", ""), elementwise(f32.Grid{Scale: 0.1, Lo: -7, Hi: 7}.Quantize)},
		{rate("Adam, memory", "GB/s", MemoryPeak), adam},
	}
	for _, c := range []struct{ rows, taps, words, inputs int }{{4, 25, 128, 784}, {12, 100, 192, 576}, {128, 784, 128, 784}} {
		all = append(all, kernel{rate(fmt.Sprintf("linear map of residues, %d rows of %d", c.rows, c.taps), "GMAC/s", IntegerPeak), func() (func(), float64) {
			return linear(c.rows, c.taps, c.words, c.inputs)
		}})
	}
	all = append(all, kernel{rate("product by a fixed vector and sum, memory", "GB/s", MemoryPeak), mulAdd})
	for _, d := range []string{"forward", "inverse"} {
		for _, whose := range []string{"", ", Lattigo's"} {
			all = append(all, kernel{Task{Kind: Kernel, Name: "transform of 2^13, " + d + whose, Unit: "us"}, func() (func(), float64) {
				return transform(d == "forward", whose != "")
			}})
		}
	}
	all = append(all,
		kernel{rate("tensor product of ciphertexts", "G words/s", ""), tensor},
		kernel{rate("external product: inner products of 4 digits", "G words/s", ""), inner},
		kernel{rate("errors of encryption from random words", "G words/s", ""), encryptionErrors},
	)
	return all
}

func rate(name, unit string, b Bound) Task {
	return Task{Kind: Kernel, Name: name, Unit: unit, Rate: true, Bound: b}
}

// peaks are what kernels are held against.
func peaks() []kernel {
	measured := func(b Bound, name, unit string) Task {
		return Task{Kind: Peak, Name: name, Unit: unit, Rate: true, Bound: b}
	}
	return []kernel{
		{measured(FloatPeak, "products and sums of float32 in registers", "GFLOP/s"), func() (func(), float64) {
			const n = 20000
			return func() { f32.Peak(n) }, float64(f32.Peak(n))
		}},
		{Task: measured(IntegerPeak, "multiply-accumulates of words in registers", "GMAC/s")},
		{Task: measured(MemoryPeak, "bytes of memory read and written: the most of copying, adding, summing", "GB/s")},
	}
}

// run measures a kernel for about a slice of time.
func (k *kernel) run(slice time.Duration) (float64, error) {
	if k.Kind == Peak && k.Bound == IntegerPeak {
		return peak.MACs(cpu.Active) / 1e9, nil
	}
	if k.Kind == Peak && k.Bound == MemoryPeak {
		return bandwidth(slice), nil
	}
	run, work := k.prepare()
	best := fastest(run, slice)
	if !k.Rate {
		return float64(best) / 1e3, nil
	}
	return work / float64(best), nil
}

// bandwidth is how many bytes a nanosecond one core reads and writes at most: what
// it is used for decides how many that are, so the best of three.
func bandwidth(slice time.Duration) float64 {
	x, y := floats(big), floats(big)
	add, sum := fastest(func() { f32.Add(y, x) }, slice), fastest(func() { f32.Sum(x) }, slice)
	return max(2*peak.Bandwidth()/1e9, 3*4*big/float64(add), 4*big/float64(sum))
}

// fastest is the least time of a run, among as many runs as a slice of time has room for.
func fastest(run func(), slice time.Duration) time.Duration {
	run()
	best := time.Duration(1 << 62)
	rounds := 1
	for end := time.Now().Add(slice); ; {
		start := time.Now()
		for range rounds {
			run()
		}
		now := time.Now()
		spent := now.Sub(start)
		if spent < 50*time.Microsecond { // too much of it is the clock
			rounds *= 2
			continue
		}
		best = min(best, spent/time.Duration(rounds))
		if now.After(end) {
			return best
		}
	}
}

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

func floats(n int) []float32 {
	r := source()
	return repeated(n, func() float32 { return float32(r.NormFloat64()) })
}

func residues(n int, q uint64) []uint64 {
	r := source()
	return repeated(n, func() uint64 { return r.Uint64N(q) })
}

// repeated is n values, drawn anew for the first 2^16 of them.
func repeated[T any](n int, draw func() T) []T {
	x := make([]T, n)
	fresh := min(n, 1<<16)
	for i := range fresh {
		x[i] = draw()
	}
	for done := fresh; done < n; done *= 2 {
		copy(x[done:], x[:done])
	}
	return x
}

func product(name string, m, k, n int) kernel {
	return kernel{rate(name, "GFLOP/s", FloatPeak), func() (func(), float64) {
		a, b := f32.Matrix{Data: floats(m * k), Row: k}, floats(k*n)
		dst, init := f32.Matrix{Data: make([]float32, m*n), Row: n}, make([]float32, m)
		terms := make([]f32.Term, k)
		for i := range terms {
			terms[i] = f32.Term{A: i, B: i * n}
		}
		return func() { f32.Product(dst, init, a, b, terms, m, n) }, float64(2 * m * k * n)
	}}
}

func dots() (func(), float64) {
	const out, in, side, size, images = 12, 4, 12, 5, 50
	const o = side - size + 1
	g, x := floats(out*o*o*images), floats(in*side*side*images)
	var offsets []int
	for c := range in {
		for i := range size {
			for j := range size {
				offsets = append(offsets, ((c*side+i)*side+j)*images)
			}
		}
	}
	dst := f32.Matrix{Data: make([]float32, out*len(offsets)), Row: len(offsets)}
	return func() {
		f32.Dots(dst, f32.Runs{Data: g, Step: o * images}, o*o*images, f32.Runs{Data: x, Step: side * images}, offsets, out, o*images, o)
	}, float64(2 * out * len(offsets) * o * o * images)
}

func elementwise(f func(dst, x []float32)) func() (func(), float64) {
	return func() (func(), float64) {
		const n = 1 << 14
		dst, x := make([]float32, n), floats(n)
		return func() { f(dst, x) }, n
	}
}

// big is the values of an array that no cache holds.
const big = 1 << 23

// adam reads four arrays of 32 MB and writes three.
func adam() (func(), float64) {
	const n = big
	w, m, v, g := floats(n), make([]float32, n), make([]float32, n), floats(n)
	s := f32.AdamStep{Rate: 0.001, Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Root: 1, Epsilon: 1e-8, Scale: 1}
	return func() { s.Apply(w, m, v, g) }, 7 * 4 * n
}

func linear(rows, taps, words, inputs int) (func(), float64) {
	m, r := mod.New(prime), source()
	weights := make([][]int32, rows)
	for i := range weights {
		weights[i] = make([]int32, taps)
		for k := range weights[i] {
			weights[i][k] = int32(r.IntN(15) - 7)
		}
	}
	w := m.Weights(weights)
	x, dst, offsets := residues(inputs*words, prime), make([]uint64, rows*words), make([]int64, taps)
	for i := range offsets {
		offsets[i] = int64(i * inputs / taps * words)
	}
	return func() { w.Apply(dst, words, x, offsets, nil, words) }, float64(rows * taps * words)
}

// mulAdd reads four arrays of 64 MB and writes one.
func mulAdd() (func(), float64) {
	const n = big
	m := mod.New(prime)
	dst, x, c := make([]uint64, n), residues(n, prime), residues(n, prime)
	w := m.Fixed(residues(n, prime))
	return func() { m.MulAdd(dst, x, w, c) }, 5 * 8 * n
}

func transform(forward, lattigo bool) (func(), float64) {
	ours, theirs := fastntt.Both(13)
	t := ours
	if lattigo {
		t = theirs
	}
	x := residues(1<<13, t.Prime)
	if forward {
		return func() { t.Forward(x) }, 0
	}
	return func() { t.Inverse(x) }, 0
}

// tensor is the middle of a product of two degree-1 ciphertexts: two products and
// a reduction a word.
func tensor() (func(), float64) {
	const n = 1 << 13
	m := mod.New(prime)
	x, y, dst := residues(2*n, prime), residues(2*n, prime), make([]uint64, n)
	pairs := mod.NewPairs(nil, [][2]int{{0, n}, {n, 0}})
	f := m.DotFactor(1)
	return func() { m.Dot(dst, x, y, pairs, f) }, n
}

func inner() (func(), float64) {
	const n, rows = 1 << 11, 4
	g := gadget.New(1125899906826241, 2, 24, 2)
	var digits, keys [][]uint64
	for range rows {
		digits, keys = append(digits, residues(n, g.Q)), append(keys, residues(n, g.Q))
	}
	dst := make([]uint64, n)
	return func() { g.Inner(dst, digits, keys) }, n
}

func encryptionErrors() (func(), float64) {
	const n = 1 << 13
	dst, src, table := make([]int64, n), residues(n, 1<<63), residues(19, 1<<63)
	return func() { mod.SignedCount(cpu.Active, dst, src, table) }, n
}
