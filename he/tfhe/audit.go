package tfhe

import (
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/internal/elementary"
)

// audit holds every look-up of a verification against the integers it should
// have worked on. It has the secret key: a server in use has no such thing.
//
// A look-up's reference is computed from what really went into its layer, so one
// failure is counted once and not again in all that it leads to.
type audit struct {
	plan   *Plan
	secret *SecretKey
	// values are those of the current sample: integers modulo the slots that they are
	// encoded for.
	values []int64
	layers []tally
	sample int   // number of the current sample
	failed []int // samples with a wrong entry
}

// tally is one layer's measurements. Look-ups of a layer run at the same time,
// each with its own element of outcomes.
type tally struct {
	outcomes             []outcome
	done, missed, failed int
	sum, square          float64 // of the noise, and of its square
	outSquare            float64 // the same of the look-ups' outputs
}

// outcome is what one look-up did: the noise of its phase and of its output.
type outcome struct {
	noise, out     float64
	missed, failed bool
}

func newAudit(p *Plan, k *SecretKey) *audit {
	a := &audit{plan: p, secret: k, values: make([]int64, len(p.encodings)), layers: make([]tally, len(p.layers))}
	for i := range p.layers {
		a.layers[i].outcomes = make([]outcome, p.layers[i].n)
	}
	return a
}

// begin takes a new sample.
func (a *audit) begin(s bundle.Sample) {
	for i, q := range s {
		a.values[i] = int64(q)
	}
}

// lookup implements observer.
func (a *audit) lookup(i, o int, in narrow, out wide, kept exact) {
	l, p := &a.plan.layers[i], a.plan.params
	n := p.Dimension
	at := in[n]
	for k, bit := range a.secret.narrow {
		at += in[k] * uint32(bit)
	}
	want := l.slotOf(a.values, o)
	position := int(at & uint32(2*p.N()-1))
	r := &a.layers[i].outcomes[o]
	r.noise = wrap((float64(position)+0.5)/float64(2*p.N()) - (float64(want)+0.5)/float64(2*l.slots))
	r.missed = p.slotAt(position, l.slots) != want

	e := &a.plan.encodings[l.first+o]
	slots := 2 * int64(e.slots)
	var phase float64
	switch {
	case kept != nil:
		phase = float64(a.secret.exactPhase(kept)) / float64(p.q)
	case !l.precise:
		phase = float64(a.secret.phase(out)) * elementary.Exp2(-32)
	case e.tables:
		slots /= int64(e.gain) // the words have the gain
		phase = float64(a.secret.phase(out)) * elementary.Exp2(-32)
	default:
		return // no layer reads it
	}
	x := float64(phase * float64(slots))
	got := math.Round(x)
	r.out = (x - got) / float64(slots)
	a.values[l.first+o] = int64(got) % slots
	r.failed = a.values[l.first+o] != modulo(l.tables[o].result(want, l.slots), slots)
}

// end adds up a sample, its encrypted logits included.
func (a *audit) end(out *Output) {
	last := len(a.layers) - 1
	l := a.plan.last()
	for o := range l.n {
		got, noise := l.logit(a.secret, out, o)
		want := l.slotOf(a.values, o)
		r := &a.layers[last].outcomes[o]
		r.noise = wrap(noise + float64(got-want)/float64(2*l.slots))
		r.missed = got != want
		r.failed = r.missed
	}
	a.add()
}

// add adds up the outcomes of the sample at hand, and notes it if a miss gave a
// wrong entry. A wrong entry without a miss is no noise but a defect, and excuses
// nothing.
func (a *audit) add() {
	failed := false
	for i := range a.layers {
		failed = a.layers[i].add() || failed
	}
	if failed {
		a.failed = append(a.failed, a.sample)
	}
	a.sample++
}

// add reports whether a missed look-up gave a wrong entry.
func (t *tally) add() (failed bool) {
	for _, r := range t.outcomes {
		t.done++
		t.sum += r.noise
		t.square += float64(r.noise * r.noise)
		t.outSquare += float64(r.out * r.out)
		if r.missed {
			t.missed++
		}
		if r.failed {
			t.failed++
		}
		failed = failed || r.missed && r.failed
	}
	return failed
}

// record is the account of samples samples.
func (a *audit) record(samples int) *he.Lookups {
	p := a.plan
	r := &he.Lookups{
		PerLookup: p.FailurePerLookup(), PerSample: p.FailurePerSample(), Expected: p.expected * float64(samples),
		FailedSamples: append([]int{}, a.failed...),
	}
	for i := range a.layers {
		t, l := &a.layers[i], &p.layers[i]
		r.Done += t.done
		r.Missed += t.missed
		r.Failed += t.failed
		r.Layers = append(r.Layers, he.LookupNoise{
			Layer: l.name, Done: t.done, Missed: t.missed, Failed: t.failed,
			Predicted: math.Sqrt(p.stages[i].worst) / p.params.bound(l),
			Measured:  math.Sqrt(t.square/float64(max(t.done, 1))) / p.params.bound(l),
		})
	}
	return r
}

// slotOf is the slot of accumulator o for the given values: x - lo modulo 2H.
func (l *layer) slotOf(values []int64, o int) int {
	x := l.bias(o) - l.lo[o]
	l.each(o, func(v int, w int32) { x += int64(w) * values[v] })
	return int(modulo(x, 2*int64(l.slots)))
}

// modulo is x modulo m in [0, m).
func modulo(x, m int64) int64 {
	if x %= m; x < 0 {
		x += m
	}
	return x
}

// wrap is x modulo 1 in [-1/2, 1/2].
func wrap(x float64) float64 { return x - math.Round(x) }
