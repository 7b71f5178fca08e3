package bgv

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// modulus is a ciphertext prime with what reductions need.
type modulus struct {
	q      uint64
	barret []uint64 // floor(2^128 / q)
	mont   uint64   // q^-1 mod 2^64
	budget uint64   // the largest sum |w| of a lazy sum
}

// newModulus prepares q. A lazy sum of x_i in [0, q) with weights w_i, a start
// in [0, q) and an offset that makes it positive lies in [0, q (sum|w| + 1)),
// so that it is exact as an unsigned word while q (sum|w| + 1) <= 2^64.
func newModulus(q uint64) modulus {
	quotient, _ := bits.Div64(1, 0, q) // floor(2^64 / q)
	return modulus{q, ring.BRedConstant(q), ring.MRedConstant(q), quotient - 1}
}

func (m *modulus) mul(a, b uint64) uint64 { return ring.BRed(a, b, m.q, m.barret) }

// montgomery is a*2^64 mod q.
func (m *modulus) montgomery(a uint64) uint64 { return ring.MForm(a, m.q, m.barret) }

// reduce brings every word of v into [0, q).
func (m *modulus) reduce(v []uint64) {
	q, u := m.q, m.barret[0]
	for k, x := range v {
		hi, _ := bits.Mul64(x, u)
		r := x - hi*q
		if r >= q {
			r -= q
		}
		v[k] = r
	}
}

// row evaluates one row of a linear map on the elements of a tile, which are
// vectors of len(acc) words below q:
//
//	acc = sum w[i] * tile[in[i]] mod q,   reduced
//
// Sums are lazy: signed 64-bit products accumulate in two's complement and are
// reduced once, or whenever the weights taken in so far reach m.budget. It is
// correct for every modulus of at most 61 bits and every weight. acc must not
// overlap tile.
func (m *modulus) row(acc, tile []uint64, in, w []int32) {
	clear(acc)
	first := true
	for len(in) > 0 {
		// Take as many weights as the budget carries; an accumulator that is
		// reduced already counts as one more, which the budget leaves room for.
		var l1, negative uint64
		n := 0
		for n < len(w) {
			a := uint64(max(int64(w[n]), -int64(w[n])))
			if l1+a > m.budget {
				break
			}
			l1 += a
			if w[n] < 0 {
				negative += a
			}
			n++
		}
		if n == 0 {
			if !first {
				m.reduce(acc)
			}
			m.heavy(acc, tile, int(in[0]), w[0])
			in, w, first = in[1:], w[1:], false
			continue
		}
		accumulate(acc, tile, in[:n], w[:n], negative*m.q)
		m.reduce(acc)
		in, w, first = in[n:], w[n:], false
	}
}

// heavy adds one product whose weight alone is too much for a lazy sum.
func (m *modulus) heavy(acc, tile []uint64, in int, w int32) {
	x := tile[in*len(acc):][:len(acc)]
	v := m.montgomery(residue(int64(w), m.q))
	for k := range acc {
		acc[k] = ring.CRed(acc[k]+ring.MRed(x[k], v, m.q, m.mont), m.q)
	}
}

// accumulate adds offset + sum w[i]*x_i to acc modulo 2^64, where x_i is vector
// in[i] of tile.
func accumulate(acc, tile []uint64, in, w []int32, offset uint64) {
	n := len(acc)
	at := func(i int32) []uint64 { return tile[int(i)*n:][:n:n] }
	for len(in) >= 8 && len(w) >= 8 {
		accumulate8(acc,
			at(in[0]), at(in[1]), at(in[2]), at(in[3]), at(in[4]), at(in[5]), at(in[6]), at(in[7]),
			(*[8]int32)(w), offset)
		in, w, offset = in[8:], w[8:], 0
	}
	if len(in) >= 4 && len(w) >= 4 {
		accumulate4(acc, at(in[0]), at(in[1]), at(in[2]), at(in[3]), (*[4]int32)(w), offset)
		in, w, offset = in[4:], w[4:], 0
	}
	for i := range in {
		accumulate1(acc, at(in[i]), w[i], offset)
		offset = 0
	}
}

func accumulate8(acc, x0, x1, x2, x3, x4, x5, x6, x7 []uint64, w *[8]int32, offset uint64) {
	x0, x1, x2, x3 = x0[:len(acc)], x1[:len(acc)], x2[:len(acc)], x3[:len(acc)]
	x4, x5, x6, x7 = x4[:len(acc)], x5[:len(acc)], x6[:len(acc)], x7[:len(acc)]
	w0, w1, w2, w3 := uint64(int64(w[0])), uint64(int64(w[1])), uint64(int64(w[2])), uint64(int64(w[3]))
	w4, w5, w6, w7 := uint64(int64(w[4])), uint64(int64(w[5])), uint64(int64(w[6])), uint64(int64(w[7]))
	for k := range acc {
		acc[k] += offset + w0*x0[k] + w1*x1[k] + w2*x2[k] + w3*x3[k] + w4*x4[k] + w5*x5[k] + w6*x6[k] + w7*x7[k]
	}
}

func accumulate4(acc, x0, x1, x2, x3 []uint64, w *[4]int32, offset uint64) {
	x0, x1, x2, x3 = x0[:len(acc)], x1[:len(acc)], x2[:len(acc)], x3[:len(acc)]
	w0, w1, w2, w3 := uint64(int64(w[0])), uint64(int64(w[1])), uint64(int64(w[2])), uint64(int64(w[3]))
	for k := range acc {
		acc[k] += offset + w0*x0[k] + w1*x1[k] + w2*x2[k] + w3*x3[k]
	}
}

func accumulate1(acc, x []uint64, w int32, offset uint64) {
	x = x[:len(acc)]
	v := uint64(int64(w))
	for k := range acc {
		acc[k] += offset + v*x[k]
	}
}

// addConstant adds c < q to every word.
func (m *modulus) addConstant(v []uint64, c uint64) {
	if c == 0 {
		return
	}
	for k := range v {
		v[k] = ring.CRed(v[k]+c, m.q)
	}
}

// add is dst += x mod q.
func (m *modulus) add(dst, x []uint64) {
	x = x[:len(dst)]
	for k := range dst {
		dst[k] = ring.CRed(dst[k]+x[k], m.q)
	}
}
