package lower

// Work counts operations on whole limbs of N coefficients: number theoretic
// transforms, multiply-accumulates, multiply-accumulates of a base extension,
// and passes that only move or add.
type Work struct{ NTT, MAC, Extend, Move float64 }

// Plus adds up work.
func (w Work) Plus(v Work) Work {
	return Work{w.NTT + v.NTT, w.MAC + v.MAC, w.Extend + v.Extend, w.Move + v.Move}
}

// Times is n times the work.
func (w Work) Times(n int) Work {
	f := float64(n)
	return Work{w.NTT * f, w.MAC * f, w.Extend * f, w.Move * f}
}

// Costs are nanoseconds per limb operation of one worker.
type Costs struct{ NTT, MAC, Extend, Move float64 }

// Nanoseconds is what w takes one worker.
func (c Costs) Nanoseconds(w Work) float64 {
	return c.NTT*w.NTT + c.MAC*w.MAC + c.Extend*w.Extend + c.Move*w.Move
}

// Shape is the moduli at one point of an evaluation: ciphertext limbs, and
// special limbs of the key switching keys, which are also the limbs of a digit.
type Shape struct{ Limbs, Special int }

// all is the limbs of the extended basis.
func (s Shape) all() int { return s.Limbs + s.Special }

// Digits is the number of digits of a decomposition.
func (s Shape) Digits() int { return (s.Limbs + s.Special - 1) / s.Special }

// Decompose splits a polynomial into digits in the extended basis.
func (s Shape) Decompose() Work {
	outside := s.Digits()*s.all() - s.Limbs
	return Work{NTT: float64(s.Limbs + outside), Extend: float64(outside * s.Special)}
}

// Gadget multiplies a decomposition with a key and permutes the result.
func (s Shape) Gadget() Work {
	return Work{MAC: float64(2 * s.Digits() * s.all()), Move: float64(3 * s.all())}
}

// Drop divides polys polynomials of the extended basis by the special limbs and
// rescales other ones.
func (s Shape) Drop(polys, special, rescale int) Work {
	from, to := special+rescale, s.Limbs-rescale
	return Work{NTT: float64(polys * (from + to)), Extend: float64(polys * from * to), Move: float64(polys * to)}
}

// Rotate is one rotation by itself.
func (s Shape) Rotate() Work {
	return s.Decompose().Plus(s.Gadget()).Plus(s.Drop(2, s.Special, 0))
}

// Square is the product of a ciphertext with itself, before relinearisation.
func (s Shape) Square() Work { return Work{MAC: float64(3 * s.Limbs), Move: float64(2 * s.Limbs)} }

// Relinearise is relinearisation and rescale in one.
func (s Shape) Relinearise() Work {
	return s.Decompose().Plus(s.Gadget()).Plus(s.Drop(2, s.Special, 1))
}

// Doublings chooses how a sum over 2^d rotations by step, 2 step, ... is taken:
// in rounds of 2^a - 1 rotations that share their decomposition. It returns the
// a of each round.
func (s Shape) Doublings(d int, c Costs) (rounds []int, total Work) {
	var best float64
	for most := 1; most <= 4; most++ {
		var r []int
		var w Work
		for left := d; left > 0; left -= most {
			a := min(most, left)
			r = append(r, a)
			w = w.Plus(s.round(a))
		}
		if ns := c.Nanoseconds(w); rounds == nil || ns < best {
			rounds, total, best = r, w, ns
		}
	}
	return rounds, total
}

func (s Shape) round(a int) Work {
	n := 1<<a - 1
	return s.Decompose().Plus(s.Gadget().Times(n)).Plus(s.Drop(2, s.Special, 0)).Plus(Work{Move: float64(2 * n * s.all())})
}
