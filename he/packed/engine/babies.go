package engine

// babySteps are the rotations of a linear map's inputs by its baby steps, in the extended
// basis and times the special primes' product, of which one limb is held at a time. Of a
// map without rotations they are the inputs themselves.
type babySteps struct {
	l      *Linear
	in     [][]Ciphertext // of each set
	lifted [][]Ciphertext // nil: no rotations
	digits [][]Digits     // of each set and ciphertext; nil where none is rotated
	steps  []babyStep     // by the rotation's offset
	made   [][][][2][]uint64
}

// babyStep is a rotation, and which of the baby steps of the ciphertexts it is.
type babyStep struct {
	rotation
	of [][2]int // ciphertext, baby
}

// babies prepares the baby steps of all sets.
func (e *Engine) babies(l *Linear, in [][]Ciphertext, keys EvaluationKeys) (*babySteps, error) {
	b := &babySteps{l: l, in: in}
	if !l.Extended {
		return b, nil
	}
	number := map[int]int{} // of a step, by offset
	for ct, offsets := range l.Babies {
		for baby, o := range offsets {
			if o == 0 {
				continue
			}
			k, ok := number[o]
			if !ok {
				r, err := e.rotation(keys, o, l.Limbs)
				if err != nil {
					return nil, err
				}
				k = len(b.steps)
				number[o] = k
				b.steps = append(b.steps, babyStep{rotation: r})
			}
			b.steps[k].of = append(b.steps[k].of, [2]int{ct, baby})
		}
	}
	for _, list := range in {
		b.lifted = append(b.lifted, e.lift(list))
		digits := make([]Digits, len(list))
		var rotated []int
		var masks []Poly
		for ct, offsets := range l.Babies {
			if len(offsets) > 1 || len(offsets) == 1 && offsets[0] != 0 {
				rotated, masks = append(rotated, ct), append(masks, list[ct][1])
			}
		}
		if len(masks) > 0 {
			for k, d := range e.decompose(masks) {
				digits[rotated[k]] = d
			}
		}
		b.digits = append(b.digits, digits)
	}
	return b, nil
}

// allocate makes room for one limb of every baby step.
func (b *babySteps) allocate(e *Engine) {
	if !b.l.Extended {
		return
	}
	b.made = make([][][][2][]uint64, len(b.in))
	for s := range b.made {
		b.made[s] = make([][][2][]uint64, len(b.l.Babies))
		for ct, offsets := range b.l.Babies {
			b.made[s][ct] = make([][2][]uint64, len(offsets))
			for k, o := range offsets {
				if o != 0 {
					b.made[s][ct][k] = [2][]uint64{e.pool.limb(), e.pool.limb()}
				}
			}
		}
	}
}

// limb makes limb i of all rotations.
func (b *babySteps) limb(e *Engine, i int, m *modulus) {
	if len(b.steps) == 0 {
		return
	}
	e.passes(1, func(_, from, to int) {
		scratch := Poly{e.pool.limb(), e.pool.limb()}
		for _, step := range b.steps {
			for s := range b.in {
				for _, of := range step.of {
					ct := of[0]
					e.rotate(b.digits[s][ct], step.rotation, b.lifted[s][ct][0][i], i, b.l.Limbs, m, b.made[s][ct][of[1]], scratch, from, to, false)
				}
			}
		}
		e.Free(scratch)
	})
}

// at is limb i, just made, of a baby step: nil where it is zero.
func (b *babySteps) at(set, ct, baby, i int) [2][]uint64 {
	if !b.l.Extended {
		c := b.in[set][ct]
		return [2][]uint64{c[0][i], c[1][i]}
	}
	if b.l.Babies[ct][baby] == 0 {
		c := b.lifted[set][ct]
		return [2][]uint64{c[0][i], c[1][i]}
	}
	return b.made[set][ct][baby]
}

func (b *babySteps) free(e *Engine) {
	for s := range b.lifted {
		e.freeLifted(b.lifted[s]...)
		for _, d := range b.digits[s] {
			if d != nil {
				e.freeDigits(d)
			}
		}
	}
	for _, set := range b.made {
		for _, list := range set {
			for _, c := range list {
				if c[0] != nil {
					e.Free(Poly{c[0], c[1]})
				}
			}
		}
	}
}
