package bgv

// groups are memory for polynomials that pass between a stream and the workers, a few at a
// time: of two groups, so that one is read or written while the other is computed on. See
// parallel.Alternate.
type groups struct {
	size   int // polynomials
	words  int // of one
	memory [2][]uint64
}

// groupEach is how many polynomials of a group there are for each worker.
const groupEach = 4

func (h *half) newGroups(limbs int) *groups {
	g := &groups{size: groupEach * h.workers, words: limbs << h.LogN}
	for i := range g.memory {
		g.memory[i] = make([]uint64, g.size*g.words)
	}
	return g
}

// count is the number of groups of n polynomials.
func (g *groups) count(n int) int { return (n + g.size - 1) / g.size }

// span is where a group of n polynomials begins and how many it has.
func (g *groups) span(group, n int) (from, count int) {
	from = group * g.size
	return from, min(g.size, n-from)
}

// polynomial is number k of a group: limb by limb.
func (g *groups) polynomial(group, k int) []uint64 {
	return g.memory[group%2][k*g.words : (k+1)*g.words]
}
