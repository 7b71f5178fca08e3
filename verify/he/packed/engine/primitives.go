package engine

// Primitives are nanoseconds of operations on one limb, per worker while all
// workers are busy: see lower.Work.
type Primitives struct{ NTT, MAC, Extend, Move float64 }

// Primitives measures them; clock calls a function a few times and gives the
// nanoseconds it takes.
func (e *Engine) Primitives(workers int, clock func(func()) float64) Primitives {
	const repeat = 8
	x := make([]Poly, workers)
	y := make([]Poly, workers)
	for w := range x {
		x[w], y[w] = e.newZero(4*repeat), e.newZero(4*repeat)
		for i := range x[w] {
			for k := range x[w][i] {
				x[w][i][k], y[w][i][k] = uint64(k*7+i), uint64(k*5+i)
			}
		}
	}
	m := e.q[1]
	time := func(units int, f func(w int)) float64 {
		return clock(func() { e.parallel(workers, f) }) / float64(units)
	}
	var t Primitives
	t.NTT = time(repeat, func(w int) {
		for k := range repeat {
			m.NTT(x[w][k], y[w][k])
		}
	})
	// Diagonals and keys come from memory: each call takes others.
	z, next := make([]Poly, workers), make([]int, workers)
	for w := range z {
		z[w] = e.newZero(6 * 4 * repeat)
	}
	t.MAC = time(4*repeat, func(w int) {
		from := z[w][next[w]*4*repeat:]
		next[w] = (next[w] + 1) % 6
		list := make([]product, 4*repeat)
		for k := range list {
			list[k] = product{x[w][k], from[k]}
		}
		for a := 0; a < e.n; a += chunk {
			m.accumulate(y[w][0], list, a, min(a+chunk, e.n))
		}
	})
	c := e.converter(e.q[:2], e.q[2:4])
	t.Extend = time(4*repeat, func(w int) {
		for range repeat {
			for a := 0; a < e.n; a += chunk {
				c.convert(x[w][:2], y[w][:2], a, min(a+chunk, e.n))
			}
		}
	})
	p, err := e.permutation(5)
	if err != nil {
		panic(err) // 5 generates the rotations of every ring
	}
	t.Move = time(repeat, func(w int) {
		for k := range repeat {
			permute(y[w][k], x[w][k+repeat], p, m.Modulus, false)
		}
	})
	for w := range x {
		e.Free(x[w], y[w], z[w])
	}
	return t
}
