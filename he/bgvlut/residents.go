package bgvlut

// residents are the ciphertexts of an evaluation that later stages read, with how many
// of their readers are still to come.
type residents struct {
	buffers [][]ciphertext // by number; the first is the input
	readers [][]int        // of each ciphertext
	pool    *pool
	consume bool // the input's too
}

func newResidents(p *Plan, pool *pool, input []ciphertext, consume bool) *residents {
	n := len(p.stages) + 1
	r := &residents{buffers: make([][]ciphertext, n), readers: make([][]int, n), pool: pool, consume: consume}
	r.buffers[inputBuffer], r.readers[inputBuffer] = input, make([]int, len(input))
	for i := range p.stages {
		r.readers[p.stages[i].to] = make([]int, len(p.tables[i].outputs))
	}
	for i := range p.stages {
		for _, c := range p.tables[i].reads.ciphertexts {
			r.readers[c.Buffer][c.From]++
		}
	}
	last := p.stages[len(p.stages)-1].to
	for k := range r.readers[last] {
		r.readers[last][k]++ // the client
	}
	return r
}

// source is the ciphertexts that a stage reads, in its order.
func (r *residents) source(all *reads) []ciphertext {
	var src []ciphertext
	for _, c := range all.ciphertexts {
		src = append(src, r.buffers[c.Buffer][c.From])
	}
	return src
}

// release says that a stage has read its ciphertext k. It takes the memory of a ciphertext
// that has no more readers.
func (r *residents) release(all *reads, k int) {
	c := all.ciphertexts[k]
	r.readers[c.Buffer][c.From]--
	r.free(c.Buffer, c.From)
}

// keep takes what a stage has made.
func (r *residents) keep(st *stage, made []ciphertext) {
	r.buffers[st.to] = made
	for k := range made {
		r.free(st.to, k)
	}
}

// free takes the memory of a ciphertext without readers.
func (r *residents) free(buffer, element int) {
	c := &r.buffers[buffer][element]
	if (*c)[0] == nil || r.readers[buffer][element] > 0 || buffer == inputBuffer && !r.consume {
		return
	}
	r.pool.drop(*c)
	*c = ciphertext{}
}

// shorten leaves out all but the first limbs of what waits for a later round: the noise
// of none of it needs more.
func (r *residents) shorten(limbs int) {
	for b, all := range r.buffers {
		if b == inputBuffer && !r.consume {
			continue
		}
		for i := range all {
			for k := range all[i] {
				if x := all[i][k]; len(x) > limbs {
					r.pool.put(x[limbs:])
					all[i][k] = x[:limbs:limbs]
				}
			}
		}
	}
}
