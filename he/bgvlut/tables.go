package bgvlut

import (
	"math/big"

	"qtool/bundle"
	"qtool/he"
)

// tables are the polynomials of a stage's elements, the zero value where it has
// no table.
type tables struct {
	tree    tree
	all     []polynomial // distinct ones
	shapes  []*shape     // of each
	element []int        // number of each element's polynomial
}

func (t *tables) of(element int) *polynomial { return &t.all[t.element[element]] }
func (t *tables) shape(element int) *shape   { return t.shapes[t.element[element]] }

// leaves is how many leaves a polynomial takes.
func (s *shape) leaves(p *polynomial) int { return max(1, (len(p.coeffs)+s.leaf-1)/s.leaf) }

// newTables makes polynomials of the tables of a stage, each element's over its
// own static bound, by a field's newPolynomial or its sketch, and chooses how they
// are evaluated.
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
	var each []polynomial
	for _, at := range r.element {
		each = append(each, r.all[at])
	}
	tree, shapes := newTree(each)
	r.tree, r.shapes = tree, make([]*shape, len(r.all))
	for k, at := range r.element {
		r.shapes[at] = shapes[k]
	}
	return r
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
