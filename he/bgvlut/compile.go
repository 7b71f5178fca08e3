package bgvlut

// program is one polynomial made ready for a stage: what a leaf's powers are
// multiplied by, and each leaf's constant, modulo T and with all plaintext
// factors that the levels leave.
type program struct {
	shape     *shape
	weights   [][]int32 // of each leaf, one a term
	constants []uint64  // of each leaf
}

// compile prepares the polynomials of stage i. The factor of x is 1, and that
// of a table's output is 1.
func (p *Plan) compile(i int) []program {
	c := compiler{t: field(p.T)}
	round := p.stages[i].round
	for step := range p.layout.drops[round] {
		d := uint64(1)
		for _, q := range p.layout.dropped(round, step+1) {
			d = c.t.mul(d, q%p.T)
		}
		c.dropped = append(c.dropped, d)
	}
	var all []program
	for k := range p.tables[i].all {
		all = append(all, c.program(&p.tables[i].all[k], p.tables[i].shapes[k]))
	}
	return all
}

// compiler follows the plaintext factors through a stage.
//
// A product has the product of the factors, and a level that divides by D the
// inverse of D. Sums need equal factors: from the root's down, each node is told
// the factor that its output must have, and leaves put it into coefficients.
type compiler struct {
	t       field
	dropped []uint64 // of each level: its primes' product modulo T
	baby    int
	giants  []uint64 // factors of x^(b 2^k)
	targets []uint64 // factors of the leaves
}

// level is what level step, from 1, divides by.
func (c *compiler) level(step int) uint64 { return c.dropped[step-1] }

func (c *compiler) program(p *polynomial, s *shape) program {
	t := c.t
	powers := make([]uint64, len(s.powers))
	for k, w := range s.powers {
		switch w.exponent {
		case 1, 2: // x^2 is the square of x before it was divided
			powers[k] = t.inverse(c.level(1))
		default:
			f := t.mul(powers[s.index(w.left)], powers[s.index(w.right)])
			powers[k] = t.mul(f, t.inverse(c.level(w.depth)))
		}
	}
	leaves := s.leaves(p)
	c.baby, c.targets, c.giants = log2Ceil(s.leaf), make([]uint64, leaves), nil
	if leaves > 1 {
		c.giants = append(c.giants, powers[s.index(s.leaf)])
		for k := 1; k < log2Ceil(leaves); k++ {
			last := c.giants[k-1]
			c.giants = append(c.giants, t.mul(t.mul(last, last), t.inverse(c.level(c.baby+k))))
		}
		c.node(0, leaves, 1)
	} else {
		c.targets[0] = c.level(c.baby + 1)
	}
	r := program{shape: s}
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
