package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// both writes a kernel for both instruction sets.
func both(write func(s isa)) {
	write(avx512)
	write(avx2)
}

// each writes a kernel that takes some pointers, all of n values, n a positive
// multiple of 16, then other parameters. prepare loads those; step gets the
// address of the next vector of each pointer.
func each(s isa, name, doc string, pointers []string, rest string, prepare func(), step func(m []Mem)) {
	signature := "func("
	for _, p := range pointers {
		signature += p + ", "
	}
	signature = signature[:len(signature)-2] + " *float32, n int" + rest + ")"
	begin(s, name, doc, signature)
	base := make([]reg.GPVirtual, len(pointers))
	for i, p := range pointers {
		base[i] = param(p)
	}
	n := param("n")
	if prepare != nil {
		prepare()
	}
	j := GP64()
	XORQ(j, j)
	Label("step")
	m := make([]Mem, len(base))
	for i, b := range base {
		m[i] = at(b, j, 4, 0)
	}
	step(m)
	ADDQ(Imm(uint64(s.lanes)), j)
	CMPQ(j, n)
	JLT(LabelRef("step"))
	VZEROUPPER()
	RET()
}

// begin starts a kernel.
func begin(s isa, name, doc, signature string) {
	TEXT(name+s.name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s%s %s", name, s.name, doc))
}

// broadcast is a register full of a float32 argument.
func (i isa) broadcast(name string) reg.VecVirtual {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := i.vec()
	VBROADCASTSS(p.Addr, v)
	return v
}

// value is a register with what m has.
func (i isa) value(m Mem) reg.VecVirtual {
	v := i.vec()
	VMOVUPS(m, v)
	return v
}

func (i isa) mul(a, b Op) reg.VecVirtual { v := i.vec(); VMULPS(b, a, v); return v }
func (i isa) add(a, b Op) reg.VecVirtual { v := i.vec(); VADDPS(b, a, v); return v }
func (i isa) sub(a, b Op) reg.VecVirtual { v := i.vec(); VSUBPS(b, a, v); return v }
func (i isa) div(a, b Op) reg.VecVirtual { v := i.vec(); VDIVPS(b, a, v); return v }

// max and min return b where a value is NaN or both are zero.
func (i isa) max(a, b Op) reg.VecVirtual { v := i.vec(); VMAXPS(b, a, v); return v }
func (i isa) min(a, b Op) reg.VecVirtual { v := i.vec(); VMINPS(b, a, v); return v }

func (i isa) and(a, b Op) reg.VecVirtual { v := i.vec(); i.bits(VPANDD, VANDPS, b, a, v); return v }
func (i isa) or(a, b Op) reg.VecVirtual  { v := i.vec(); i.bits(VPORD, VORPS, b, a, v); return v }

func (i isa) bits(wide, narrow func(...Op), ops ...Op) {
	if i.lanes == 16 {
		wide(ops...)
	} else {
		narrow(ops...)
	}
}

// round is to the nearest integer, ties to even.
func (i isa) round(a Op) reg.VecVirtual {
	v := i.vec()
	if i.lanes == 16 {
		VRNDSCALEPS(Imm(8), a, v)
	} else {
		VROUNDPS(Imm(8), a, v)
	}
	return v
}

// Comparisons, ordered and quiet but for the first.
const (
	unordered    = 3
	ordered      = 7
	less         = 17
	lessEqual    = 18
	greaterEqual = 29
)

// where keeps a's lanes in which x compares to y, and clears the others.
func (i isa) where(compare uint64, x, y, a Op) reg.VecVirtual {
	v := i.vec()
	if i.lanes == 16 {
		k := K()
		VCMPPS(Imm(compare), y, x, k)
		VMOVAPS_Z(a, k, v)
	} else {
		VCMPPS(Imm(compare), y, x, v)
		VANDPS(a, v, v)
	}
	return v
}

// choose takes a's lanes where x compares to y, b's elsewhere.
func (i isa) choose(compare uint64, x, y, a, b Op) reg.VecVirtual {
	v := i.vec()
	if i.lanes == 16 {
		k := K()
		VCMPPS(Imm(compare), y, x, k)
		VBLENDMPS(a, b, k, v)
	} else {
		VCMPPS(Imm(compare), y, x, v)
		VBLENDVPS(v, a, b, v)
	}
	return v
}

var constants = map[uint32]Mem{}

// constant is a vector of one value, in memory.
func constant(x float32) Mem { return constantBits(math.Float32bits(x)) }

func constantBits(b uint32) Mem {
	m, ok := constants[b]
	if !ok {
		m = GLOBL(fmt.Sprintf("all%08x", b), 16|8) // NOPTR, RODATA
		for k := range 16 {
			DATA(4*k, U32(b))
		}
		constants[b] = m
	}
	return m
}

// simple writes the kernels of polynomials, gradients and sums.
func simple() {
	both(func(s isa) {
		each(s, "add", "is dst += x.", []string{"dst", "x"}, "", nil, func(m []Mem) {
			VMOVUPS(s.add(s.value(m[0]), m[1]), m[0])
		})
		each(s, "mul", "is dst = x*y.", []string{"dst", "x", "y"}, "", nil, func(m []Mem) {
			VMOVUPS(s.mul(s.value(m[1]), m[2]), m[0])
		})
		each(s, "square", "is dst = x*x.", []string{"dst", "x"}, "", nil, func(m []Mem) {
			x := s.value(m[1])
			VMOVUPS(s.mul(x, x), m[0])
		})
		each(s, "squareGrad", "is dst = 2*x * dy.", []string{"dst", "x", "dy"}, "", nil, func(m []Mem) {
			x := s.value(m[1])
			VMOVUPS(s.mul(s.add(x, x), m[2]), m[0])
		})
		each(s, "relu", "is dst = max(x, 0).", []string{"dst", "x"}, "", nil, func(m []Mem) {
			x, zero := s.value(m[1]), s.vec()
			s.zero(zero)
			VMOVUPS(s.choose(unordered, x, x, x, s.where(less, zero, x, x)), m[0])
		})
		each(s, "reluGrad", "is dst = dy where x > 0.", []string{"dst", "x", "dy"}, "", nil, func(m []Mem) {
			x, zero := s.value(m[1]), s.vec()
			s.zero(zero)
			one := s.value(constant(1))
			VMOVUPS(s.mul(s.where(less, zero, x, one), m[2]), m[0])
		})
		each(s, "tanhGrad", "is dst = (1 - y*y) * dy.", []string{"dst", "y", "dy"}, "", nil, func(m []Mem) {
			y := s.value(m[1])
			VMOVUPS(s.mul(s.sub(s.value(constant(1)), s.mul(y, y)), m[2]), m[0])
		})
		each(s, "sigmoidGrad", "is dst = y*(1-y) * dy.", []string{"dst", "y", "dy"}, "", nil, func(m []Mem) {
			y := s.value(m[1])
			VMOVUPS(s.mul(s.mul(y, s.sub(s.value(constant(1)), y)), m[2]), m[0])
		})
		horner(s)
		each(s, "quantize", "is dst = clamp(round(x/scale), lo, hi), 0 for NaN.", []string{"dst", "x"}, ", scale, lo, hi float32",
			grid(s), func(m []Mem) {
				r := s.round(s.div(s.value(m[1]), scale))
				r = s.min(hi, s.max(lo, r))
				VMOVUPS(s.where(ordered, r, r, r), m[0])
			})
		each(s, "quantizeGrad", "is dst = slope*dy where round(x/scale) is in lo..hi, else 0*dy.", []string{"dst", "x", "dy"}, ", scale, lo, hi, slope float32",
			func() { grid(s)(); slope = s.broadcast("slope") }, func(m []Mem) {
				r := s.round(s.div(s.value(m[1]), scale))
				d := s.where(lessEqual, r, hi, slope)
				VMOVUPS(s.mul(s.where(greaterEqual, r, lo, d), m[2]), m[0])
			})
		adam(s)
	})
}

var scale, lo, hi, slope reg.VecVirtual

func grid(s isa) func() {
	return func() { scale, lo, hi = s.broadcast("scale"), s.broadcast("lo"), s.broadcast("hi") }
}

// horner writes a polynomial of count coefficients, the highest last, and one
// times dy.
func horner(s isa) {
	for _, grad := range []bool{false, true} {
		name, doc, pointers := "polynomial", "is dst = c[0] + c[1]*x + ...", []string{"dst", "x"}
		if grad {
			name, doc, pointers = "polynomialGrad", "is dst = (c[0] + c[1]*x + ...) * dy.", []string{"dst", "x", "dy"}
		}
		var first, last reg.GPVirtual
		var top reg.VecVirtual
		each(s, name, doc, pointers, ", coeffs *float32, count int", func() {
			first, last, top = param("coeffs"), GP64(), s.vec()
			LEAQ(at(first, param("count"), 4, -4), last)
			VBROADCASTSS(Mem{Base: last}, top)
		}, func(m []Mem) {
			x, sum, p := s.value(m[1]), s.vec(), GP64()
			VMOVAPS(top, sum)
			MOVQ(last, p)
			JMP(LabelRef("check"))
			Label("power")
			c := s.vec()
			SUBQ(Imm(4), p)
			VBROADCASTSS(Mem{Base: p}, c)
			VMULPS(x, sum, sum)
			VADDPS(c, sum, sum)
			Label("check")
			CMPQ(p, first)
			JHI(LabelRef("power"))
			if grad {
				VMULPS(m[2], sum, sum)
			}
			VMOVUPS(sum, m[0])
		})
	}
}

// adam writes one step of Adam; its constants are in the order of AdamStep.
func adam(s isa) {
	var c []reg.VecVirtual
	each(s, "adam", "is a step of Adam with the constants c.", []string{"w", "m", "v", "grad"}, ", c *float32", func() {
		p := param("c")
		for k := range 8 {
			v := s.vec()
			VBROADCASTSS(Mem{Base: p, Disp: 4 * k}, v)
			c = append(c, v)
		}
	}, func(m []Mem) {
		rate, b1, k1, b2, k2, inv, eps, scale := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
		g := s.mul(scale, m[3])
		first := s.add(s.mul(b1, m[1]), s.mul(k1, g))
		second := s.add(s.mul(b2, m[2]), s.mul(s.mul(k2, g), g))
		VMOVUPS(first, m[1])
		VMOVUPS(second, m[2])
		root := s.vec()
		VSQRTPS(second, root)
		step := s.div(s.mul(rate, first), s.add(s.mul(root, inv), eps))
		VMOVUPS(s.sub(s.value(m[0]), step), m[0])
	})
}
