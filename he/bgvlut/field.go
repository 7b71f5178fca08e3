package bgvlut

// field is arithmetic modulo a prime below 2^31.
type field uint64

func (t field) add(a, b uint64) uint64 { return (a + b) % uint64(t) }
func (t field) sub(a, b uint64) uint64 { return (a + uint64(t) - b) % uint64(t) }
func (t field) mul(a, b uint64) uint64 { return a * b % uint64(t) }

// of is the residue of v.
func (t field) of(v int64) uint64 {
	r := v % int64(t)
	if r < 0 {
		r += int64(t)
	}
	return uint64(r)
}

// lift is the representative of v in (-t/2, t/2].
func (t field) lift(v uint64) int64 {
	if v > uint64(t)/2 {
		return int64(v) - int64(t)
	}
	return int64(v)
}

func (t field) inverse(a uint64) uint64 {
	r, e := uint64(1), uint64(t)-2
	for a %= uint64(t); e > 0; e >>= 1 {
		if e&1 == 1 {
			r = t.mul(r, a)
		}
		a = t.mul(a, a)
	}
	return r
}

// interpolate is the polynomial, lowest coefficient first, of least degree that
// takes the values v_i at first, first+1, ..., of which there are at most t. It
// costs len(v)^2 products.
//
// Newton's forward differences: p = sum_k D^k v_0/k! prod_{i<k} (x - first - i).
func (t field) interpolate(first uint64, v []uint64) []uint64 {
	n := len(v)
	d := append([]uint64(nil), v...)
	for k := 1; k < n; k++ {
		inverse := t.inverse(uint64(k))
		for i := n - 1; i >= k; i-- {
			d[i] = t.mul(t.sub(d[i], d[i-1]), inverse)
		}
	}
	// Horner's rule in the Newton basis.
	p := make([]uint64, n)
	for k := n - 1; k >= 0; k-- {
		node := t.add(first, uint64(k)%uint64(t))
		for i := n - 1; i > 0; i-- {
			p[i] = t.sub(p[i-1], t.mul(p[i], node))
		}
		p[0] = t.add(t.mul(t.sub(0, p[0]), node), d[k])
	}
	for n > 1 && p[n-1] == 0 {
		n--
	}
	return p[:n]
}

// at evaluates a polynomial.
func (t field) at(p []uint64, x uint64) uint64 {
	y := uint64(0)
	for i := len(p) - 1; i >= 0; i-- {
		y = t.add(t.mul(y, x), p[i])
	}
	return y
}
