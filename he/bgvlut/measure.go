package bgvlut

import (
	"time"

	"qtool/he/internal/sample"
)

// LookupTime is what a layer's look-ups take.
type LookupTime struct {
	Node   string        // the table's layer
	Domain int           // values of the widest table
	Time   time.Duration // of one look-up on one core, with all slots in use
}

// MeasureLookups evaluates one table of every layer with tables, the one with the
// widest domain, on fresh ciphertexts of all slots, and calls each with its time.
// It makes a client and its keys first, which the times leave out. The returned
// function may be called again and again.
func (p *Plan) MeasureLookups() (measure func() []LookupTime, err error) {
	key, err := p.switchers(generate(p.half).evaluationKeys(sample.NewSeed()))
	if err != nil {
		return nil, err
	}
	s := p.prepare().newEvaluator(key)
	return func() []LookupTime {
		var all []LookupTime
		for i := range p.stages {
			st := &p.stages[i]
			if st.table == nil {
				continue
			}
			t := &p.tables[i]
			domain := func(k int) int { return max(t.all[t.pairs[k][0]].domain, t.all[t.pairs[k][1]].domain) }
			pair := 0
			for k := range t.pairs {
				if domain(k) > domain(pair) {
					pair = k
				}
			}
			e := s.evaluation(st.round, s.workers[0])
			x := s.pool.ciphertext(p.layout.limbs(p.stages[i].round, 0))
			dst := s.pool.ciphertext(p.layout.limbs(p.stages[i].round+1, 0))
			for c := range x { // memory that is used again holds anything
				for _, limb := range x[c] {
					clear(limb)
				}
			}
			start := time.Now()
			e.table(&s.programs[i][pair], x, dst)
			spent := time.Since(start)
			s.pool.drop(x)
			s.pool.drop(dst)
			all = append(all, LookupTime{p.program.Nodes[st.node.table].Name, domain(pair), spent / time.Duration(p.N())})
		}
		return all
	}, nil
}
