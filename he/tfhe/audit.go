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
	// values are those of the current sample: integers modulo the message space that they are
	// encoded for.
	values []int64
	layers []tally
	sample int   // number of the current sample
	wrong  []int // samples with a wrong entry
}

// tally is one layer's measurements. Look-ups of a layer run at the same time,
// each with its own element of outcomes.
type tally struct {
	outcomes            []outcome
	done, failed, wrong int
	sum, square         float64 // of the noise, and of its square
	outSquare           float64 // the same of the look-ups' outputs
}

// outcome is what one look-up did: the noise of its phase and of its output, whether its
// input decrypted to another message, a decryption failure, and whether it gave a wrong entry.
type outcome struct {
	noise, out    float64
	failed, wrong bool
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
func (a *audit) lookup(i, o int, in smallKey, out bigKey, kept exact) {
	l, p := &a.plan.layers[i], a.plan.params
	n := p.Dimension
	at := in[n]
	for k, bit := range a.secret.smallKey {
		at += in[k] * uint32(bit)
	}
	want := l.messageOf(a.values, o)
	position := int(at & uint32(2*p.positions()-1))
	r := &a.layers[i].outcomes[o]
	r.noise = wrap((float64(position)+0.5)/float64(2*p.positions()) - (float64(want)+0.5)/float64(2*l.half))
	r.failed = p.messageAt(position, l.half) != want

	e := &a.plan.encodings[l.first+o]
	space := 2 * int64(e.half)
	var phase float64
	switch {
	case kept != nil:
		phase = float64(a.secret.exactPhase(kept)) / float64(p.q)
	case !l.precise:
		phase = float64(a.secret.phase(out)) * elementary.Exp2(-32)
	case e.tables:
		space /= int64(e.gain) // the words have the gain
		phase = float64(a.secret.phase(out)) * elementary.Exp2(-32)
	default:
		return // no layer reads it
	}
	x := float64(phase * float64(space))
	got := math.Round(x)
	r.out = (x - got) / float64(space)
	a.values[l.first+o] = int64(got) % space
	r.wrong = a.values[l.first+o] != modulo(l.tables[o].result(want, l.half), space)
}

// end adds up a sample, its encrypted logits included.
func (a *audit) end(out *Output) {
	last := len(a.layers) - 1
	l := a.plan.last()
	for o := range l.n {
		got, noise := a.plan.half.logit(a.secret, out, o)
		want := l.messageOf(a.values, o)
		r := &a.layers[last].outcomes[o]
		r.noise = wrap(noise + float64(got-want)/float64(2*l.half))
		r.failed = got != want
		r.wrong = r.failed
	}
	a.add()
}

// add adds up the outcomes of the sample at hand, and notes it if a decryption
// failure gave a wrong entry. A wrong entry without a failure is no noise but a defect,
// and excuses nothing.
func (a *audit) add() {
	wrong := false
	for i := range a.layers {
		wrong = a.layers[i].add() || wrong
	}
	if wrong {
		a.wrong = append(a.wrong, a.sample)
	}
	a.sample++
}

// add reports whether a look-up with a decryption failure gave a wrong entry.
func (t *tally) add() (wrong bool) {
	for _, r := range t.outcomes {
		t.done++
		t.sum += r.noise
		t.square += float64(r.noise * r.noise)
		t.outSquare += float64(r.out * r.out)
		if r.failed {
			t.failed++
		}
		if r.wrong {
			t.wrong++
		}
		wrong = wrong || r.failed && r.wrong
	}
	return wrong
}

// record is the account of samples samples.
func (a *audit) record(samples int) *he.Lookups {
	p := a.plan
	r := &he.Lookups{
		PerLookup: p.FailurePerLookup(), PerSample: p.FailurePerSample(), Expected: p.expected * float64(samples),
		FailedSamples: append([]int{}, a.wrong...),
	}
	for i := range a.layers {
		t, l := &a.layers[i], &p.layers[i]
		r.Done += t.done
		r.Missed += t.failed
		r.Failed += t.wrong
		r.Layers = append(r.Layers, he.LookupNoise{
			Layer: l.name, Done: t.done, Missed: t.failed, Failed: t.wrong,
			Predicted: math.Sqrt(p.stages[i].worst) / p.params.bound(l),
			Measured:  math.Sqrt(t.square/float64(max(t.done, 1))) / p.params.bound(l),
		})
	}
	return r
}

// messageOf is the message of accumulator o for the given values: x - lo modulo 2H.
func (l *layer) messageOf(values []int64, o int) int {
	x := l.bias(o) - l.lo[o]
	l.each(o, func(v int, w int32) { x += int64(w) * values[v] })
	return int(modulo(x, 2*int64(l.half)))
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
