package f32

import "qtool/kernel/cpu"

// lanes is what vector kernels work in steps of, at every level.
const lanes = 16

// kernels are the vector kernels of one level. A nil *kernels stands for
// portable Go.
type kernels struct {
	// product[r-1][v-1] is a tile of r rows and v vectors of width values.
	product [][]productKernel
	// wide[r-1] is a tile of r rows and one vector more, or none.
	wide  []productKernel
	width int
	// blockTerms and blockValues are how many terms a product of many rows takes at a
	// time, and how many values of its second factor: as many as a cache holds.
	blockTerms, blockValues int
	// dots[r-1][t-1] is a tile of r rows and t offsets.
	dots [][]dotsKernel
	// dotsValues is how many values of its rows dots take before the next offsets.
	dotsValues int

	add, square, relu, sigmoid, tanh                 unary
	mul, squareGrad, reluGrad, sigmoidGrad, tanhGrad binary

	polynomial     func(dst, x *float32, n int, coeffs *float32, count int)
	polynomialGrad func(dst, x, dy *float32, n int, coeffs *float32, count int)
	quantize       func(dst, x *float32, n int, scale, lo, hi float32)
	quantizeGrad   func(dst, x, dy *float32, n int, scale, lo, hi, slope float32)
	adam           func(w, m, v, g *float32, n int, c *float32)

	sum           func(x *float32, n int) float32
	sumSquares    func(sums *float64, x *float32, n int)
	absMax        func(x *float32, n int) uint32
	scaleGradient func(sums *float64, x, dcode *float32, n int, scale, lo, hi float32)

	products func(sums *float64, x, y *float32, n int, a, b float64)
	line     func(dst, x *float32, n int, p, r float64)
	plane    func(dst, x, y *float32, n int, p, q, r float64)

	peak      func(n int)
	peakFlops int // of one round

	pool, poolGrad, poolGradAdd poolKernel
	transpose                   func(dst *float32, dstRow int, x *float32, xRow, tiles int)
}

// at has the kernels of every level; assembly fills it in.
var at [cpu.IFMA + 1]*kernels

// active are the kernels in use.
var active *kernels

// use makes level's kernels the active ones.
func use(level cpu.Level) { active = at[level] }

// Name says which instructions the active kernels use.
func Name() string {
	switch active {
	case nil:
		return "portable Go"
	case at[cpu.AVX2]:
		return "AVX2"
	}
	return "AVX-512"
}
