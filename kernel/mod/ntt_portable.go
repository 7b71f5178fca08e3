package mod

func (t *Transform) forwardPortable(x []uint64) {
	q, twice := t.m.Q, 2*t.m.Q
	run := t.n
	for m := 1; m < t.n; m *= 2 {
		run /= 2
		for i := range m {
			w, quotient := t.roots[2*(m+i)], t.roots[2*(m+i)+1]
			a, b := x[2*i*run:][:run:run], x[(2*i+1)*run:][:run:run]
			for j := range a {
				u, v := less(a[j], twice), shoup(b[j], w, quotient, q)
				a[j], b[j] = u+v, u-v+twice
			}
		}
	}
	for j := range x {
		x[j] = less(less(x[j], twice), q)
	}
}

func (t *Transform) inversePortable(x []uint64) {
	q, twice := t.m.Q, 2*t.m.Q
	run := 1
	for m := t.n / 2; m >= 1; m /= 2 {
		for i := range m {
			w, quotient := t.inverses[2*(m+i)], t.inverses[2*(m+i)+1]
			a, b := x[2*i*run:][:run:run], x[(2*i+1)*run:][:run:run]
			for j := range a {
				u, v := a[j], b[j]
				a[j], b[j] = less(u+v, twice), shoup(u-v+twice, w, quotient, q)
			}
		}
		run *= 2
	}
	for j := range x {
		x[j] = less(shoup(x[j], t.scale[0], t.scale[1], q), q)
	}
}
