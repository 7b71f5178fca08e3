package bgvlut

// program is one pair of polynomials made ready for a stage: what a leaf's powers are
// multiplied by, and each leaf's constant, modulo T and with all plaintext factors that the
// levels leave: of 1 and, where the halves of the slots differ, of i = X^(N/2).
type program struct {
	shape *shape
	leaf  [2]leaves // of 1 and of i; the second one is empty where both halves are the same
}

// leaves are the coefficients of a polynomial's leaves.
type leaves struct {
	weights   [][]int32 // of each leaf, one a term
	constants []uint64  // of each leaf
}

// compile prepares the polynomials of stage i. The factor of x is that of the masks, and
// that of a table's output is 1.
func (p *Plan) compile(i int) []program {
	c := compiler{t: field(p.T), factor: p.masks(i).factor}
	round := p.stages[i].round
	for step := range p.layout.drops[round] {
		d := uint64(1)
		for _, q := range p.layout.dropped(round, step+1) {
			d = c.t.mul(d, q%p.T)
		}
		c.dropped = append(c.dropped, d)
	}
	var all []program
	t := &p.tables[i]
	for k, pair := range t.pairs {
		n := t.leaves(k)
		r := program{shape: t.shapes[k]}
		r.leaf[0] = c.program(&t.all[pair[0]], t.shapes[k], n)
		if pair[1] != pair[0] {
			other := c.program(&t.all[pair[1]], t.shapes[k], n)
			r.leaf[0], r.leaf[1] = c.halves(r.leaf[0], other, p.unit)
		}
		all = append(all, r)
	}
	return all
}

// halves are the leaves that are a in half 0 of the slots and b in half 1, as coefficients
// of 1 and of i.
func (c *compiler) halves(a, b leaves, unit uint64) (one, i leaves) {
	for leaf := range a.weights {
		var w, v []int32
		for k := range a.weights[leaf] {
			x, y := c.t.split(c.t.of(int64(a.weights[leaf][k])), c.t.of(int64(b.weights[leaf][k])), unit)
			w, v = append(w, int32(c.t.lift(x))), append(v, int32(c.t.lift(y)))
		}
		x, y := c.t.split(a.constants[leaf], b.constants[leaf], unit)
		one.weights, i.weights = append(one.weights, w), append(i.weights, v)
		one.constants, i.constants = append(one.constants, x), append(i.constants, y)
	}
	return one, i
}

// compiler follows the plaintext factors through a stage.
//
// A product has the product of the factors, and a level that divides by D the
// inverse of D. Sums need equal factors: from the root's down, each node is told
// the factor that its output must have, and leaves put it into coefficients.
type compiler struct {
	t       field
	factor  uint64   // of x
	dropped []uint64 // of each level: its primes' product modulo T
	baby    int
	giants  []uint64 // factors of x^(b 2^k)
	targets []uint64 // factors of the leaves
}

// level is what level step, from 1, divides by.
func (c *compiler) level(step int) uint64 { return c.dropped[step-1] }

// program is a polynomial in so many leaves of a shape.
func (c *compiler) program(p *polynomial, s *shape, n int) (r leaves) {
	t := c.t
	powers := make([]uint64, len(s.powers))
	for k, w := range s.powers {
		switch w.exponent {
		case 1, 2: // x^2 is the square of x before it was divided
			powers[k] = t.mul(c.factor, t.inverse(c.level(1)))
			if w.exponent == 2 {
				powers[k] = t.mul(powers[k], c.factor)
			}
		default:
			f := t.mul(powers[s.index(w.left)], powers[s.index(w.right)])
			powers[k] = t.mul(f, t.inverse(c.level(w.depth)))
		}
	}
	c.baby, c.targets, c.giants = log2Ceil(s.leaf), make([]uint64, n), nil
	if n > 1 {
		c.giants = append(c.giants, powers[s.index(s.leaf)])
		for k := 1; k < log2Ceil(n); k++ {
			last := c.giants[k-1]
			c.giants = append(c.giants, t.mul(t.mul(last, last), t.inverse(c.level(c.baby+k))))
		}
		c.node(0, n, 1)
	} else {
		c.targets[0] = c.level(c.baby + 1)
	}
	for leaf, target := range c.targets {
		weights := make([]int32, len(s.terms))
		for k, at := range s.terms {
			if j := leaf*s.leaf + s.powers[at].exponent; j < len(p.coeffs) {
				weights[k] = int32(t.lift(t.mul(t.mul(p.coeffs[j], target), t.inverse(powers[at]))))
			}
		}
		constant := uint64(0)
		if j := leaf * s.leaf; j < len(p.coeffs) {
			constant = t.mul(p.coeffs[j], target)
		}
		r.weights, r.constants = append(r.weights, weights), append(r.constants, constant)
	}
	return r
}

// node gives the leaves from first on, at least two, the factors that make the
// node's output, after its level, have the factor out.
func (c *compiler) node(first, leaves int, out uint64) {
	h := log2Ceil(leaves)
	half := 1 << (h - 1)
	sum := c.t.mul(out, c.level(c.baby+h))
	left := c.t.mul(sum, c.t.inverse(c.giants[h-1]))
	switch n := leaves - half; {
	case n > 1:
		c.node(first+half, n, left)
	case half > 1:
		c.targets[first+half] = c.t.mul(left, c.level(c.baby+1))
	default:
		c.targets[first+half] = left
	}
	if half > 1 {
		c.node(first, half, sum)
	} else {
		c.targets[first] = sum
	}
}
