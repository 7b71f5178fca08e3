package bgvlut

import "qtool/he/internal/parts"

// reads is which ciphertexts a stage reads.
type reads struct {
	ciphertexts []parts.Part // each of one, in the order in which the stage's inputs come to them
	number      []int        // of each input: in ciphertexts
	half        []int        // and where the input is there
}

// newReads are the ciphertexts of packed buffers that a list of elements lies in.
func newReads(from parts.List, buffers []*packing) reads {
	var r reads
	known := map[place]int{} // by buffer in the place of a half
	from.Each(func(buffer, element int) {
		p := buffers[buffer].places[element]
		key := place{p.ciphertext, buffer}
		at, ok := known[key]
		if !ok {
			at = len(r.ciphertexts)
			known[key] = at
			r.ciphertexts = append(r.ciphertexts, parts.Part{Buffer: buffer, From: p.ciphertext, To: p.ciphertext + 1})
		}
		r.number, r.half = append(r.number, at), append(r.half, p.half)
	})
	return r
}

// buffers are the packings of a program's buffers, the first one of so many inputs.
func buffers(inputs int, stages []stage, all []tables) []*packing {
	b := make([]*packing, len(stages)+1)
	input := replicated(inputs)
	b[inputBuffer] = &input
	for i := range stages {
		b[stages[i].to] = &all[i].packing
	}
	return b
}

// crosses reports whether a stage with a packing's units reads an element in one half of
// the slots for another in the other half: it swaps halves then.
func (r *reads) crosses(s *stage, p *packing) bool {
	for _, u := range p.units {
		for half, e := range u.elements {
			in, _ := s.row(e)
			for _, k := range in {
				if r.crossed(int(k), half) {
					return true
				}
			}
		}
	}
	return false
}

// crossed reports whether an input is in the other half only.
func (r *reads) crossed(input, half int) bool { return r.half[input] != both && r.half[input] != half }
