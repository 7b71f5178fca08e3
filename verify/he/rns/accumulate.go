package rns

import "math/bits"

// Sum is a lazy sum of products with small weights modulo one prime: words that
// stay exact until Reduce as long as no more than Budget of weights went in.
type Sum struct {
	q, barrett uint64
}

// NewSum prepares sums modulo limb i's prime.
func (r *Ring) NewSum(i int) Sum {
	q := r.subs[i].Modulus
	barrett, _ := bits.Div64(1, 0, q)
	return Sum{q, barrett}
}

// Budget is the largest sum of |w| that a lazy sum takes: with an offset that
// makes it positive, and a start below q, it lies in [0, q (sum|w| + 1)).
func (m Sum) Budget() uint64 { return m.barrett - 1 }

// Add is acc += sum w[i] x[i] + q * (sum of |w| of the negative weights), exact
// modulo q if the budget allows. The vectors at(in[i]) must have acc's length and
// not overlap it.
func (m Sum) Add(acc []uint64, at func(in int32) []uint64, in, w []int32) {
	offset := uint64(0)
	for _, x := range w {
		if x < 0 {
			offset += uint64(-int64(x)) * m.q
		}
	}
	for len(in) >= 8 && len(w) >= 8 {
		accumulate8(acc, at(in[0]), at(in[1]), at(in[2]), at(in[3]), at(in[4]), at(in[5]), at(in[6]), at(in[7]), (*[8]int32)(w), offset)
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

// AddRow is Add for any weights: it reduces as often as the budget asks for. The
// result is reduced.
func (m Sum) AddRow(acc []uint64, at func(in int32) []uint64, in, w []int32) {
	for len(in) > 0 {
		n, l1 := 0, uint64(0)
		for n < len(w) && l1+magnitude(w[n]) <= m.Budget() {
			l1 += magnitude(w[n])
			n++
		}
		if n == 0 {
			panic("rns: a weight alone passes the budget of a lazy sum")
		}
		m.Add(acc, at, in[:n], w[:n])
		m.Reduce(acc)
		in, w = in[n:], w[n:]
	}
}

func magnitude(w int32) uint64 { return uint64(max(int64(w), -int64(w))) }

// Reduce brings every word below q.
func (m Sum) Reduce(v []uint64) {
	q, u := m.q, m.barrett
	for k, x := range v {
		hi, _ := bits.Mul64(x, u)
		r := x - hi*q
		if r >= q {
			r -= q
		}
		v[k] = r
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
