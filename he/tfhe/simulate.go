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
// the message that its accumulator with its error falls into. Errors of the key
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
		audits[0].wrong = append(audits[0].wrong, a.wrong...)
	}
	slices.Sort(audits[0].wrong)
	s.Lookups = audits[0].record(len(samples))
	return s, nil
}

func (t *tally) merge(u *tally) {
	t.done += u.done
	t.failed += u.failed
	t.wrong += u.wrong
	t.sum += u.sum
	t.square += u.square
	t.outSquare += u.outSquare
}

// simulate evaluates one sample and adds its look-ups up.
func (a *audit) simulate(s bundle.Sample, rng *rand.Rand) []int64 {
	p := a.plan
	l0 := &p.params.ParametersLiteral
	noise := newNoises(p, rng)
	a.begin(s)
	for i := range s {
		noise.draw(i, l0.encrypted())
	}
	own := math.Sqrt(l0.switched() + l0.rounded())
	for i := range p.layers {
		l, t := &p.layers[i], &a.layers[i]
		space := 2 * l.half
		out := make([]int64, l.n)
		for o := range l.n {
			e := l.noiseOf(noise, o)
			if l.tables != nil {
				e += float64(rng.NormFloat64() * own)
			}
			want := l.messageOf(a.values, o)
			at := (float64(want)+0.5)/float64(space) + e
			at -= math.Floor(at)
			r := &t.outcomes[o]
			if l.tables == nil {
				got := min(int(at*float64(space)), space-1)
				out[o] = l.lo[o] + int64(got)
				*r = outcome{noise: e, failed: got != want, wrong: got != want}
				continue
			}
			position := min(int(at*float64(2*p.params.positions())), 2*p.params.positions()-1)
			got := p.params.messageAt(position, l.half)
			*r = outcome{noise: e, failed: got != want}
			tab := &l.tables[o]
			out[o] = tab.result(got, l.half)
			r.wrong = out[o] != tab.result(want, l.half)
			r.out = noise.draw(l.first+o, l0.rotation())
		}
		if l.tables == nil {
			a.add()
			return out
		}
		copy(a.values[l.first:], out)
	}
	panic("tfhe: a plan has no last layer")
}

// noises are the errors of all values' ciphertexts: of the words with the gain that a
// layer with tables reads, and what the last layer reads.
type noises struct {
	plan          *Plan
	rng           *rand.Rand
	words, logits []float64
}

func newNoises(p *Plan, rng *rand.Rand) *noises {
	n := &noises{plan: p, rng: rng, words: make([]float64, len(p.encodings))}
	n.logits = n.words
	if p.precise() {
		n.logits = make([]float64, len(p.encodings))
	}
	return n
}

// draw draws the errors of value v, whose ciphertext modulo Q has the given variance,
// and returns what the last layer reads. Words have the rounding's error as well: in a
// precise plan behind the gain, in others before it.
func (n *noises) draw(v int, variance float64) float64 {
	toWord := n.plan.params.ParametersLiteral.toWord()
	if !n.plan.precise() {
		n.words[v] = n.rng.NormFloat64() * math.Sqrt(variance+toWord)
		return n.words[v]
	}
	e := &n.plan.encodings[v]
	n.logits[v] = n.rng.NormFloat64() * math.Sqrt(variance)
	n.words[v] = float64(float64(e.gain)*n.logits[v]) + float64(n.rng.NormFloat64()*math.Sqrt(toWord))
	return n.logits[v]
}

// noiseOf is the error of accumulator o for the errors of all values.
func (l *layer) noiseOf(n *noises, o int) float64 {
	noise, gain := n.words, float64(l.gain)
	if l.tables == nil {
		noise = n.logits
	}
	if l.precise {
		gain = 1 // the words have it
	}
	sum := 0.0
	l.each(o, func(v int, w int32) { sum += float64(float64(w) * noise[v]) })
	return float64(gain * sum)
}
