package bgvlut

import "qtool/kernel/mod"

// leafBlock is the number of coefficients that leaves are summed by.
const leafBlock = 256

// sums are the leaves: sums of powers, with their constants.
func (e *evaluation) sums(powers []ciphertext) []ciphertext {
	p := e.program
	n := e.limbs(e.baby)
	all := make([]ciphertext, len(p.leaf[0].weights))
	for k := range all {
		all[k] = e.pool.ciphertext(n)
	}
	offsets := make([]int64, len(p.shape.terms))
	for k := range offsets {
		offsets[k] = int64(k * leafBlock)
	}
	w := e.worker
	size := len(all) * leafBlock
	w.tile = grow(w.tile, len(offsets)*leafBlock)
	for limb := range n {
		m := e.plan.ring.Modulus(limb)
		addends := e.addends(limb)
		w.out = grow(w.out, len(addends)*size)
		var join [2]mod.Weighing
		for half := range join {
			join[half] = e.join(addends, half, limb)
		}
		from := make([][]uint64, len(addends))
		for c := range 2 {
			for at := 0; at < e.plan.N(); at += leafBlock {
				for k, term := range p.shape.terms {
					copy(w.tile[k*leafBlock:][:leafBlock], powers[term][c][limb][at:])
				}
				for a := range addends {
					constants := addends[a].constants
					if c == 1 {
						constants = nil
					}
					addends[a].weights.Apply(w.out[a*size:], leafBlock, w.tile, offsets, constants, leafBlock)
				}
				for k := range all {
					to := all[k][c][limb][at : at+leafBlock]
					if len(addends) == 1 {
						copy(to, w.out[k*leafBlock:])
						continue
					}
					for a := range from {
						from[a] = w.out[a*size+k*leafBlock:]
					}
					m.Combine(to, from, 0, join[2*at/e.plan.N()], m.Q>>50 == 0)
				}
			}
		}
	}
	return all
}

// addend is a part of all leaves modulo one prime, which is multiplied by a factor.
type addend struct {
	weights   *mod.Weights
	constants []uint64 // nil stands for zeros
	of        gaussian
}

// addends are the parts of the leaves modulo prime number limb: of 1 and of i. Modulo a long
// prime the sums of words times whole weights are no longer exact in 64 bits; weights then
// come in two parts, w = w_1 2^s + w_0 with |w_0| <= 2^(s-1).
func (e *evaluation) addends(limb int) (all []addend) {
	m := e.plan.ring.Modulus(limb)
	for i, l := range e.program.leaf {
		if l.weights == nil {
			break
		}
		var constants []uint64
		for _, v := range l.constants {
			constants = append(constants, e.constant(v, limb))
		}
		unit := [2]gaussian{{1, 0}, {0, 1}}[i]
		if norm(l.weights) <= (1<<64-1)/m.Q {
			all = append(all, addend{m.Weights(l.weights), constants, unit})
			continue
		}
		low, high := divided(l.weights)
		all = append(all, addend{m.Weights(low), constants, unit},
			addend{m.Weights(high), nil, gaussian{unit.re << weightShift, unit.im << weightShift}})
	}
	return all
}

// weightShift is s of addends: weights are below 2^23.
const weightShift = 9

// divided are w_0 and w_1 of addends.
func divided(weights [][]int32) (low, high [][]int32) {
	for _, row := range weights {
		var l, h []int32
		for _, w := range row {
			up := (w + 1<<(weightShift-1)) >> weightShift
			l, h = append(l, w-up<<weightShift), append(h, up)
		}
		low, high = append(low, l), append(high, h)
	}
	return low, high
}

// norm is the largest L1 norm of rows.
func norm(rows [][]int32) uint64 {
	largest := uint64(0)
	for _, row := range rows {
		sum := uint64(0)
		for _, w := range row {
			sum += uint64(max(w, -w))
		}
		largest = max(largest, sum)
	}
	return largest
}

// join is how addends are added up in a half of the words.
func (e *evaluation) join(addends []addend, half, limb int) mod.Weighing {
	var w []uint64
	for _, a := range addends {
		w = append(w, e.value(a.of, half, limb))
	}
	return e.plan.ring.Modulus(limb).Weighing(w)
}
