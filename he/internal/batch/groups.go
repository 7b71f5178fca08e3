package batch

// Groups are memory for polynomials that pass between a stream and the workers, a few at a
// time: of two groups, so that one is read or written while the other is computed on. See
// parallel.Alternate.
type Groups struct {
	size   int // polynomials
	words  int // of one
	memory [2][]uint64
}

// each is how many polynomials of a group there are for each worker.
const each = 4

// NewGroups is memory for polynomials of so many words.
func NewGroups(workers, words int) *Groups {
	g := &Groups{size: each * workers, words: words}
	for i := range g.memory {
		g.memory[i] = make([]uint64, g.size*g.words)
	}
	return g
}

// Count is the number of groups of n polynomials.
func (g *Groups) Count(n int) int { return (n + g.size - 1) / g.size }

// Span is where a group of n polynomials begins and how many it has.
func (g *Groups) Span(group, n int) (from, count int) {
	from = group * g.size
	return from, min(g.size, n-from)
}

// Polynomial is number k of a group: limb by limb.
func (g *Groups) Polynomial(group, k int) []uint64 {
	return g.memory[group%2][k*g.words : (k+1)*g.words]
}
