package bgvlut

import (
	"context"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/cheapest"
	"qtool/he/internal/costmodel"
	"qtool/he/internal/primes"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// What NewPlan tries: ring degrees, the largest width of a prime of the chain,
// and the number of digits of key switching.
const (
	minLogN, maxLogN   = 12, 16
	minWidth, maxWidth = 24, 50
	maxDigits          = 8
	specialWidth       = 50
)

// candidate is one layout in the search, before its primes are found.
type candidate struct {
	layout
	groups groups
	width  int
	count  int // digits
	logQP  float64
	// nanoseconds a sample on one core
	nanoseconds float64
}

// Cost implements cheapest.Candidate.
func (c *candidate) Cost() float64 { return c.nanoseconds }

// LogModulus implements cheapest.Candidate.
func (c *candidate) LogModulus() float64 { return c.logQP }

// Secure implements cheapest.Candidate.
func (c *candidate) Secure() error { return security.Check(c.logN, c.logQP) }

// search finds the layout of least work.
type search struct {
	program *bundle.Program
	stages  []stage
	options Options

	fields  map[uint64][]tables   // polynomials by plaintext prime
	packed  map[packedBy][]tables // and how they are packed
	found   []*candidate
	needed  map[int]float64 // by logN: the shortest modulus that would do
	refused error           // of plaintext primes
}

// inputs is the number of the program's input elements.
func (s *search) inputs() int { return bundle.Size(s.program.Input.Shape) }

func (s *search) run(ctx context.Context) (*layout, error) {
	s.needed = map[int]float64{}
	from, to := minLogN, maxLogN
	if s.options.LogN != 0 {
		from, to = s.options.LogN, s.options.LogN
	}
	for logN := from; logN <= to; logN++ {
		if err := s.try(ctx, logN); err != nil {
			return nil, err
		}
	}
	o := cheapest.Options{Package: "bgvlut", Forced: s.options.LogN != 0, AllowInsecure: s.options.AllowInsecure}
	l, _, err := cheapest.Choose(ctx, s.found, o, func(c *candidate, secure bool) (*layout, error) {
		l, err := s.realise(c)
		if err == nil && secure {
			err = security.Check(l.logN, l.logQP())
		}
		return l, err
	})
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, s.insufficient()
	}
	return l, nil
}

// insufficient says what would have been needed, and by which table most.
func (s *search) insufficient() error {
	if len(s.needed) == 0 {
		return s.refused
	}
	deepest, levels, widest := noNode, 0, 0
	for _, all := range s.packed {
		for i := range all {
			if len(all[i].all) > 0 && all[i].tree.levels() > levels {
				deepest, levels, widest = s.stages[i].node.table, all[i].tree.levels(), 0
				for k := range all[i].all {
					widest = max(widest, all[i].all[k].domain)
				}
			}
		}
	}
	return he.Insufficient("bgvlut", s.program.Nodes[deepest].Name, "its tables of up to %d values take %d levels, and no modulus is long enough for the noise of all levels and short enough for %d bits of security (%s)",
		widest, levels, security.Bits, security.Needs(s.needed))
}

// try adds the candidates in the ring of degree 2^logN. The error is ctx's.
func (s *search) try(ctx context.Context, logN int) error {
	width, node := window(s.program, s.stages)
	t, err := plaintextPrime(logN, width)
	if err != nil {
		s.refused = he.AtLayer(err, "bgvlut", node)
		return nil
	}
	if _, ok := s.fields[t]; !ok {
		polynomialOf := field(t).newPolynomial
		if s.options.sketch {
			polynomialOf = field(t).sketch
		}
		var all []tables
		for i := range s.stages {
			if err := ctx.Err(); err != nil {
				return err
			}
			all = append(all, newTables(&s.stages[i], polynomialOf))
		}
		s.fields[t] = all
	}
	for copies := 1; copies <= maxCopies; copies++ {
		if s.options.copies != 0 && copies != s.options.copies {
			continue
		}
		all, ok := packed(s.inputs(), s.stages, s.fields[t], copies)
		if !ok {
			continue
		}
		s.packed[packedBy{t, copies}] = all
		if err := s.widths(ctx, layout{logN: logN, t: t, copies: copies}, all); err != nil {
			return err
		}
	}
	return nil
}

// packedBy is what tables are packed by.
type packedBy struct {
	t      uint64
	copies int
}

// maxCopies is how many copies of a sample there can be in the slots.
const maxCopies = 2

// widths adds the candidates that fill in a layout of tables. The error is ctx's.
func (s *search) widths(ctx context.Context, base layout, all []tables) error {
	logN := base.logN
	m := base.model(s.stages, all)
	g, least := m.demand(s.stages, all)
	if need, ok := s.needed[logN]; !ok || g.sum() < need {
		s.needed[logN] = g.sum()
	}
	if limit, _ := security.MaxLogQP(logN); g.sum() > limit && s.options.LogN == 0 {
		return nil
	}
	seen := map[string]bool{}
	for w := minWidth; w <= maxWidth; w++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		for digits := 1; digits <= maxDigits; digits++ {
			c := &candidate{layout: base, groups: g, width: w, count: digits}
			c.sketch(m, least.product)
			if n := c.swapLimbs(s.stages, all); n > 0 {
				if c.swap = c.swapDigits(m, n, least.swap-keyRounding); c.swap == nil {
					continue
				}
			}
			key := fmt.Sprint(c.q, c.drops, c.special, c.digitBits)
			if seen[key] {
				continue
			}
			seen[key] = true
			c.logQP = c.layout.logQP()
			c.nanoseconds = costmodel.Coarse(c.costs(s.inputs(), s.stages, all, s.options.level()).total() / batch.Mean(s.options.Samples, c.slots()))
			s.found = append(s.found, c)
		}
	}
	return nil
}

// sketch fills in powers of two for primes.
func (c *candidate) sketch(m model, product float64) {
	next := func(n, bits int) ([]uint64, error) {
		all := make([]uint64, n)
		for i := range all {
			all[i] = 1 << bits
		}
		return all, nil
	}
	c.layout, _ = c.fill(next)
	longest := math.Ceil(c.logQ() / float64(c.count))
	for _, q := range c.q {
		longest = max(longest, elementary.Log2(float64(q)))
	}
	c.digitBits = longest + 1
	// Grouping by whole primes, digits come out shorter than their share.
	bits := c.digitBits - min(m.keyTolerance(product, c.count), c.digitBits-minPrimeBits)
	count := max(1, int(math.Ceil(bits/specialWidth)))
	c.special, _ = next(count, max(int(math.Ceil(bits/float64(count))), c.logN+4))
}

// fill makes the chain of primes that next hands out, the last modulus first.
func (c *candidate) fill(next func(n, bits int) ([]uint64, error)) (layout, error) {
	l := layout{logN: c.logN, t: c.t, copies: c.copies, drops: make([][]int, len(c.groups.levels))}
	n, bits := primesFor(c.groups.last, c.width)
	q, err := next(n, bits)
	if err != nil {
		return layout{}, err
	}
	l.q = q
	for i := len(c.groups.levels) - 1; i >= 0; i-- {
		l.drops[i] = make([]int, len(c.groups.levels[i]))
		for k := len(c.groups.levels[i]) - 1; k >= 0; k-- {
			n, bits := primesFor(c.groups.levels[i][k], c.width)
			q, err := next(n, bits)
			if err != nil {
				return layout{}, err
			}
			l.q, l.drops[i][k] = append(l.q, q...), n
		}
	}
	return l, nil
}

// tables are the tables of a layout's copies.
func (s *search) tables(l *layout) []tables { return s.packed[packedBy{l.t, l.copies}] }

// realise finds the primes and checks the noise with them.
func (s *search) realise(c *candidate) (*layout, error) {
	from := primes.New(c.logN, c.t)
	several := func(n, bits int) ([]uint64, error) { return from.Wider(n, bits, maxPrimeBits) }
	l, err := c.fill(several)
	if err != nil {
		return nil, err
	}
	l.digitBits = c.digitBits
	bits := int(math.Round(elementary.Log2(float64(c.special[0]))))
	if l.special, err = several(len(c.special), bits); err != nil {
		return nil, err
	}
	if err := l.finish(s.stages, s.tables(&l)); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	return &l, nil
}
