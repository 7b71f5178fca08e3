package bgv

import (
	"context"
	"fmt"
	"math/bits"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/meter"
	"qtool/he/internal/sample"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// messages are what the inputs of a batch are encrypted from for one plaintext prime: they
// are drawn once, and then encrypted limb by limb. One value serves any number of batches
// of one client, and keeps its memory.
type messages struct {
	guard.Secret[messages]
	*hidden
}

// hidden keeps the plaintexts two pointers away; see guard.Secret.
type hidden struct{ *drawn }

// drawn are the plaintexts and errors of a batch.
type drawn struct {
	n, prime int
	masks    sample.Seed
	plain    []uint64 // m of each input element, N coefficients modulo t
	errors   []int64  // e of each, one less where m is above t/2
}

func newMessages() *messages { return &messages{hidden: &hidden{&drawn{}}} }

// element is m and e of input element i.
func (d *drawn) element(i int) (plain []uint64, errors []int64) {
	from, to := i*d.n, (i+1)*d.n
	return d.plain[from:to:to], d.errors[from:to:to]
}

// clear leaves nothing of the samples and the errors behind.
func (d *drawn) clear() {
	clear(d.plain)
	clear(d.errors)
}

// seeds are what a message is encrypted with: masks is public, and errors, which is
// independent of it, secret. Every ciphertext has a stream of its own of errors, and every
// limb of it one of its mask, so that the workers' order doesn't matter.
type seeds struct{ masks, errors sample.Seed }

// newSeeds draws both from the operating system.
func newSeeds() *seeds { return &seeds{sample.NewSeed(), sample.NewSeed()} }

// maskSeed is the seed of one limb of c_1 of input i for one plaintext prime: the
// stream's uniform residues. Limbs are drawn apart, as each is used when its turn comes.
func (h *half) maskSeed(masks sample.Seed, prime, i, limb int) sample.Seed {
	return sample.Derived(masks, "bgv masks of limbs", uint64((prime*h.inputs+i)*len(h.Q)+limb))
}

// draw makes the messages of a batch of samples for one plaintext prime: m has input
// element i of every sample, sample k in slot k, and zeros in the slots past the last
// sample,
//
//	m = INTT(slots),   e from the errors' stream.
//
// The slots are in the order of the number theoretic transform modulo t: with no
// rotations, no other order means anything. The samples have passed checkSamples. progress
// is as in evaluator.limb. On error d is undefined.
func (c *client) draw(ctx context.Context, samples []bundle.Sample, prime int, s *seeds, d *messages, progress func(nanoseconds float64)) error {
	d.n, d.prime, d.masks = c.Slots(), prime, s.masks
	if words := c.inputs * d.n; len(d.plain) != words {
		d.plain, d.errors = newWords(words), make([]int64, words)
	}
	workers := c.take()
	defer c.give(workers)
	t := c.T[prime]
	return parallel.Run(ctx, c.workers, c.inputs, func(w, i int) error {
		worker := workers[w]
		m, e := d.element(i)
		for k, x := range samples {
			m[k] = residue(int64(x[i]), t)
		}
		clear(m[len(samples):])
		c.slots[prime].Inverse(m)
		worker.stream.Reset(sample.Derived(s.errors, "bgv errors", uint64(prime*c.inputs+i)))
		worker.stream.Gaussian(c.level, e, worker.words)
		for k, v := range m {
			_, above := bits.Sub64(t/2, v, 0)
			e[k] -= int64(above)
		}
		return nil
	}, func() { meter.Report(progress, c.encryptShare()) })
}

// encryptShare is the predicted nanoseconds of drawing one input, or of encrypting one
// limb of it: equal parts of the whole.
func (c *client) encryptShare() float64 { return c.encryptCost / float64(1+len(c.Q)) }

// checkSamples says whether samples can be a batch's.
func (c *client) checkSamples(samples []bundle.Sample) error {
	if len(samples) > c.Slots() {
		return fmt.Errorf("bgv: %d samples for a batch of %d", len(samples), c.Slots())
	}
	if err := c.input.CheckSamples(samples); err != nil {
		return fmt.Errorf("bgv: %w", err)
	}
	return nil
}

// encrypt makes one limb of the ciphertext (x, a) of input element i:
//
//	a = c_1 uniform,   x = c_0 = -c_1 s + e + T^-1 m
//
// with m centred: one less in e where m is above t/2, as T^-1 t = 1.
// inverse is T^-1, see inverse.
func (c *client) encrypt(w *clientWorker, d *messages, i, limb int, inverse mod.Factor, x, a []uint64) {
	q := c.moduli[limb]
	m, e := d.element(i)
	q.Embed(x, m, e, inverse)
	c.transforms[limb].Forward(x)
	w.stream.Reset(c.maskSeed(d.masks, d.prime, i, limb))
	w.stream.Uniform(a, q.Q)
	q.MulAdd(x, a, c.negative[limb], x)
}

// inverse is T^-1 modulo one limb's prime, for all messages of a plaintext prime.
func (c *client) inverse(d *messages, limb int) mod.Factor {
	q := c.moduli[limb]
	return q.Factor(q.Inverse(c.T[d.prime]))
}

// encryptLimb fills to with one limb of the encryptions of the messages: ciphertext i
// holds input element i. progress is as in evaluator.limb. On error to is undefined.
func (c *client) encryptLimb(ctx context.Context, d *messages, limb int, to *tensor, progress func(nanoseconds float64)) error {
	to.reset(c.Slots(), c.inputs, 1, 1)
	workers := c.take()
	defer c.give(workers)
	size, count := spans(to.polynomials(), c.Slots(), 2, c.workers)
	cost := c.encryptShare() * float64(c.inputs) / float64(count)
	inverse := c.inverse(d, limb)
	return parallel.Run(ctx, c.workers, count, func(w, task int) error {
		first := task * size
		all := workers[w].span(min(size, to.polynomials()-first), c.Slots())
		for k := 0; k < len(all); k += 2 {
			c.encrypt(workers[w], d, (first+k)/2, limb, inverse, all[k], all[k+1])
		}
		to.scatterSpan(all, 0, first)
		return nil
	}, func() { meter.Report(progress, cost) })
}

// span is memory for n polynomials of so many coefficients.
func (w *clientWorker) span(n, slots int) [][]uint64 {
	for len(w.ciphertexts) < n {
		w.ciphertexts = append(w.ciphertexts, make([]uint64, slots))
	}
	return w.ciphertexts[:n]
}
