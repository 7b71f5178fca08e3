package mod

// forwardPortable keeps words below 8q < 2^64: a layer adds 2q to what it is
// given, and every other one takes 4q off before.
func (t *Transform) forwardPortable(x []uint64) {
	q, twice := t.m.Q, 2*t.m.Q
	run, shrink := t.n/2, false
	for m := 1; run >= 8; m *= 2 {
		for i := range m {
			w, quotient := t.roots[2*(m+i)], t.roots[2*(m+i)+1]
			a, b := x[2*i*run:][:run], x[(2*i+1)*run:][:run]
			b = b[:len(a)]
			if shrink {
				for j, u := range a {
					u, v := less(u, 2*twice), shoup(b[j], w, quotient, q)
					a[j], b[j] = u+v, u-v+twice
				}
			} else {
				for j, u := range a {
					v := shoup(b[j], w, quotient, q)
					a[j], b[j] = u+v, u-v+twice
				}
			}
		}
		run, shrink = run/2, !shrink
	}
	// The last three layers, on eight words at a time.
	m := t.n / 8
	for i := range m {
		v := (*[8]uint64)(x[8*i:])
		r1, r2, r4 := (*[2]uint64)(t.roots[2*(m+i):]), (*[4]uint64)(t.roots[4*(m+i):]), (*[8]uint64)(t.roots[8*(m+i):])
		for j := range v {
			v[j] = less(v[j], 2*twice)
		}
		v[0], v[4] = forward(v[0], v[4], r1[0], r1[1], q)
		v[1], v[5] = forward(v[1], v[5], r1[0], r1[1], q)
		v[2], v[6] = forward(v[2], v[6], r1[0], r1[1], q)
		v[3], v[7] = forward(v[3], v[7], r1[0], r1[1], q)
		v[0], v[2] = forward(v[0], v[2], r2[0], r2[1], q)
		v[1], v[3] = forward(v[1], v[3], r2[0], r2[1], q)
		v[4], v[6] = forward(v[4], v[6], r2[2], r2[3], q)
		v[5], v[7] = forward(v[5], v[7], r2[2], r2[3], q)
		for k := range 4 {
			a, b := forward(less(v[2*k], 2*twice), v[2*k+1], r4[2*k], r4[2*k+1], q)
			v[2*k] = less(less(less(a, 2*twice), twice), q)
			v[2*k+1] = less(less(less(b, 2*twice), twice), q)
		}
	}
}

// forward is x + wy, x - wy, each 2q more than x at most.
func forward(x, y, w, quotient, q uint64) (uint64, uint64) {
	v := shoup(y, w, quotient, q)
	return x + v, x - v + 2*q
}

// inversePortable keeps words below 2q.
func (t *Transform) inversePortable(x []uint64) {
	q, twice := t.m.Q, 2*t.m.Q
	// The first three layers, on eight words at a time.
	m := t.n / 8
	for i := range m {
		v := (*[8]uint64)(x[8*i:])
		r1, r2, r4 := (*[2]uint64)(t.inverses[2*(m+i):]), (*[4]uint64)(t.inverses[4*(m+i):]), (*[8]uint64)(t.inverses[8*(m+i):])
		for k := range 4 {
			v[2*k], v[2*k+1] = inverse(v[2*k], v[2*k+1], r4[2*k], r4[2*k+1], q)
		}
		v[0], v[2] = inverse(v[0], v[2], r2[0], r2[1], q)
		v[1], v[3] = inverse(v[1], v[3], r2[0], r2[1], q)
		v[4], v[6] = inverse(v[4], v[6], r2[2], r2[3], q)
		v[5], v[7] = inverse(v[5], v[7], r2[2], r2[3], q)
		v[0], v[4] = inverse(v[0], v[4], r1[0], r1[1], q)
		v[1], v[5] = inverse(v[1], v[5], r1[0], r1[1], q)
		v[2], v[6] = inverse(v[2], v[6], r1[0], r1[1], q)
		v[3], v[7] = inverse(v[3], v[7], r1[0], r1[1], q)
	}
	run := 8
	for m := t.n / 16; m >= 1; m /= 2 {
		for i := range m {
			w, quotient := t.inverses[2*(m+i)], t.inverses[2*(m+i)+1]
			a, b := x[2*i*run:][:run], x[(2*i+1)*run:][:run]
			b = b[:len(a)]
			for j, u := range a {
				v := b[j]
				a[j], b[j] = less(u+v, twice), shoup(u-v+twice, w, quotient, q)
			}
		}
		run *= 2
	}
	for j := range x {
		x[j] = less(shoup(x[j], t.scale[0], t.scale[1], q), q)
	}
}

// inverse is x + y, (x - y) w in [0, 2q).
func inverse(x, y, w, quotient, q uint64) (uint64, uint64) {
	return less(x+y, 2*q), shoup(x-y+2*q, w, quotient, q)
}
