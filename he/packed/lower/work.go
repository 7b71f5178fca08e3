package lower

// Work counts operations on whole limbs of N coefficients, as one worker's: number
// theoretic transforms; sources of base extensions; products of a diagonal, and of
// a digit with a key, each with both polynomials of a ciphertext; passes that only
// move, add or scale; and sections, at whose end workers wait for one another.
// Where the tasks of a section don't divide evenly, the idle worker's count too.
type Work struct{ NTT, Extend, Product, Key, Move, Section float64 }

// Plus adds up work.
func (w Work) Plus(v Work) Work {
	return Work{w.NTT + v.NTT, w.Extend + v.Extend, w.Product + v.Product, w.Key + v.Key, w.Move + v.Move, w.Section + v.Section}
}

// Times is n times the work.
func (w Work) Times(n int) Work {
	f := float64(n)
	return Work{w.NTT * f, w.Extend * f, w.Product * f, w.Key * f, w.Move * f, w.Section * f}
}

// Costs are nanoseconds of one worker per unit of Work, while all are busy.
type Costs struct{ NTT, Extend, Product, Key, Move, Section float64 }

// Nanoseconds is what w takes one worker.
func (c Costs) Nanoseconds(w Work) float64 {
	return float64(c.NTT*w.NTT) + float64(c.Extend*w.Extend) + float64(c.Product*w.Product) + float64(c.Key*w.Key) + float64(c.Move*w.Move) + float64(c.Section*w.Section)
}

// Shape is the moduli at one point of an evaluation: ciphertext limbs, and
// special limbs of the key switching keys, which are also the limbs of a digit;
// and how many workers share the work.
type Shape struct{ Limbs, Special, Workers int }

// all is the limbs of the extended basis.
func (s Shape) all() int { return s.Limbs + s.Special }

// shared is the tasks that n of them amount to if every worker takes as many.
func (s Shape) shared(n int) float64 {
	w := max(s.Workers, 1)
	return float64((n + w - 1) / w * w)
}

// sources is the sources that a residue of a conversion from n primes takes, and
// sections how many precede it: with more than one, a quotient is computed first.
func sources(n int) int {
	if n == 1 {
		return 1
	}
	return n + 1
}

func sections(n int) int { return min(n, 2) }

// Digits is the number of digits of a decomposition.
func (s Shape) Digits() int { return (s.Limbs + s.Special - 1) / s.Special }

// Decompose splits a polynomial into digits in the extended basis.
func (s Shape) Decompose() Work {
	outside := s.Digits()*s.all() - s.Limbs
	return Work{
		NTT: s.shared(s.Limbs) + s.shared(outside), Extend: s.shared(outside) * float64(sources(s.Special)),
		Section: float64(1 + sections(s.Special)),
	}
}

// Lift multiplies a ciphertext with the special primes.
func (s Shape) Lift() Work { return Work{Move: float64(2 * s.Limbs), Section: 1} }

// Gadget multiplies a decomposition with a key and permutes the result.
func (s Shape) Gadget() Work {
	return Work{Key: float64(s.Digits() * s.all()), Move: float64(3 * s.all())}
}

// Drop divides polys polynomials of the extended basis by the special limbs and
// rescales other ones.
func (s Shape) Drop(polys, special, rescale int) Work {
	from, to := special+rescale, s.Limbs-rescale
	if from == 0 {
		return Work{}
	}
	tasks := s.shared(polys * to)
	return Work{
		NTT: s.shared(polys*from) + tasks, Extend: tasks * float64(sources(from)), Move: tasks,
		Section: float64(1 + sections(from)),
	}
}

// Square is the product of a ciphertext with itself, before relinearisation.
func (s Shape) Square() Work { return Work{Move: float64(4 * s.Limbs), Section: 1} }

// Product is the product of two ciphertexts, before relinearisation.
func (s Shape) Product() Work { return Work{Move: float64(6 * s.Limbs), Section: 1} }

// Relinearise is relinearisation and rescale in one.
func (s Shape) Relinearise() Work {
	switching := Work{Key: float64(s.Digits() * s.all()), Move: float64(2 * s.Limbs), Section: 2}
	return s.Decompose().Plus(switching).Plus(s.Drop(2, s.Special, 1))
}

// Doublings chooses how a sum over 2^d rotations by step, 2 step, ... is taken:
// in rounds of 2^a - 1 rotations that share their decomposition. It returns the
// a of each round.
func (s Shape) Doublings(d int, c Costs) (rounds []int, total Work) {
	var best float64
	for most := 1; most <= maxRound; most++ {
		var r []int
		for left := d; left > 0; left -= most {
			r = append(r, min(most, left))
		}
		w := s.rounds(r)
		if ns := c.Nanoseconds(w); rounds == nil || ns < best {
			rounds, total, best = r, w, ns
		}
	}
	return rounds, total
}

// maxRound bounds the doublings of one round.
const maxRound = 4

// rounds is the work of rounds of 2^a - 1 rotations each.
func (s Shape) rounds(list []int) (w Work) {
	for _, a := range list {
		w = w.Plus(s.round(a))
	}
	return w
}

func (s Shape) round(a int) Work {
	n := 1<<a - 1
	w := s.Lift().Plus(s.Decompose()).Plus(s.Gadget().Times(n)).Plus(s.Drop(2, s.Special, 0))
	return w.Plus(Work{Move: float64(2 * s.all()), Section: float64(n + 1)})
}
