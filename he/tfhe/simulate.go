package tfhe

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"qtool/bundle"
	"qtool/he"
	"qtool/internal/parallel"
)

// Simulate evaluates the program on plain integers with the noise that encryption
// is predicted to have: every input and every look-up's output carries a Gaussian
// error, linear maps add the errors up with their weights, and a look-up reads
// the slot that its accumulator with its error falls into. Errors of the key
// switch and the rounding are drawn for each look-up.
//
// It differs from encryption in that errors are exactly Gaussian and independent.
// The same seed gives the same result, whatever the number of workers. step, if
// not nil, is called from one goroutine at a time.
func (p *Plan) Simulate(ctx context.Context, samples []bundle.Sample, seed uint64, step func(he.Step)) (*he.Simulation, error) {
	if err := p.program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	s := &he.Simulation{Answers: make(he.Exact, len(samples))}
	audits := make([]*audit, p.workers)
	for w := range audits {
		audits[w] = newAudit(p, nil)
	}
	done := 0
	err := parallel.Run(ctx, p.workers, len(samples), func(w, i int) error {
		audits[w].sample = i
		s.Answers[i] = bundle.Vec{Small: audits[w].simulate(samples[i], rand.New(rand.NewPCG(seed, uint64(i))))}
		return nil
	}, func() {
		if done++; step != nil {
			step(he.Step{Phase: "simulate", Done: done, Total: len(samples)})
		}
	})
	if err != nil {
		return nil, err
	}
	for _, a := range audits[1:] {
		for i := range a.layers {
			audits[0].layers[i].merge(&a.layers[i])
		}
		audits[0].failed = append(audits[0].failed, a.failed...)
	}
	slices.Sort(audits[0].failed)
	s.Lookups = audits[0].record(len(samples))
	return s, nil
}

func (t *tally) merge(u *tally) {
	t.done += u.done
	t.missed += u.missed
	t.failed += u.failed
	t.sum += u.sum
	t.square += u.square
	t.outSquare += u.outSquare
}

// simulate evaluates one sample and adds its look-ups up.
func (a *audit) simulate(s bundle.Sample, rng *rand.Rand) []int64 {
	p := a.plan
	l0 := &p.params.ParametersLiteral
	noise := make([]float64, len(a.values)) // of every value
	a.begin(s)
	for i := range s {
		noise[i] = rng.NormFloat64() * math.Sqrt(l0.fresh())
	}
	own, rotated := math.Sqrt(l0.switched()+l0.rounded()), math.Sqrt(l0.rotated())
	for i := range p.layers {
		l, t := &p.layers[i], &a.layers[i]
		slots := 2 * l.slots
		out := make([]int64, l.n)
		for o := range l.n {
			e := l.noiseOf(noise, o)
			if l.tables != nil {
				e += float64(rng.NormFloat64() * own)
			}
			want := l.slotOf(a.values, o)
			at := (float64(want)+0.5)/float64(slots) + e
			at -= math.Floor(at)
			r := &t.outcomes[o]
			if l.tables == nil {
				got := min(int(at*float64(slots)), slots-1)
				out[o] = l.lo[o] + int64(got)
				*r = outcome{noise: e, missed: got != want, failed: got != want}
				continue
			}
			position := min(int(at*float64(2*p.params.N())), 2*p.params.N()-1)
			got := p.params.slotAt(position, l.slots)
			*r = outcome{noise: e, missed: got != want}
			tab := &l.tables[o]
			out[o] = tab.result(got, l.slots)
			r.failed = out[o] != tab.result(want, l.slots)
			noise[l.first+o] = rng.NormFloat64() * rotated
			r.out = noise[l.first+o]
		}
		if l.tables == nil {
			a.add()
			return out
		}
		copy(a.values[l.first:], out)
	}
	panic("tfhe: a plan has no last layer")
}

// noiseOf is accumulator o's noise for that of all values.
func (l *layer) noiseOf(noise []float64, o int) float64 {
	sum := 0.0
	l.each(o, func(v int, w int32) { sum += float64(float64(w) * noise[v]) })
	return sum
}
