package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A lazy sum adds products of words below q < 2^b up without reducing each, in an
// upper and a lower number. With the carrier C = 2^(b+53), upper starts at C, and
// lower at 0:
//
//	t = fma(x, y, upper),  h = t - upper,  lower += fma(x, y, -h),  upper = t
//
// For a group of n <= 2^(52-b) products, upper stays below 2C: the products are
// at most n (q-1)^2 < 2^(b+52), the roundings together at most n 2^b <= 2^52. So upper is a
// multiple of 2^(b+1), as are all numbers in [C, 2C); h is exact; fma(x, y, -h) is what
// rounding took, at most 2^b, an integer, exact; and lower is an integer of at
// most 2^52.
//
// collect then adds the group to a total that is reduced (|total| <= q + 2):
// h = upper - C is at most n q^2 + 2^52, h/q at most 2^52 + 2^52/q, so that k =
// fma(h, inverse, 2^52) - 2^52 is an integer that is off from it by at most 1/2 for
// the inverse and 1 for the sum, and h - k q is at most 3/2 q + 1, exactly. All three
// together are below 2^52 + 2.5 q + 3 < 2^53, which reduce takes.
type lazySum struct{ upper, lower, total reg.VecVirtual }

// lazySums are some side by side.
type lazySums struct {
	f       *doubles
	carrier Op
	sums    []lazySum
}

func newLazySums(f *doubles, carrier Op, n int) *lazySums {
	s := &lazySums{f: f, carrier: carrier}
	for range n {
		total := YMM()
		VXORPD(total, total, total)
		s.sums = append(s.sums, lazySum{YMM(), YMM(), total})
	}
	return s
}

// clear starts a group.
func (s *lazySums) clear() {
	for _, a := range s.sums {
		VMOVUPD(s.carrier, a.upper)
		VXORPD(a.lower, a.lower, a.lower)
	}
}

// add adds x y to sum number i. x is used up.
func (s *lazySums) add(i int, x reg.VecVirtual, y Op) {
	a, h := s.sums[i], YMM()
	VMOVAPD(a.upper, h)
	VFMADD231PD(y, x, a.upper)
	VSUBPD(h, a.upper, h)
	VFMSUB132PD(y, h, x) // x y - h
	VADDPD(x, a.lower, a.lower)
}

// collect ends a group.
func (s *lazySums) collect() {
	for _, a := range s.sums {
		h, k := a.upper, YMM()
		VSUBPD(s.carrier, h, h)
		VMOVUPD(s.f.inverse, k)
		VFMADD213PD(s.f.exponent, h, k)
		VSUBPD(s.f.exponent, k, k)
		VFNMADD231PD(s.f.q, k, h)
		VADDPD(h, a.total, a.total)
		VADDPD(a.lower, a.total, a.total)
		s.f.reduce(a.total)
	}
}

// groups runs body for n > 0 products, in groups of as many as the argument group
// says.
func (s *lazySums) groups(label string, n reg.GPVirtual, body func()) {
	Label(label + "Group")
	count := loadPointer("group")
	CMPQ(n, count)
	CMOVQLT(n, count)
	SUBQ(count, n)
	s.clear()
	loop(label, count, body)
	s.collect()
	TESTQ(n, n)
	JNZ(LabelRef(label + "Group"))
}

// finish is w times total number i, in words.
func (s *lazySums) finish(i int, w factor) reg.VecVirtual {
	return s.f.words(s.f.times(s.sums[i].total, w))
}

// fromMemory makes numbers of the words at m.
func (f *doubles) fromMemory(m Mem) reg.VecVirtual {
	v := YMM()
	VORPD(m, f.exponent.(reg.VecVirtual), v)
	VSUBPD(f.exponent, v, v)
	return v
}

// fusedSums writes Dot's, Inner's and an external product's sums, for rounds of two
// vectors: of four words, but eight for dot.
func fusedSums() {
	fusedDot()
	fusedInner()
}

// fusedDot writes
//
//	dst = w (2 sum_{k < mixed} x[xs_k] y[ys_k] + sum_{k >= mixed} x[xs_k] y[ys_k])  mod q
//
// for rounds of eight words. pairs holds offsets in words, two a product.
func fusedDot() {
	eights("dotAVX2", "dst, x, y *uint64, pairs *int64, mixed, plain, rounds, group uint64, carrier, w, ratio float64, constants *float64", func(v *octets) {
		f, carrier := v.doubles(), v.spread("carrier")
		dst, x, y, rounds := loadPointer("dst"), loadPointer("x"), loadPointer("y"), loadPointer("rounds")
		loop("round", rounds, func() {
			s := newLazySums(f, carrier, 2)
			pairs := loadPointer("pairs")
			products := func(label string) {
				n := loadPointer(label)
				TESTQ(n, n)
				JZ(LabelRef(label + "Done"))
				s.groups(label, n, func() {
					a, b := GP64(), GP64()
					MOVQ(Mem{Base: pairs}, a)
					MOVQ(Mem{Base: pairs, Disp: words}, b)
					ADDQ(U8(2*words), pairs)
					for i := range s.sums {
						u := f.fromMemory(Mem{Base: x, Index: a, Scale: words, Disp: 32 * i})
						s.add(i, u, f.fromMemory(Mem{Base: y, Index: b, Scale: words, Disp: 32 * i}))
					}
				})
				Label(label + "Done")
			}
			products("mixed")
			for _, a := range s.sums {
				VADDPD(a.total, a.total, a.total)
			}
			products("plain")
			w := v.factor("w", "ratio")
			for i := range s.sums {
				VMOVDQU(s.finish(i, w), Mem{Base: dst, Disp: 32 * i})
			}
			for _, p := range []reg.GPVirtual{dst, x, y} {
				ADDQ(U8(64), p)
			}
		})
	})
}

// fusedInner writes
//
//	a, b = w (sum of S A, S B)  mod q
//
// for rounds of eight words. The terms' vectors begin at bytes into their slices.
func fusedInner() {
	eights("innerAVX2", "a, b *uint64, terms *[]uint64, count, at, rounds, group uint64, carrier, w, ratio float64, constants *float64", func(v *octets) {
		f, carrier := v.doubles(), v.spread("carrier")
		a, b, at, rounds := loadPointer("a"), loadPointer("b"), loadPointer("at"), loadPointer("rounds")
		loop("round", rounds, func() {
			for half := range 2 {
				s := newLazySums(f, carrier, 2)
				terms, n := loadPointer("terms"), loadPointer("count")
				label := "term" + string(rune('0'+half))
				s.groups(label, n, func() {
					x, y, z := GP64(), GP64(), GP64()
					MOVQ(Mem{Base: terms}, x)
					MOVQ(Mem{Base: terms, Disp: 3 * words}, y)
					MOVQ(Mem{Base: terms, Disp: 6 * words}, z)
					ADDQ(U8(term), terms)
					u, t := f.fromMemory(Mem{Base: x, Index: at, Scale: 1, Disp: 32 * half}), YMM()
					VMOVAPD(u, t)
					s.add(0, t, f.fromMemory(Mem{Base: y, Index: at, Scale: 1, Disp: 32 * half}))
					s.add(1, u, f.fromMemory(Mem{Base: z, Index: at, Scale: 1, Disp: 32 * half}))
				})
				w := v.factor("w", "ratio")
				VMOVDQU(s.finish(0, w), Mem{Base: a, Disp: 32 * half})
				VMOVDQU(s.finish(1, w), Mem{Base: b, Disp: 32 * half})
			}
			for _, p := range []reg.GPVirtual{a, b, at} {
				ADDQ(U8(64), p)
			}
		})
	})
}

// fusedCombine writes
//
//	dst = sum over k < n of w_k x_k  mod q
//
// for vectors x_k that begin so many bytes in, words of x below 2^50, and n at most
// eight; factors are pairs of a number and its ratio. A product with a number of at
// most 2^50 is at most 17/32 q, their sum below 5q.
func fusedCombine() {
	eights("combineAVX2", "dst *uint64, x *[]uint64, at uint64, factors *float64, n, vectors uint64, constants *float64", func(v *octets) {
		f := v.doubles()
		dst, at, count := loadPointer("dst"), loadPointer("at"), loadPointer("vectors")
		loop("vector", count, func() {
			var sums [2]reg.VecVirtual
			for i := range sums {
				sums[i] = YMM()
				VXORPD(sums[i], sums[i], sums[i])
			}
			x, w, n := loadPointer("x"), loadPointer("factors"), loadPointer("n")
			loop("source", n, func() {
				p := GP64()
				MOVQ(Mem{Base: x}, p)
				c := factor{w: f.spread(Mem{Base: w}), ratio: f.spread(Mem{Base: w, Disp: words})}
				for i, sum := range sums {
					VADDPD(f.times(f.fromMemory(Mem{Base: p, Index: at, Scale: 1, Disp: 32 * i}), c), sum, sum)
				}
				ADDQ(U8(3*words), x)
				ADDQ(U8(2*words), w)
			})
			for i, sum := range sums {
				f.canonical(sum)
				VMOVDQU(sum, Mem{Base: dst, Disp: 32 * i})
			}
			ADDQ(U8(64), dst)
			ADDQ(U8(64), at)
		})
	})
}
