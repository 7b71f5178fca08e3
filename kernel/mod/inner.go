package mod

import (
	"fmt"
	"math/bits"
)

// Term is one summand of two sums: S A of the first, S B of the second. Words
// are below q; the words of A and B are in Lattigo's Montgomery form, x 2^64 mod q.
type Term struct{ S, A, B []uint64 }

// Inner writes two sums of products,
//
//	a[k] = sum of S[from+k] A[from+k] / 2^64,   b[k] = sum of S[from+k] B[from+k] / 2^64   mod q
//
// Products are added up without reduction. a and b must have one length, and
// overlap nothing else.
func (m *Modulus) Inner(a, b []uint64, terms []Term, from int) {
	same(len(a), len(b))
	if len(a) == 0 {
		return
	}
	if from < 0 {
		panic("mod: a sum of words before the first")
	}
	for i := range terms { // the assembly does not check
		t := &terms[i]
		_, _, _ = t.S[from+len(a)-1], t.A[from+len(a)-1], t.B[from+len(a)-1]
	}
	if len(terms) == 0 {
		clear(a)
		clear(b)
		return
	}
	if m.fused() && len(a)%8 == 0 {
		m.innerFused(a, b, terms, from)
		return
	}
	if !m.fast() || len(a)%32 != 0 {
		m.sum(a, terms, from, func(t *Term) []uint64 { return t.A })
		m.sum(b, terms, from, func(t *Term) []uint64 { return t.B })
		return
	}
	n := min(len(terms), m.products)
	m.innerFast(a, b, terms[:n], from)
	var more [2][256]uint64
	for terms = terms[n:]; len(terms) > 0; terms = terms[n:] {
		n = min(len(terms), m.products)
		for k := 0; k < len(a); k += len(more[0]) {
			s, t := a[k:min(k+len(more[0]), len(a))], b[k:min(k+len(more[0]), len(a))]
			m.innerFast(more[0][:len(s)], more[1][:len(s)], terms[:n], from+k)
			m.Add(s, s, more[0][:len(s)])
			m.Add(t, t, more[1][:len(s)])
		}
	}
}

// sum is one of Inner's sums. Products are added up in one word where
// 2 log q + log2(terms) is at most 64, else in two.
func (m *Modulus) sum(dst []uint64, terms []Term, from int, other func(*Term) []uint64) {
	at := func(i int) (s, o []uint64) {
		t := &terms[i]
		return t.S[from:][:len(dst)], other(t)[from:][:len(dst)]
	}
	length := bits.Len64(m.Q)
	if 2*length+bits.Len(uint(len(terms)-1)) <= 64 {
		clear(dst)
		i := 0
		for ; i+4 <= len(terms); i += 4 {
			s0, o0 := at(i)
			s1, o1 := at(i + 1)
			s2, o2 := at(i + 2)
			s3, o3 := at(i + 3)
			for k := range dst {
				dst[k] += s0[k]*o0[k] + s1[k]*o1[k] + s2[k]*o2[k] + s3[k]*o3[k]
			}
		}
		for ; i < len(terms); i++ {
			s, o := at(i)
			for k := range dst {
				dst[k] += s[k] * o[k]
			}
		}
		for k, lo := range dst {
			dst[k] = m.montgomery(0, lo)
		}
		return
	}
	// A product's high word is below q^2/2^64, so that 2^(127 - 2 log q) of them
	// and a reduced one stay below 2^64: as often as that, they are reduced.
	const block = 256
	var high [block]uint64
	often := 1 << min(20, 2*(64-length)-1)
	for a := 0; a < len(dst); a += block {
		d := dst[a:min(a+block, len(dst))]
		h := high[:len(d)]
		clear(d)
		clear(h)
		for i := range terms {
			s, o := at(i)
			s, o = s[a:][:len(d)], o[a:][:len(d)]
			for k := range d {
				h0, l0 := bits.Mul64(s[k], o[k])
				l, c := bits.Add64(d[k], l0, 0)
				d[k], h[k] = l, h[k]+h0+c
			}
			if i%often == often-1 {
				for k, x := range h {
					h[k] = m.remainder(x)
				}
			}
		}
		for k, lo := range d {
			d[k] = m.montgomery(m.remainder(h[k]), lo)
		}
	}
}

// montgomery is (hi 2^64 + lo) / 2^64 mod q, for hi below q.
func (m *Modulus) montgomery(hi, lo uint64) uint64 {
	h, _ := bits.Mul64(lo*m.inverse, m.Q)
	if hi < h {
		hi += m.Q
	}
	return hi - h
}

// maxCombined bounds the vectors that Combine adds up.
const maxCombined = 8

// Weighing is what Combine multiplies vectors with.
type Weighing struct {
	w, form, quotients []uint64
	numbers            [][2]float64 // for float64: as in Factor
}

// Weighing prepares weights, which it reduces.
func (m *Modulus) Weighing(weights []uint64) Weighing {
	if len(weights) > maxCombined {
		panic("mod: too many vectors to combine")
	}
	var w Weighing
	for _, x := range weights {
		x %= m.Q
		w.w = append(w.w, x)
		w.form = append(w.form, m.Mul(x, 1<<52%m.Q))
		w.quotients = append(w.quotients, m.quotient(x, 64))
		if m.fused() {
			number, ratio := m.centered(x)
			w.numbers = append(w.numbers, [2]float64{number, ratio})
		}
	}
	return w
}

// Combine writes dst[k] = sum over i of w_i x[i][from+k] mod q, for words of x
// below 2^61, of which short says whether all are below 2^50.
func (m *Modulus) Combine(dst []uint64, x [][]uint64, from int, w Weighing, short bool) {
	same(len(x), len(w.w))
	within(len(dst), x, from)
	if n := m.vectors(dst); short && n > 0 && len(dst)%8 == 0 {
		if m.fast() {
			combineIFMA(&dst[0], &x[0], uint64(8*from), &w.form[0], uint64(len(x)), n, m.Q, -m.inverse&(1<<52-1))
		} else {
			combineAVX2(&dst[0], &x[0], uint64(8*from), &w.numbers[0][0], uint64(len(x)), n, m.double.constants())
		}
		return
	}
	for k := range dst {
		sum := uint64(0)
		for i, f := range w.w {
			sum = less(sum+less(shoup(x[i][from+k], f, w.quotients[i], m.Q), m.Q), m.Q)
		}
		dst[k] = sum
	}
}

// within panics unless each of some vectors has n words behind from.
func within(n int, x [][]uint64, from int) {
	if len(x) == 0 || from < 0 {
		panic("mod: no vectors, or words before the first")
	}
	for _, v := range x {
		if from+n > len(v) {
			panic(fmt.Sprintf("mod: words %d..%d of a vector of %d", from, from+n, len(v)))
		}
	}
}

// Center writes dst[k] = v mod q, where v is src[k], less d if src[k] > d/2: the
// representative of least magnitude modulo d. Words of src are below d, which
// has at most MaxBits bits.
func (m *Modulus) Center(dst, src []uint64, d uint64) {
	same(len(dst), len(src))
	half, add := d>>1, m.remainder(m.Q-m.remainder(d))
	if n := m.vectors(dst); n > 0 {
		if m.fast() {
			centerIFMA(&dst[0], &src[0], n, half, add, m.Q, m.barrett)
		} else {
			centerAVX2(&dst[0], &src[0], n, half, add, m.double.constants())
		}
		dst, src = dst[8*n:], src[8*n:]
	}
	for k, x := range src {
		if x > half {
			x += add
		}
		dst[k] = m.remainder(x)
	}
}
