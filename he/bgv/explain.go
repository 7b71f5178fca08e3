package bgv

import (
	"fmt"
	"math"

	"qtool/he/internal/batch"
	"qtool/he/internal/log2"
	"qtool/he/security"
)

// explain says what was chosen and what bound it.
func (p *Plan) explain(o Options, runnersUp []*candidate) []string {
	l := p.layout
	k := len(l.t)
	why := []string{
		fmt.Sprintf("the output %q has the static bound %v (%.1f bits), and %d plaintext prime(s) of %.1f bits carry %.1f",
			p.program.Output().Name, p.output, log2.Int(width(p.output)), k, l.logT(), log2.Product(l.t)),
		fmt.Sprintf("fresh ciphertexts have %d primes, %.1f bits together: the noise after %d segment(s) needs %.1f bits at the last level, and rescales drop %.1f before it",
			len(l.q), l.logQ(), len(p.circuit.segments), p.required(), l.logQ()-log2.Product(l.q[:l.lastLevel()])),
		fmt.Sprintf("outputs have ciphertext degree %d and %d prime(s), %.1f bits, with %.1f bits left above ten standard deviations of the predicted noise",
			p.circuit.out().degree, l.outLevel(), p.budget.logQ, p.budget.left),
	}
	why = append(why, security.Explain(l.logN, l.logQ()))
	work := o.perSample(l.costs(p.circuit, o.level()), l, p.circuit)
	why = append(why, fmt.Sprintf("predicted work is %.2f ms a sample on one core of the reference processor in batches of %.0f samples (%d slots)", work/1e6, batch.Mean(o.Samples, p.Slots()), p.Slots()))
	why = append(why, fmt.Sprintf("a batch takes %.1f GB of ciphertexts at once", l.bytes(p.circuit)/1e9))
	if o.LogN != 0 {
		why = append(why, fmt.Sprintf("the ring degree 2^%d was asked for", o.LogN))
	}
	// The best choice that is secure and would cost more, and the best two that
	// would cost less if they were.
	shown := map[bool]int{true: 1, false: 2}
	for _, c := range runnersUp {
		if secure := c.Secure() == nil; shown[secure] > 0 {
			shown[secure]--
			why = append(why, c.rejected(work, o))
		}
	}
	return why
}

// rejected says why a candidate was not taken.
func (c *candidate) rejected(work float64, o Options) string {
	name := fmt.Sprintf("%d plaintext prime(s) in degree 2^%d", c.moduli, c.logN)
	if c.Secure() != nil {
		limit, _ := security.MaxLogQP(c.logN)
		return fmt.Sprintf("%s would need %.0f bits where %.0f are secure", name, c.logQ, limit)
	}
	if !o.fits(c) {
		return fmt.Sprintf("%s would take %.1f GB of ciphertexts at once, where %.1f GB are allowed, and %.2f times the work", name, c.bytes/1e9, float64(o.Memory)/1e9, c.nanoseconds/work)
	}
	return fmt.Sprintf("%s would take %.2f times the work", name, math.Max(c.nanoseconds/work, 1))
}

// required is the bits that the last level must have before anything is dropped
// for the outputs' sake.
func (p *Plan) required() float64 {
	l := *p.layout
	l.drops = append([]int(nil), l.drops...)
	l.drops[len(l.drops)-1] = 0
	b := l.budget(p.circuit)
	return b.logQ - b.left + reserveBits
}
