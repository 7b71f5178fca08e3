package bgvlut

import (
	"fmt"

	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/log2"
	"qtool/he/security"
)

// explain says what was chosen and what bound it.
func (p *Plan) explain(s *search) []string {
	l := p.layout
	width, node := window(p.program, p.stages)
	why := []string{fmt.Sprintf("%v values must be told apart in layer %q, and %d is the smallest prime above that is 1 modulo 2N", width, node, l.t)}
	for i := range p.stages {
		if p.stages[i].table == nil {
			continue
		}
		t, round := p.tables[i].tree, p.stages[i].round
		r := p.tableLayer(i)
		why = append(why, fmt.Sprintf("layer %q: %d tables of up to %d values, %d of them odd or even, take %d levels and %.1f bits, from %d primes to %d",
			r.Layer, r.PerSample, r.Domain, r.Symmetric, t.levels(), log2.Product(l.q[l.limbs(round, t.levels()):l.limbs(round, 0)]), l.limbs(round, 0), l.limbs(round, t.levels())))
	}
	why = append(why, fmt.Sprintf("fresh ciphertexts have %d primes, %.1f bits; relinearisation takes %d special prime(s) more, %.1f bits, and %d digits",
		len(l.q), l.logQ(), len(l.special), log2.Product(l.special), len(p.digits)))
	why = append(why, fmt.Sprintf("outputs have %d prime(s), %.1f bits, with %.1f bits left above the bound of the predicted noise",
		l.last(), log2.Product(l.q[:l.last()]), p.left))
	why = append(why, security.Explain(l.logN, l.logQP()))
	samples := batch.Mean(s.options.Samples, p.Slots())
	work := l.costs(p.inputs, p.stages, p.tables, s.options.level()).total() / samples
	why = append(why, fmt.Sprintf("predicted work is %.2f ms a sample on one core of the reference processor in batches of %.0f samples (%d slots)", work/1e6, samples, p.Slots()))
	for logN := minLogN; logN <= maxLogN; logN++ {
		if line := s.rejected(logN, work); line != "" && logN != l.logN {
			why = append(why, line)
		}
	}
	return why
}

// rejected says why the ring of degree 2^logN was not taken.
func (s *search) rejected(logN int, work float64) string {
	limit, _ := security.MaxLogQP(logN)
	if need, ok := s.needed[logN]; ok && need > limit {
		return fmt.Sprintf("degree 2^%d would need %.0f bits where %.0f are secure", logN, need, limit)
	}
	for _, c := range s.found {
		if c.logN == logN && c.Secure() == nil {
			return fmt.Sprintf("degree 2^%d would take %.2f times the work", logN, c.nanoseconds/work)
		}
	}
	if _, ok := s.needed[logN]; ok {
		return fmt.Sprintf("degree 2^%d leaves no room for the special primes of relinearisation", logN)
	}
	return ""
}

// tableLayer describes the tables of stage i.
func (p *Plan) tableLayer(i int) he.TableLayer {
	s, t := &p.stages[i], &p.tables[i]
	r := he.TableLayer{Layer: p.program.Nodes[s.node.table].Name, PerSample: s.between}
	for k := range s.between {
		r.Domain = max(r.Domain, t.of(k).domain)
		if t.of(k).parity != general {
			r.Symmetric++
		}
	}
	return r
}

// TableLayers describes the tables of each layer that has some; all stages of a maximum
// or a product together.
func (p *Plan) TableLayers() []he.TableLayer {
	var all []he.TableLayer
	number := map[int]int{} // in all, by node
	for i := range p.stages {
		if p.stages[i].table == nil {
			continue
		}
		l, node := p.tableLayer(i), p.stages[i].node.table
		at, ok := number[node]
		if !ok {
			number[node] = len(all)
			all = append(all, l)
			continue
		}
		all[at].PerSample += l.PerSample
		all[at].Symmetric += l.Symmetric
		all[at].Domain = max(all[at].Domain, l.Domain)
	}
	return all
}
