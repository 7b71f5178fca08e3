package mod

import "math/bits"

// forwardPortable does two layers at a time, and the last two or three on four or
// eight words. It keeps words below 8q < 2^64: a layer makes x + wy and x - wy + 2q of
// x below 4q or 6q and any y, with wy in [0, 2q).
func (t *Transform) forwardPortable(x []uint64) {
	end := t.lastWords()
	for m, run := 1, t.n/4; run >= end; m, run = 4*m, run/4 {
		for i := range m {
			t.forwardQuarters(x[4*i*run:][:4*run], m+i)
		}
	}
	if end == 4 {
		t.forwardFours(x)
	} else {
		t.forwardEights(x)
	}
}

// lastWords is on how many words two or three layers are left by those that are done
// two at a time.
func (t *Transform) lastWords() int { return 4 << (1 - bits.Len(uint(t.n))%2) }

// forwardQuarters does two layers between the quarters of x, with the root at place
// i of the table and the two under it.
func (t *Transform) forwardQuarters(x []uint64, i int) {
	q, twice, fourfold := t.m.Q, 2*t.m.Q, 4*t.m.Q
	run := len(x) / 4
	a, b, c, d := x[:run], x[run:][:run], x[2*run:][:run], x[3*run:][:run]
	r, s := (*[2]uint64)(t.roots[2*i:]), (*[4]uint64)(t.roots[4*i:])
	w, wq, u, uq, v, vq := r[0], r[1], s[0], s[1], s[2], s[3]
	for j := range a {
		p, y := less(a[j], fourfold), shoup(c[j], w, wq, q)
		p, y = p+y, p-y+twice
		o, z := less(b[j], fourfold), shoup(d[j], w, wq, q)
		o, z = o+z, o-z+twice
		o, z = shoup(o, u, uq, q), shoup(z, v, vq, q)
		a[j], b[j], c[j], d[j] = p+o, p-o+twice, y+z, y-z+twice
	}
}

// forwardFours does the last two layers, and reduces.
func (t *Transform) forwardFours(x []uint64) {
	q, twice, fourfold := t.m.Q, 2*t.m.Q, 4*t.m.Q
	m := t.n / 4
	for i := range m {
		x, r, s := (*[4]uint64)(x[4*i:]), (*[2]uint64)(t.roots[2*(m+i):]), (*[4]uint64)(t.roots[4*(m+i):])
		p, y := less(x[0], fourfold), shoup(x[2], r[0], r[1], q)
		p, y = p+y, p-y+twice
		o, z := less(x[1], fourfold), shoup(x[3], r[0], r[1], q)
		o, z = o+z, o-z+twice
		o, z = shoup(o, s[0], s[1], q), shoup(z, s[2], s[3], q)
		x[0], x[1] = less(less(less(p+o, fourfold), twice), q), less(less(less(p-o+twice, fourfold), twice), q)
		x[2], x[3] = less(less(less(y+z, fourfold), twice), q), less(less(less(y-z+twice, fourfold), twice), q)
	}
}

// forwardEights does the last three layers, and reduces.
func (t *Transform) forwardEights(x []uint64) {
	q, twice, fourfold := t.m.Q, 2*t.m.Q, 4*t.m.Q
	m := t.n / 8
	for i := range m {
		v := (*[8]uint64)(x[8*i:])
		r1, r2, r4 := (*[2]uint64)(t.roots[2*(m+i):]), (*[4]uint64)(t.roots[4*(m+i):]), (*[8]uint64)(t.roots[8*(m+i):])
		v0, v4 := forward(less(v[0], fourfold), v[4], r1[0], r1[1], q)
		v1, v5 := forward(less(v[1], fourfold), v[5], r1[0], r1[1], q)
		v2, v6 := forward(less(v[2], fourfold), v[6], r1[0], r1[1], q)
		v3, v7 := forward(less(v[3], fourfold), v[7], r1[0], r1[1], q)
		v0, v2 = forward(v0, v2, r2[0], r2[1], q)
		v1, v3 = forward(v1, v3, r2[0], r2[1], q)
		v4, v6 = forward(v4, v6, r2[2], r2[3], q)
		v5, v7 = forward(v5, v7, r2[2], r2[3], q)
		v0, v1 = forward(less(v0, fourfold), v1, r4[0], r4[1], q)
		v[0], v[1] = less(less(less(v0, fourfold), twice), q), less(less(less(v1, fourfold), twice), q)
		v2, v3 = forward(less(v2, fourfold), v3, r4[2], r4[3], q)
		v[2], v[3] = less(less(less(v2, fourfold), twice), q), less(less(less(v3, fourfold), twice), q)
		v4, v5 = forward(less(v4, fourfold), v5, r4[4], r4[5], q)
		v[4], v[5] = less(less(less(v4, fourfold), twice), q), less(less(less(v5, fourfold), twice), q)
		v6, v7 = forward(less(v6, fourfold), v7, r4[6], r4[7], q)
		v[6], v[7] = less(less(less(v6, fourfold), twice), q), less(less(less(v7, fourfold), twice), q)
	}
}

// forward is x + wy, x - wy, each 2q more than x at most.
func forward(x, y, w, quotient, q uint64) (uint64, uint64) {
	v := shoup(y, w, quotient, q)
	return x + v, x - v + 2*q
}

// inversePortable undoes forwardPortable, with words below 2q between passes. The
// last pass divides by n and reduces.
func (t *Transform) inversePortable(x []uint64) {
	run := t.lastWords()
	if run == 4 {
		t.inverseFours(x)
	} else {
		t.inverseEights(x)
	}
	for ; 4*run < t.n; run *= 4 {
		m := t.n / (4 * run)
		for i := range m {
			t.inverseQuarters(x[4*i*run:][:4*run], m+i)
		}
	}
	t.inverseLast(x)
}

// inverseQuarters undoes forwardQuarters.
func (t *Transform) inverseQuarters(x []uint64, i int) {
	q, twice, fourfold := t.m.Q, 2*t.m.Q, 4*t.m.Q
	run := len(x) / 4
	a, b, c, d := x[:run], x[run:][:run], x[2*run:][:run], x[3*run:][:run]
	r, s := (*[2]uint64)(t.inverses[2*i:]), (*[4]uint64)(t.inverses[4*i:])
	w, wq, u, uq, v, vq := r[0], r[1], s[0], s[1], s[2], s[3]
	for j := range a {
		p, o := a[j]+b[j], shoup(a[j]-b[j]+twice, u, uq, q)
		y, z := c[j]+d[j], shoup(c[j]-d[j]+twice, v, vq, q)
		a[j], c[j] = less(less(p+y, fourfold), twice), shoup(p-y+fourfold, w, wq, q)
		b[j], d[j] = less(o+z, twice), shoup(o-z+twice, w, wq, q)
	}
}

// inverseLast is inverseQuarters with roots and sums times 1/n, reduced.
func (t *Transform) inverseLast(x []uint64) {
	q, twice, fourfold := t.m.Q, 2*t.m.Q, 4*t.m.Q
	run := len(x) / 4
	a, b, c, d := x[:run], x[run:][:run], x[2*run:][:run], x[3*run:][:run]
	s := (*[4]uint64)(t.inverses[4:])
	w, wq, u, uq, v, vq := t.last[0], t.last[1], s[0], s[1], s[2], s[3]
	n, nq := t.scale[0], t.scale[1]
	for j := range a {
		p, o := a[j]+b[j], shoup(a[j]-b[j]+twice, u, uq, q)
		y, z := c[j]+d[j], shoup(c[j]-d[j]+twice, v, vq, q)
		a[j], c[j] = less(shoup(p+y, n, nq, q), q), less(shoup(p-y+fourfold, w, wq, q), q)
		b[j], d[j] = less(shoup(o+z, n, nq, q), q), less(shoup(o-z+twice, w, wq, q), q)
	}
}

// inverseFours undoes the layers of forwardFours.
func (t *Transform) inverseFours(x []uint64) {
	q, twice, fourfold := t.m.Q, 2*t.m.Q, 4*t.m.Q
	m := t.n / 4
	for i := range m {
		x, r, s := (*[4]uint64)(x[4*i:]), (*[2]uint64)(t.inverses[2*(m+i):]), (*[4]uint64)(t.inverses[4*(m+i):])
		p, o := x[0]+x[1], shoup(x[0]-x[1]+twice, s[0], s[1], q)
		y, z := x[2]+x[3], shoup(x[2]-x[3]+twice, s[2], s[3], q)
		x[0], x[2] = less(less(p+y, fourfold), twice), shoup(p-y+fourfold, r[0], r[1], q)
		x[1], x[3] = less(o+z, twice), shoup(o-z+twice, r[0], r[1], q)
	}
}

// inverseEights undoes the layers of forwardEights.
func (t *Transform) inverseEights(x []uint64) {
	q := t.m.Q
	m := t.n / 8
	for i := range m {
		v := (*[8]uint64)(x[8*i:])
		r1, r2, r4 := (*[2]uint64)(t.inverses[2*(m+i):]), (*[4]uint64)(t.inverses[4*(m+i):]), (*[8]uint64)(t.inverses[8*(m+i):])
		v0, v1 := inverse(v[0], v[1], r4[0], r4[1], q)
		v2, v3 := inverse(v[2], v[3], r4[2], r4[3], q)
		v4, v5 := inverse(v[4], v[5], r4[4], r4[5], q)
		v6, v7 := inverse(v[6], v[7], r4[6], r4[7], q)
		v0, v2 = inverse(v0, v2, r2[0], r2[1], q)
		v1, v3 = inverse(v1, v3, r2[0], r2[1], q)
		v4, v6 = inverse(v4, v6, r2[2], r2[3], q)
		v5, v7 = inverse(v5, v7, r2[2], r2[3], q)
		v[0], v[4] = inverse(v0, v4, r1[0], r1[1], q)
		v[1], v[5] = inverse(v1, v5, r1[0], r1[1], q)
		v[2], v[6] = inverse(v2, v6, r1[0], r1[1], q)
		v[3], v[7] = inverse(v3, v7, r1[0], r1[1], q)
	}
}

// inverse is x + y, (x - y) w in [0, 2q).
func inverse(x, y, w, quotient, q uint64) (uint64, uint64) {
	return less(x+y, 2*q), shoup(x-y+2*q, w, quotient, q)
}
