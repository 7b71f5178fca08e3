package bgvlut

import (
	"math/big"

	"qtool/bundle"
	"qtool/he"
)

// tables are the polynomials of a stage's elements, none where it has no table, and how
// they are evaluated in the ciphertexts of a packing.
type tables struct {
	packing
	reads   reads
	swaps   bool         // halves of the slots
	all     []polynomial // distinct ones
	element []int        // number of each element's polynomial

	tree   tree
	pairs  [][2]int // distinct ones of the units' polynomials, of halves 0 and 1
	shapes []*shape // of each pair
}

func (t *tables) of(element int) *polynomial { return &t.all[t.element[element]] }

// coefficients is how many coefficients the longer polynomial of a pair has.
func (t *tables) coefficients(pair int) int {
	p := t.pairs[pair]
	return max(len(t.all[p[0]].coeffs), len(t.all[p[1]].coeffs))
}

// leaves is how many leaves a pair takes.
func (t *tables) leaves(pair int) int { return t.shapes[pair].leaves(t.coefficients(pair)) }

// leaves is how many leaves so many coefficients take.
func (s *shape) leaves(coefficients int) int { return max(1, (coefficients+s.leaf-1)/s.leaf) }

// newTables makes polynomials of the tables of a stage, each element's over its
// own static bound, by a field's newPolynomial or its sketch.
func newTables(s *stage, polynomialOf func(lo, hi int64, f func(q int64) int64) polynomial) tables {
	if s.table == nil {
		return tables{}
	}
	type key struct {
		table  *bundle.Table
		lo, hi int64
	}
	var r tables
	known := map[key]int{}
	for k := range s.between {
		table := s.table.Channel(k, s.between)
		lo, hi := s.domain.Lo.Small[k], s.domain.Hi.Small[k]
		at, ok := known[key{table, lo, hi}]
		if !ok {
			at = len(r.all)
			known[key{table, lo, hi}] = at
			r.all = append(r.all, polynomialOf(lo, hi, func(q int64) int64 { return int64(s.table.At(table, q)) }))
		}
		r.element = append(r.element, at)
	}
	return r
}

// packed are a program's tables in the ciphertexts of so many copies, and how each is
// evaluated. It is not ok if the stages can't be packed so.
func packed(inputs int, stages []stage, all []tables, copies int) (r []tables, ok bool) {
	for i, t := range all {
		s := &stages[i]
		if t.packing, ok = newPacking(s, &t, copies, i == len(stages)-1); !ok {
			return nil, false
		}
		if s.table != nil {
			t.choose()
		}
		r = append(r, t)
	}
	b := buffers(inputs, stages, r)
	for i := range r {
		r[i].reads = newReads(stages[i].from, b)
		r[i].swaps = r[i].reads.crosses(&stages[i], &r[i].packing)
	}
	return r, true
}

// choose finds the pairs of polynomials, and how they are evaluated. A pair is evaluated as
// one polynomial of the longer one's length, odd or even if both are.
func (t *tables) choose() {
	known := map[[2]int]int{}
	var each []choice
	for u := range t.units {
		e := t.units[u].elements
		pair := [2]int{t.element[e[0]], t.element[e[1]]}
		at, ok := known[pair]
		if !ok {
			at = len(t.pairs)
			known[pair] = at
			t.pairs = append(t.pairs, pair)
		}
		t.units[u].pair = at
		each = append(each, t.choice(at))
	}
	tree, shapes := newTree(each)
	t.tree, t.shapes = tree, make([]*shape, len(t.pairs))
	for u, s := range shapes {
		t.shapes[t.units[u].pair] = s
	}
}

// choice is what a pair's evaluation depends on.
func (t *tables) choice(pair int) choice {
	p := t.pairs[pair]
	c := choice{t.all[p[0]].parity, t.coefficients(pair)}
	if t.all[p[1]].parity != c.parity {
		c.parity = general
	}
	return c
}

// window is the widest set of values that must be told apart modulo T: a table's
// domain or the outputs' range. It returns its size and the node it belongs to.
func window(p *bundle.Program, stages []stage) (*big.Int, string) {
	r := p.Output().Range
	widest, node := new(big.Int).Sub(r.Hi, r.Lo), p.Output().Name
	for i := range stages {
		s := &stages[i]
		if s.table == nil {
			continue
		}
		for k := range s.between {
			d := new(big.Int).Sub(s.domain.Hi.At(k), s.domain.Lo.At(k))
			if d.Cmp(widest) > 0 {
				widest, node = d, p.Nodes[s.node.table].Name
			}
		}
	}
	return widest.Add(widest, big.NewInt(1)), node
}

// maxDomain bounds a table's domain: interpolation takes its square in steps,
// and no chain of primes reaches further.
const maxDomain = 1 << 13

// checkDomains refuses tables that are too wide to interpolate.
func checkDomains(p *bundle.Program, stages []stage) error {
	for i := range stages {
		s := &stages[i]
		if s.table == nil {
			continue
		}
		for k := range s.between {
			lo, hi := s.domain.Lo.At(k), s.domain.Hi.At(k)
			if width := new(big.Int).Sub(hi, lo); width.Cmp(big.NewInt(maxDomain)) >= 0 {
				return he.Insufficient("bgvlut", p.Nodes[s.node.table].Name, "element %d has the domain [%v, %v] of %v values, above %d",
					k, lo, hi, width.Add(width, big.NewInt(1)), maxDomain)
			}
		}
	}
	return nil
}
