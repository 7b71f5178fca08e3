package bgvlut

import (
	"math/bits"
	"slices"
)

// power is x^exponent = x^left x^right; left is 0 for x itself, which only loses
// its noise on the first level.
type power struct{ exponent, left, right, depth int }

// shape is how polynomials of one parity and leaf size are evaluated: the powers
// in order, and which of them a leaf sums.
type shape struct {
	parity parity
	leaf   int // b
	powers []power
	terms  []int // indices into powers; their exponents are below b
}

// newShape is the shape of polynomials in leaves of b coefficients: b must be even unless the parity
// is general. giant says whether x^b is needed.
func newShape(p parity, b int, giant bool) *shape {
	s := &shape{parity: p, leaf: b}
	need := map[int]bool{}
	var want func(j int)
	want = func(j int) {
		if j == 0 || need[j] {
			return
		}
		need[j] = true
		if j > 1 {
			left := split(j)
			want(left)
			want(j - left)
		}
	}
	for j := 1; j < b; j++ {
		if p.has(j) {
			want(j)
		}
	}
	if giant {
		want(b)
	}
	want(1)
	for j := 1; j <= b; j++ {
		if !need[j] {
			continue
		}
		w := power{exponent: j, depth: max(1, log2Ceil(j))}
		if j > 1 {
			w.left, w.right = split(j), j-split(j)
		}
		if j < b && p.has(j) {
			s.terms = append(s.terms, len(s.powers))
		}
		s.powers = append(s.powers, w)
	}
	return s
}

// has says whether polynomials of the parity have terms of exponent j > 0.
func (p parity) has(j int) bool {
	return p == general || (p == odd) == (j%2 == 1)
}

// split is the larger factor's exponent: the largest power of two below j, so
// that both factors are at most a level below.
func split(j int) int { return 1 << (bits.Len(uint(j-1)) - 1) }

// log2Ceil is ceil(log2 n) for n >= 1.
func log2Ceil(n int) int { return bits.Len(uint(n - 1)) }

// index is the number of x^j among the powers.
func (s *shape) index(j int) int {
	return slices.IndexFunc(s.powers, func(p power) bool { return p.exponent == j })
}

// products is how many products make the powers.
func (s *shape) products() int { return len(s.powers) - 1 }

// work counts what evaluation takes beside the leaves' sums, on all levels
// together.
type work struct {
	relinearised int // products
	divided      int // degree-2 tensors
	leaves       int // leaves divided alone
}

// work is the work of a polynomial with so many leaves.
func (s *shape) work(leaves int) work {
	w := work{relinearised: s.products() + max(0, log2Ceil(leaves)-1)}
	w.node(leaves)
	if leaves == 1 {
		w.leaves++
	} else {
		w.relinearised++
	}
	return w
}

// node adds what the tree over so many leaves takes below its root.
func (w *work) node(leaves int) {
	if leaves == 1 {
		return
	}
	half := 1 << (log2Ceil(leaves) - 1)
	switch left := leaves - half; {
	case left > 1:
		w.relinearised++
		w.node(left)
	case half > 1:
		w.leaves++
	}
	if half > 1 {
		w.divided++
		w.node(half)
	}
}

// units is about how many tenths of a relinearisation all of it costs.
func (w work) units() int {
	return 10*w.relinearised + 5*w.divided + 4*w.leaves
}

// tree is how the tables of a stage are evaluated: all on the same levels.
type tree struct {
	baby, height int // ceil(log2 b), levels of the tree
}

// levels is how many levels a table takes: baby for the powers, and one for each
// level of the tree or, without one, for dividing its only leaf.
func (t tree) levels() int { return t.baby + max(1, t.height) }

// newTree chooses the tree of least work for polynomials, and the shape of each.
func newTree(all []choice) (tree, []*shape) {
	most := 2
	for i := range all {
		most = max(most, all[i].coeffs)
	}
	var best tree
	var shapes []*shape
	least := 0
	// The least work is near leaves of the square root of all coefficients.
	for baby := 1; baby <= min(log2Ceil(most), log2Ceil(most)/2+2); baby++ {
		t := tree{baby, max(0, log2Ceil((most+1<<baby-1)>>baby))}
		c := chooser{tree: t, known: map[choice]*shape{}, cost: map[choice]int{}}
		sum := 0
		var chosen []*shape
		for i := range all {
			s, units := c.choose(all[i])
			chosen = append(chosen, s)
			sum += units
		}
		if shapes == nil || sum < least {
			best, shapes, least = t, chosen, sum
		}
	}
	return best, shapes
}

// choice is what the shape of a polynomial depends on.
type choice struct {
	parity parity
	coeffs int
}

// chooser finds the leaf size of least work within a tree, once a choice.
type chooser struct {
	tree  tree
	known map[choice]*shape
	cost  map[choice]int
}

func (c *chooser) choose(k choice) (*shape, int) {
	if s, ok := c.known[k]; ok {
		return s, c.cost[k]
	}
	var best *shape
	least := 0
	for b := 1<<(c.tree.baby-1) + 1; b <= 1<<c.tree.baby; b++ {
		leaves := max(1, (k.coeffs+b-1)/b)
		if log2Ceil(leaves) > c.tree.height || k.parity != general && b%2 == 1 {
			continue
		}
		s := newShape(k.parity, b, leaves > 1)
		if units := s.work(leaves).units(); best == nil || units < least {
			best, least = s, units
		}
	}
	c.known[k], c.cost[k] = best, least
	return best, least
}
