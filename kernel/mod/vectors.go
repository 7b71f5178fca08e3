package mod

import "qtool/kernel/cpu"

// The kernels here work word by word: dst[k] comes from the k-th words of the
// sources. dst may be one of the sources. Where assembly takes whole vectors,
// the words past the last do without.

// Reduce is dst = (src + add mod 2^64) mod q, for any words: where add is a multiple
// of q that is at least 2^61, words may be two's complements down to -2^61.
func (m *Modulus) Reduce(dst, src []uint64, add uint64) {
	same(len(dst), len(src))
	if n := m.vectors(dst); n > 0 {
		if m.fast() {
			reduceIFMA(&dst[0], &src[0], n, add, m.Q, m.barrett)
		} else {
			reduceAVX2(&dst[0], &src[0], n, add, m.double.constants())
		}
		dst, src = dst[8*n:], src[8*n:]
	}
	for k, x := range src {
		dst[k] = m.remainder(x + add)
	}
}

// Scale is dst = w src mod q, for words of src below q or 2^52.
func (m *Modulus) Scale(dst, src []uint64, w Factor) {
	same(len(dst), len(src))
	if n := m.vectors(dst); n > 0 {
		if m.fast() {
			scaleIFMA(&dst[0], &src[0], n, w.w, w.short, m.Q)
		} else {
			scaleAVX2(&dst[0], &src[0], n, w.number, w.ratio, m.double.constants())
		}
		dst, src = dst[8*n:], src[8*n:]
	}
	q := m.Q
	for k, x := range src {
		dst[k] = less(shoup(x, w.w, w.long, q), q)
	}
}

// SubScale is dst = (a - b) w mod q, for a and b below q.
func (m *Modulus) SubScale(dst, a, b []uint64, w Factor) {
	same(len(dst), len(a), len(b))
	if n := m.vectors(dst); n > 0 {
		if m.fast() {
			subScaleIFMA(&dst[0], &a[0], &b[0], n, w.w, w.short, m.Q)
		} else {
			subScaleAVX2(&dst[0], &a[0], &b[0], n, w.number, w.ratio, m.double.constants())
		}
		dst, a, b = dst[8*n:], a[8*n:], b[8*n:]
	}
	q := m.Q
	for k, x := range a {
		dst[k] = less(shoup(x+q-b[k], w.w, w.long, q), q)
	}
}

// AddScale is dst = a + b w mod q, for a below q, and b below q or 2^52.
func (m *Modulus) AddScale(dst, a, b []uint64, w Factor) {
	same(len(dst), len(a), len(b))
	if n := m.vectors(dst); n > 0 {
		if m.fast() {
			addScaleIFMA(&dst[0], &a[0], &b[0], n, w.w, w.short, m.Q)
		} else {
			addScaleAVX2(&dst[0], &a[0], &b[0], n, w.number, w.ratio, m.double.constants())
		}
		dst, a, b = dst[8*n:], a[8*n:], b[8*n:]
	}
	q := m.Q
	for k, x := range a {
		dst[k] = less(less(x+shoup(b[k], w.w, w.long, q), 2*q), q)
	}
}

// MulAdd is dst = x w + c mod q, for x and c below q.
func (m *Modulus) MulAdd(dst, x []uint64, w Fixed, c []uint64) {
	same(len(dst), len(x), len(w.w), len(c))
	if n := m.vectors(dst); n > 0 && (m.fast() || len(dst)%8 == 0) {
		if len(dst)%8 != 0 {
			panic("mod: a fixed vector is no multiple of eight words")
		}
		if m.fast() {
			mulAddIFMA(&dst[0], &x[0], &w.w[0], &w.quotients[0], &c[0], n, m.Q)
		} else {
			mulAddAVX2(&dst[0], &x[0], &w.w[0], &c[0], n, m.double.constants())
		}
		return
	}
	q := m.Q
	for k, x := range x {
		dst[k] = less(less(shoup(x, w.w[k], w.quotients[k], q)+c[k], 2*q), q)
	}
}

// Embed is dst = v w + e mod q, for any words v and |e| below q.
func (m *Modulus) Embed(dst, v []uint64, e []int64, w Factor) {
	same(len(dst), len(v), len(e))
	if n := m.vectors(dst); n > 0 {
		if m.fast() {
			embedIFMA(&dst[0], &v[0], &e[0], n, w.w, w.short, w.upper[0], w.upper[1], m.Q)
		} else {
			embedAVX2(&dst[0], &v[0], &e[0], n, w.number, w.ratio, w.upperNumber, w.upperRatio, m.double.constants())
		}
		dst, v, e = dst[8*n:], v[8*n:], e[8*n:]
	}
	q := m.Q
	for k, x := range v {
		dst[k] = less(less(shoup(x, w.w, w.long, q)+q+uint64(e[k]), 2*q), q)
	}
}

// Add is dst = a + b mod q, for a and b below q.
func (m *Modulus) Add(dst, a, b []uint64) {
	same(len(dst), len(a), len(b))
	if n := len(dst) / 8; n > 0 && m.level >= cpu.AVX2 {
		if m.fast() {
			addIFMA(&dst[0], &a[0], &b[0], uint64(n), m.Q)
		} else {
			addAVX2(&dst[0], &a[0], &b[0], uint64(n), m.Q)
		}
		dst, a, b = dst[8*n:], a[8*n:], b[8*n:]
	}
	for k, x := range a {
		dst[k] = less(x+b[k], m.Q)
	}
}

// AddConstant is dst = a + c mod q, for a and c below q.
func (m *Modulus) AddConstant(dst, a []uint64, c uint64) {
	same(len(dst), len(a))
	for k, x := range a {
		dst[k] = less(x+c, m.Q)
	}
}

// vectors is how many vectors of dst the assembly takes.
func (m *Modulus) vectors(dst []uint64) uint64 {
	if !m.fast() && !m.fused() {
		return 0
	}
	return uint64(len(dst)) / 8
}
