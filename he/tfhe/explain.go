package tfhe

import (
	"fmt"
	"math"

	"qtool/he/internal/costmodel"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// tail is how many standard deviations the noise budget is counted in.
const tail = 5

// bits is log2 of how often tail standard deviations fit below bound.
func (s *stage) bits(bound float64) float64 {
	return elementary.Log2(bound / (tail * math.Sqrt(s.worst)))
}

// explain is what was chosen, what bound it, and what was not chosen.
func (p *Plan) explain(o Options, s *search) []string {
	l := &p.params.ParametersLiteral
	why := []string{fmt.Sprintf("%v", l)}
	// Steps of a recurrent layer say the same of their nodes: once is enough.
	said := map[string]bool{}
	for i := range p.layers {
		la, st := &p.layers[i], &p.stages[i]
		what := "logits"
		if la.tables != nil {
			what = "look-ups"
		}
		sentence := fmt.Sprintf("%d %s in a message space of %d, a phase may be off by 2^%.1f and its noise has a standard deviation of 2^%.1f: each fails with probability at most 2^%.1f",
			la.n, what, 2*la.half, elementary.Log2(l.bound(la)), elementary.Log2(st.worst)/2, log2Probability(st.failure))
		key := la.bodyNode + sentence
		if la.bodyNode == "" || !said[key] {
			why = append(why, fmt.Sprintf("layer %q: %s", la.name, sentence))
		}
		said[key] = true
	}
	why = append(why, fmt.Sprintf("a sample of %d look-ups fails with probability at most 2^%.1f and its worst look-up with 2^%.1f, where %v is accepted", p.Lookups(), log2Probability(p.perSample), p.LogFailure(), p.target))
	if p.LogFailure() > LivingLogFailure {
		why = append(why, fmt.Sprintf("failures are likelier than 2^%d a look-up: enough to compare results with, under a key that is thrown away; for a key that stays in use ask for less", LivingLogFailure))
	}
	limit, _ := security.MaxLogQP(l.LogN)
	small, _ := security.MaxLogLWE(l.Dimension)
	if l.checkSecurity() == nil {
		why = append(why, fmt.Sprintf("a ring of degree 2^%d allows %.0f bits at %d bits of security, LWE dimension %d allows %.1f", l.LogN, limit, security.Bits, l.Dimension, small))
	} else {
		why = append(why, fmt.Sprintf("INSECURE: a ring of degree 2^%d allows %.0f bits at %d bits of security and LWE dimension %d allows %.1f, this has about %d; it was asked for",
			l.LogN, limit, security.Bits, l.Dimension, small, p.SecurityBits()))
	}
	why = append(why, fmt.Sprintf("evaluation keys have %d MiB; a look-up is predicted to take %.0f ms on one core of the reference processor", (l.RotationBytes()+l.SwitchingBytes())>>20, l.nanoseconds(costmodel.Reference)/1e6))
	if p.precise() {
		n := 0
		for i := range p.encodings {
			if p.encodings[i].logits {
				n++
			}
		}
		why = append(why, fmt.Sprintf("the logits are added up modulo Q, as words of 32 bits are too coarse: %d values of %d bytes are kept for them, %d MiB",
			n, l.exactBytes(), int64(n)*l.exactBytes()>>20))
	}
	switch {
	case o.Parameters != nil:
		why = append(why, "the parameters were asked for")
	case s.closest != nil:
		why = append(why, fmt.Sprintf("the best of the faster choices, %v, would take %.2f times the time and fail with probability 2^%.1f",
			s.closest, s.closest.nanoseconds(s.level)/l.nanoseconds(s.level), min(0, log2Probability(s.least))))
	}
	return why
}
