package bgv

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/cheapest"
	"qtool/he/internal/costmodel"
	"qtool/he/internal/primes"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// What NewPlan tries: the number of plaintext primes, ring degrees, and the
// largest width of a ciphertext prime.
const (
	maxModuli         = 10
	minLogN, maxLogN  = 12, 15
	minWidth, maxWide = 30, 60
)

// candidate is one layout in the search, before its ciphertext primes are found.
type candidate struct {
	logN, moduli int
	t            []uint64
	primes       *primes.Source
	counts, bits []int
	logQ         float64
	nanoseconds  float64 // a sample, all plaintext primes, one core
	bytes        float64 // of ciphertexts at once
	cost         float64 // of both; see weigh
}

// Cost implements cheapest.Candidate.
func (c *candidate) Cost() float64 { return c.cost }

// A tenth more time is worth half the memory, down to a gibibyte, which any machine has:
//
//	cost = nanoseconds * max(1, bytes / 2^30)^log2(1.1)
const (
	freeBytes  = 1 << 30
	memoryRate = 0.13750352374993502 // log2(1.1)
)

// weigh is the cost of time and memory together.
func weigh(nanoseconds, bytes float64) float64 {
	return nanoseconds * elementary.Exp2(float64(memoryRate*elementary.Log2(max(1, bytes/freeBytes))))
}

// LogModulus implements cheapest.Candidate.
func (c *candidate) LogModulus() float64 { return c.logQ }

// Secure implements cheapest.Candidate.
func (c *candidate) Secure() error { return security.Check(c.logN, c.logQ) }

// fits says whether the ciphertexts stay within the bound on memory.
func (o *Options) fits(c *candidate) bool { return c.bytes <= float64(o.Memory) }

// search finds the layout of least cost.
type search struct {
	program *bundle.Program
	circuit *circuit
	options Options
	output  bundle.Range

	found     []*candidate
	needed    map[int]float64 // by logN: the shortest modulus that would do
	rangeErr  error
	runnersUp []*candidate // the best secure candidate of each other choice
}

func (s *search) run(ctx context.Context) (*layout, error) {
	s.needed = map[int]float64{}
	from, to := minLogN, maxLogN
	if s.options.LogN != 0 {
		from, to = s.options.LogN, s.options.LogN
	}
	for logN := from; logN <= to; logN++ {
		for k := 1; k <= maxModuli; k++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if s.options.PlaintextModuli == 0 || s.options.PlaintextModuli == k {
				s.try(logN, k)
			}
		}
	}
	o := cheapest.Options{Package: "bgv", Forced: s.options.LogN != 0, AllowInsecure: s.options.AllowInsecure, Excluded: s.tooLarge}
	l, at, err := cheapest.Choose(ctx, s.found, o, func(c *candidate, _ bool) (*layout, error) {
		if !s.options.fits(c) {
			return nil, errMemory
		}
		return s.realise(c)
	})
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, s.insufficient()
	}
	s.compare(at)
	return l, nil
}

// errMemory passes over a candidate whose ciphertexts pass the bound on memory.
var errMemory = errors.New("ciphertexts pass the bound on memory")

// tooLarge is the error if the bound on memory is what excludes all secure
// candidates.
func (s *search) tooLarge(ctx context.Context) error {
	least := math.Inf(1)
	for _, c := range s.found {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.Secure() == nil && c.bytes < least {
			if _, err := s.realise(c); err == nil {
				least = c.bytes
			}
		}
	}
	if !(least > float64(s.options.Memory)) || math.IsInf(least, 1) {
		return nil
	}
	widest := 0
	for _, b := range s.circuit.buffers[1:] {
		if b.crosses() {
			widest = max(widest, b.elements)
		}
	}
	return &MemoryError{Need: int64(least), Limit: s.options.Memory, Widest: widest}
}

// MemoryError says that no secure parameters keep a batch's ciphertexts within the bound
// on memory. It is he.ErrInsufficient.
type MemoryError struct {
	Need, Limit int64 // bytes: the least of any parameters, and the bound
	Widest      int   // values that wait between two layers
}

// Error names the least, the bound and what takes it.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("bgv: a batch takes %.3g GB of ciphertexts at once, the limit is %.3g GB; up to %d values wait between two layers: %v",
		float64(e.Need)/1e9, float64(e.Limit)/1e9, e.Widest, he.ErrInsufficient)
}

// Unwrap is he.ErrInsufficient.
func (e *MemoryError) Unwrap() error { return he.ErrInsufficient }

// insufficient says what would have been needed.
func (s *search) insufficient() error {
	if len(s.needed) == 0 {
		return he.Insufficient("bgv", s.program.Output().Name, "range %v: %v", s.output, s.rangeErr)
	}
	return he.Insufficient("bgv", s.program.Output().Name, "no modulus is long enough for the noise of range %v and short enough for %d bits of security (%s)",
		s.output, security.Bits, security.Needs(s.needed))
}

// try adds the candidates with k plaintext primes in the ring of degree 2^logN.
func (s *search) try(logN, k int) {
	t, p, err := plaintextPrimes(logN, k, width(s.output))
	if err != nil {
		s.rangeErr = err
		return
	}
	base := layout{logN: logN, t: t}
	groups := demand(s.circuit, logN, base.logT(), k)
	sum := 0.0
	for _, g := range groups {
		sum += g
	}
	if need, ok := s.needed[logN]; !ok || sum < need {
		s.needed[logN] = sum
	}
	if math.IsNaN(sum) || sum > 4096 {
		return
	}
	for width := minWidth; width <= maxWide; width++ {
		c := &candidate{logN: logN, moduli: k, t: t, primes: p}
		c.counts, c.bits, c.logQ = split(groups, width)
		if n := len(s.found); n > 0 && s.found[n-1].same(c) {
			continue
		}
		l := c.sketch()
		c.bytes = l.bytes(s.circuit)
		c.nanoseconds = s.options.perSample(l.costs(s.circuit, s.options.level()), l, s.circuit)
		c.cost = costmodel.Coarse(weigh(c.nanoseconds, c.bytes))
		s.found = append(s.found, c)
	}
}

// perSample is the predicted nanoseconds of one core for a sample.
func (o Options) perSample(c costs, l *layout, circuit *circuit) float64 {
	sum := float64(len(l.t)) * c.batch(l, circuit) / batch.Mean(o.Samples, 1<<l.logN)
	if o.Samples > 0 {
		sum += c.memory / float64(o.Samples)
	}
	return sum
}

func (c *candidate) same(d *candidate) bool {
	return c.logN == d.logN && c.moduli == d.moduli && slices.Equal(c.counts, d.counts) && slices.Equal(c.bits, d.bits)
}

// sketch is the layout with powers of two, less one, for primes.
func (c *candidate) sketch() *layout {
	l := &layout{logN: c.logN, t: c.t}
	for i, n := range c.counts {
		for range n {
			l.q = append(l.q, 1<<c.bits[i]-1)
		}
		if i > 0 {
			l.drops = append([]int{n}, l.drops...)
		}
	}
	l.drops = append(l.drops, 0)
	return l
}

// realise finds the primes, checks the noise with them, and drops what the
// outputs can do without.
func (s *search) realise(c *candidate) (*layout, error) {
	l, err := realise(c.logN, c.t, c.primes.Clone(), c.counts, c.bits)
	if err != nil {
		return nil, err
	}
	if err := l.check(s.circuit); err != nil {
		return nil, err
	}
	l.trim(s.circuit)
	return l, nil
}

// compare keeps the best candidate of each number of primes and ring degree
// other than the chosen one's, to explain the choice.
func (s *search) compare(chosen int) {
	seen := map[[2]int]bool{{s.found[chosen].logN, s.found[chosen].moduli}: true}
	for _, c := range s.found {
		if key := [2]int{c.logN, c.moduli}; !seen[key] {
			seen[key] = true
			s.runnersUp = append(s.runnersUp, c)
		}
	}
}
