package mod

// sparseRow is a row without its zeros, cut into parts whose sums are exact.
type sparseRow struct {
	taps  []int32
	w     []int64
	parts []rowPart
}

// rowPart is the next n weights of a row. A lazy sum of words in [0, q) with
// weights w, a start in [0, q) and an offset that makes it positive lies in
// [0, q (sum|w| + 1)), which must not pass 2^64. A weight that is too heavy for
// that makes a part of its own, with a factor instead.
type rowPart struct {
	n      int
	offset uint64
	heavy  Factor
	alone  bool
}

func (m *Modulus) sparse(rows [][]int32) []sparseRow {
	all := make([]sparseRow, len(rows))
	budget := m.barrett - 1
	for r, row := range rows {
		s := &all[r]
		var l1, negative uint64
		n := 0
		end := func() {
			if n > 0 {
				s.parts = append(s.parts, rowPart{n: n, offset: negative * m.Q})
			}
			l1, negative, n = 0, 0, 0
		}
		for k, v := range row {
			if v == 0 {
				continue
			}
			w := int64(v)
			s.taps, s.w = append(s.taps, int32(k)), append(s.w, w)
			a := uint64(max(w, -w))
			if a > budget {
				end()
				s.parts = append(s.parts, rowPart{n: 1, heavy: m.Factor(m.Residue(w)), alone: true})
				continue
			}
			if l1+a > budget {
				end()
			}
			l1, n = l1+a, n+1
			if w < 0 {
				negative += a
			}
		}
		end()
	}
	return all
}

// row evaluates a row on vectors of len(acc) words.
func (m *Modulus) row(acc, x []uint64, offsets []int64, s *sparseRow, constants []uint64, r int) {
	var c uint64
	if constants != nil {
		c = constants[r]
	}
	for k := range acc {
		acc[k] = c
	}
	taps, w := s.taps, s.w
	for _, p := range s.parts {
		if p.alone {
			v := x[offsets[taps[0]]:][:len(acc)]
			for k := range acc {
				acc[k] = less(less(acc[k]+shoup(v[k], p.heavy.w, p.heavy.long, m.Q), 2*m.Q), m.Q)
			}
		} else {
			accumulate(acc, x, offsets, taps[:p.n], w[:p.n], p.offset)
			for k, v := range acc {
				acc[k] = m.remainder(v)
			}
		}
		taps, w = taps[p.n:], w[p.n:]
	}
}

// accumulate adds offset + sum w[i] x_i to acc modulo 2^64, where x_i is the
// vector of input taps[i].
func accumulate(acc, x []uint64, offsets []int64, taps []int32, w []int64, offset uint64) {
	n := len(acc)
	at := func(k int32) []uint64 { return x[offsets[k]:][:n:n] }
	for len(taps) >= 8 && len(w) >= 8 {
		accumulate8(acc,
			at(taps[0]), at(taps[1]), at(taps[2]), at(taps[3]), at(taps[4]), at(taps[5]), at(taps[6]), at(taps[7]),
			(*[8]int64)(w), offset)
		taps, w, offset = taps[8:], w[8:], 0
	}
	if len(taps) >= 4 && len(w) >= 4 {
		accumulate4(acc, at(taps[0]), at(taps[1]), at(taps[2]), at(taps[3]), (*[4]int64)(w), offset)
		taps, w, offset = taps[4:], w[4:], 0
	}
	for i, k := range taps {
		v, f := at(k), uint64(w[i])
		for k := range acc {
			acc[k] += offset + f*v[k]
		}
		offset = 0
	}
}

func accumulate8(acc, x0, x1, x2, x3, x4, x5, x6, x7 []uint64, w *[8]int64, offset uint64) {
	x0, x1, x2, x3 = x0[:len(acc)], x1[:len(acc)], x2[:len(acc)], x3[:len(acc)]
	x4, x5, x6, x7 = x4[:len(acc)], x5[:len(acc)], x6[:len(acc)], x7[:len(acc)]
	w0, w1, w2, w3 := uint64(w[0]), uint64(w[1]), uint64(w[2]), uint64(w[3])
	w4, w5, w6, w7 := uint64(w[4]), uint64(w[5]), uint64(w[6]), uint64(w[7])
	for k := range acc {
		acc[k] += offset + w0*x0[k] + w1*x1[k] + w2*x2[k] + w3*x3[k] + w4*x4[k] + w5*x5[k] + w6*x6[k] + w7*x7[k]
	}
}

func accumulate4(acc, x0, x1, x2, x3 []uint64, w *[4]int64, offset uint64) {
	x0, x1, x2, x3 = x0[:len(acc)], x1[:len(acc)], x2[:len(acc)], x3[:len(acc)]
	w0, w1, w2, w3 := uint64(w[0]), uint64(w[1]), uint64(w[2]), uint64(w[3])
	for k := range acc {
		acc[k] += offset + w0*x0[k] + w1*x1[k] + w2*x2[k] + w3*x3[k]
	}
}
