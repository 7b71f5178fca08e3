package bgvlut

import (
	"qtool/he/internal/rns"
	"qtool/kernel/mod"
)

// evaluation is one goroutine's, of one stage's tables.
type evaluation struct {
	*evaluator
	relinearise []*rns.Switcher // of each level
	divide      []*rns.Divider  // of each level
	round       int
	worker      *serverWorker

	program *program
	baby    int
	leaves  []ciphertext
	giants  []ciphertext
}

// evaluation is a worker's, of tables of a round.
func (s *evaluator) evaluation(round int, w *serverWorker) *evaluation {
	return &evaluation{evaluator: s, relinearise: s.key.relinearise[round], divide: s.divide[round], round: round, worker: w}
}

// limbs is the number of primes after so many levels.
func (e *evaluation) limbs(level int) int { return e.plan.layout.limbs(e.round, level) }

// table evaluates a polynomial of x, which has the stage's limbs, into dst.
func (e *evaluation) table(p *program, x, dst ciphertext) {
	e.program, e.baby = p, log2Ceil(p.shape.leaf)
	powers := e.powers(x)
	e.leaves = e.sums(powers)
	if n := len(e.leaves); n > 1 {
		giant := p.shape.index(p.shape.leaf)
		e.giants = append(e.giants[:0], powers[giant])
		powers[giant] = ciphertext{}
		e.drop(powers)
		for k := 1; k < log2Ceil(n); k++ {
			last := e.giants[k-1]
			e.giants = append(e.giants, e.product(last, last, e.baby+k))
		}
		top := e.baby + log2Ceil(n)
		tensor := e.node(0, n)
		e.finish(tensor, top, dst)
		e.drop(e.giants)
	} else {
		e.drop(powers)
		leaf := e.alone(e.leaves[0])
		for c := range dst {
			for i := range dst[c] {
				copy(dst[c][i], leaf[c][i])
			}
		}
		e.pool.drop(leaf)
	}
	e.drop(e.leaves)
}

func (e *evaluation) drop(all []ciphertext) {
	for _, c := range all {
		e.pool.drop(c)
	}
}

// powers are the powers of x that the shape asks for, each on its own level.
func (e *evaluation) powers(x ciphertext) []ciphertext {
	s := e.program.shape
	all := make([]ciphertext, len(s.powers))
	for k, w := range s.powers {
		switch w.exponent {
		case 1:
			all[k] = e.pool.ciphertext(e.limbs(1))
			for c := range x {
				e.divide[0].Apply(all[k][c], x[c], e.worker.scratch)
			}
		case 2:
			all[k] = e.product(x, x, 1)
		default:
			all[k] = e.product(all[s.index(w.left)], all[s.index(w.right)], w.depth)
		}
	}
	return all
}

// product is a*b, on level number level.
func (e *evaluation) product(a, b ciphertext, level int) ciphertext {
	n := e.limbs(level - 1)
	tensor := e.newTensor(n)
	e.plan.ring.Tensor(&tensor, (*[2]rns.Poly)(&a), (*[2]rns.Poly)(&b), n, false)
	out := e.pool.ciphertext(e.limbs(level))
	e.finish(tensor, level, out)
	return out
}

func (e *evaluation) newTensor(limbs int) [3]rns.Poly {
	return [3]rns.Poly{e.pool.poly(limbs), e.pool.poly(limbs), e.pool.poly(limbs)}
}

// finish relinearises a tensor and divides it by the primes of a level. dst may
// have fewer limbs than are left: those it lacks are not needed any more.
func (e *evaluation) finish(tensor [3]rns.Poly, level int, dst ciphertext) {
	n := e.limbs(level)
	if dst.limbs() == n {
		e.relinearise[level-1].Apply((*[2]rns.Poly)(&dst), &tensor, e.worker.scratch)
	} else {
		whole := [2]rns.Poly{tensor[0][:n], tensor[1][:n]}
		e.relinearise[level-1].Apply(&whole, &tensor, e.worker.scratch)
		for c := range dst {
			for i := range dst[c] {
				copy(dst[c][i], whole[c][i])
			}
		}
	}
	e.pool.put(tensor[:]...)
}

// sums are the leaves: sums of powers, with their constants.
func (e *evaluation) sums(powers []ciphertext) []ciphertext {
	p := e.program
	n := e.limbs(e.baby)
	all := make([]ciphertext, len(p.leaf[0].weights))
	for k := range all {
		all[k] = e.pool.ciphertext(n)
	}
	parts := 1
	if p.leaf[1].weights != nil {
		parts = 2
	}
	offsets := make([]int64, len(p.shape.terms))
	for k := range offsets {
		offsets[k] = int64(k * leafBlock)
	}
	w := e.worker
	size := len(all) * leafBlock
	w.tile, w.out = grow(w.tile, len(offsets)*leafBlock), grow(w.out, parts*size)
	for limb := range n {
		m := e.plan.ring.Modulus(limb)
		var weights [2]*mod.Weights
		var constants [2][]uint64
		for part := range parts {
			weights[part] = m.Weights(p.leaf[part].weights)
			for k := range all {
				constants[part] = append(constants[part], e.constant(p.leaf[part].constants[k], limb))
			}
		}
		var join [2]mod.Weighing
		if parts == 2 {
			for half := range join {
				join[half] = e.weighing(gaussian{1, 0}, gaussian{0, 1}, half, limb)
			}
		}
		for c := range 2 {
			for at := 0; at < e.plan.N(); at += leafBlock {
				for k, term := range p.shape.terms {
					copy(w.tile[k*leafBlock:][:leafBlock], powers[term][c][limb][at:])
				}
				for part := range parts {
					weights[part].Apply(w.out[part*size:], leafBlock, w.tile, offsets, constants[part], leafBlock)
				}
				for k := range all {
					to, from := all[k][c][limb][at:at+leafBlock], w.out[k*leafBlock:][:leafBlock]
					if parts == 1 {
						copy(to, from)
						continue
					}
					m.Combine(to, [][]uint64{from, w.out[size+k*leafBlock:]}, 0, join[2*at/e.plan.N()], m.Q>>50 == 0)
				}
			}
			clear(constants[0])
			clear(constants[1])
		}
	}
	return all
}

// leafBlock is the number of coefficients that leaves are summed by.
const leafBlock = 256

// node is the tensor of the tree over the leaves from first on, at least two.
func (e *evaluation) node(first, leaves int) [3]rns.Poly {
	h := log2Ceil(leaves)
	half := 1 << (h - 1)
	level := e.baby + h
	n := e.limbs(level - 1)

	left := e.leaves[first+half]
	borrowed := false
	switch count := leaves - half; {
	case count > 1:
		at := e.baby + log2Ceil(count)
		left = e.pool.ciphertext(e.limbs(at))
		e.finish(e.node(first+half, count), at, left)
	case half > 1:
		left = e.alone(left)
	default:
		borrowed = true
	}
	var tensor [3]rns.Poly
	if half > 1 {
		right := e.node(first, half)
		tensor = e.newTensor(n)
		for c := range tensor {
			e.divide[level-2].Apply(tensor[c], right[c], e.worker.scratch)
		}
		e.pool.put(right[:]...)
	} else {
		tensor = e.newTensor(n)
	}
	e.plan.ring.Tensor(&tensor, (*[2]rns.Poly)(&left), (*[2]rns.Poly)(&e.giants[h-1]), n, half > 1)
	if half == 1 {
		for c, x := range e.leaves[first] {
			e.plan.ring.Add(tensor[c], x)
		}
	}
	if !borrowed {
		e.pool.drop(left)
	}
	return tensor
}

// alone divides a leaf that no product divides.
func (e *evaluation) alone(leaf ciphertext) ciphertext {
	out := e.pool.ciphertext(e.limbs(e.baby + 1))
	for c := range out {
		e.divide[e.baby].Apply(out[c], leaf[c], e.worker.scratch)
	}
	return out
}
