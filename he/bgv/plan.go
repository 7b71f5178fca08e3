package bgv

import (
	"context"
	"fmt"
	"math/big"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/costmodel"
	"qtool/he/security"
	"qtool/kernel/cpu"
)

// Options are the caller's wishes, unchecked. The zero value lets NewPlan
// choose.
type Options struct {
	// LogN forces the ring degree 2^LogN, 10..16.
	LogN int
	// AllowInsecure permits a forced ring degree that is too small for 128 bits
	// of security.
	AllowInsecure bool
	// Workers is how many goroutines compute; 0 is GOMAXPROCS.
	Workers int
	// PlaintextModuli forces the number of plaintext primes, 1..10.
	PlaintextModuli int
	// Samples is how many samples a run will have, so that the slots of a last
	// batch that stay empty count as work; 0 is as many as fill their batches.
	Samples int
	// Memory bounds the bytes of ciphertexts that are in memory at once; 0 is
	// DefaultMemory. More plaintext primes, of fewer bits, take fewer ciphertext
	// primes: less memory, and more time.
	Memory int64
	// TuneTimings weighs choices by the speeds of this processor's kernels in place
	// of the reference processor's: the plan then depends on where it was made.
	TuneTimings bool

	kernels *cpu.Level // to compute with; nil is cpu.Active
}

// DefaultMemory bounds the ciphertexts of a plan that no other bound was given for:
// 12 GiB, three quarters of a machine of 16 GiB. It does not look at the machine, so
// that the same program has the same plan everywhere.
const DefaultMemory = 12 << 30

// level is the level of vector instructions whose speeds weigh choices.
func (o Options) level() cpu.Level {
	if o.TuneTimings {
		return cpu.Active
	}
	return costmodel.Reference
}

// computes is the level of the kernels to compute with.
func (o Options) computes() cpu.Level {
	if o.kernels == nil {
		return cpu.Active
	}
	return *o.kernels
}

// Plan is a program with checked encryption parameters. It is immutable and
// holds no secret. The same ciphertext ring, and so the same key, serves every
// plaintext prime.
type Plan struct {
	*half
	program *bundle.Program
	circuit *circuit
	layout  *layout
	costs   costs // with the kernels of level
	budget  budget
	why     []string

	shared    [][]*shared // of each segment's stages
	rescalers []*rescaler // after each segment, nil if it drops nothing
}

// NewPlan chooses plaintext primes, ring degree and ciphertext primes for p, so
// that the outputs are exact, the noise fits (see noise) and the parameters are
// secure, with the least work a sample as package costmodel predicts it, weighed against
// the memory of a batch (see weigh): the same program and options give the same plan on
// every machine.
//
// It returns ctx's error once that is done, a *security.InsecureError if o.LogN forces an insecure choice and
// o does not allow it, and a *he.InsufficientError, with the numbers, or a *MemoryError if nothing
// fits.
func NewPlan(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	s, best, err := choose(ctx, p, o)
	if err != nil {
		return nil, err
	}
	plan, err := build(p, s.circuit, best, o.Workers, o.computes())
	if err != nil {
		return nil, err
	}
	plan.why = plan.explain(s.options, s.runnersUp)
	return plan, nil
}

// choose searches for the layout. It builds no kernels.
func choose(ctx context.Context, p *bundle.Program, o Options) (*search, *layout, error) {
	if o.LogN != 0 && (o.LogN < 10 || o.LogN > 16) {
		return nil, nil, fmt.Errorf("bgv: ring degree 2^%d is outside 2^10..2^16", o.LogN)
	}
	if o.PlaintextModuli < 0 || o.PlaintextModuli > maxModuli {
		return nil, nil, fmt.Errorf("bgv: %d plaintext primes are outside 1..%d", o.PlaintextModuli, maxModuli)
	}
	if o.Workers < 0 || o.Samples < 0 || o.Memory < 0 {
		return nil, nil, fmt.Errorf("bgv: %d workers, %d samples, %d bytes of memory", o.Workers, o.Samples, o.Memory)
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if err := p.Check(); err != nil {
		return nil, nil, err
	}
	if err := checkCarried(p); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	c, err := lower(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	s := &search{program: p, circuit: c, options: o, output: p.Output().Range}
	best, err := s.run(ctx)
	return s, best, err
}

// build makes the rings of a layout, whatever its noise and security.
func build(p *bundle.Program, c *circuit, l *layout, workers int, level cpu.Level) (*Plan, error) {
	h, err := newHalf(l.parameters(c), p.Input, p.Output(), workers, level)
	if err != nil {
		return nil, err
	}
	plan := &Plan{half: h, program: p, circuit: c, layout: l, costs: l.costs(c, level), budget: l.budget(c)}
	at := len(l.q)
	for i := range c.segments {
		var all []*shared
		for k := range c.segments[i].stages {
			all = append(all, c.segments[i].stages[k].share())
		}
		plan.shared = append(plan.shared, all)
		var r *rescaler
		if n := l.drops[i]; n > 0 {
			r = newRescaler(plan.moduli[at-n:at], plan.moduli[:at-n])
			at -= n
		}
		plan.rescalers = append(plan.rescalers, r)
	}
	return plan, nil
}

// parameters are what a client needs of the layout.
func (l *layout) parameters(c *circuit) parameters {
	x := parameters{Order: limbOrder, LogN: l.logN, T: l.t, Q: l.q, OutputPrimes: l.outLevel(), OutputDegree: c.out().degree}
	for i := range l.t {
		x.OutputScales = append(x.OutputScales, l.scale(c, i, len(c.segments)))
	}
	return x
}

// LogN is log2 of the ring degree.
func (p *Plan) LogN() int { return p.layout.logN }

// LogQ is log2 of the largest ciphertext modulus. There are no special primes,
// as there are no evaluation keys.
func (p *Plan) LogQ() float64 { return p.layout.logQ() }

// PlaintextModuli are the primes that the program is evaluated modulo.
func (p *Plan) PlaintextModuli() []uint64 { return append([]uint64(nil), p.layout.t...) }

// CiphertextModuli are the primes of the ciphertext modulus, the first dropped
// last.
func (p *Plan) CiphertextModuli() []uint64 { return append([]uint64(nil), p.layout.q...) }

// PredictedNoiseBitsLeft is how many bits ten standard deviations of the
// predicted noise of an output stay below the wrap-around.
func (p *Plan) PredictedNoiseBitsLeft() float64 { return p.budget.left }

// NoiseBudget is the predicted budget after each layer, as PredictedNoiseBitsLeft
// is at the end. Layers that are evaluated together share an entry, under the
// last one's name.
func (p *Plan) NoiseBudget() []he.StageBudget {
	var all []he.StageBudget
	p.layout.walk(p.circuit, func(s *stage, e noise, logQ float64) {
		for _, node := range []int{s.node.pool, s.node.poly, s.node.rows} {
			if node != noNode {
				all = append(all, he.StageBudget{Layer: p.program.Nodes[node].Name, BitsLeft: e.left(logQ), LogQ: logQ})
				return
			}
		}
	})
	return all
}

// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
func (p *Plan) SecurityBits() int { return security.Estimate(p.layout.logN, p.LogQ()) }

// Why explains the parameters, a sentence an entry.
func (p *Plan) Why() []string { return append([]string(nil), p.why...) }

// scale is what plaintexts modulo a prime t are multiplied by when segment i begins;
// for i one past the last segment it is the scale of the outputs.
//
// A segment raises it to its power, a rescale multiplies it by the inverses of the
// primes it drops.
func (l *layout) scale(c *circuit, prime, segment int) uint64 {
	t, level, scale := l.t[prime], len(l.q), uint64(1)
	for i := range segment {
		scale = powMod(scale, uint64(c.segments[i].power), t)
		for range l.drops[i] {
			level--
			scale = mulMod(scale, inverse(l.q[level], t), t)
		}
	}
	return scale
}

// scale is the layout's.
func (p *Plan) scale(prime, segment int) uint64 { return p.layout.scale(p.circuit, prime, segment) }

// width is hi - lo of the output's static bound.
func width(r bundle.Range) *big.Int { return new(big.Int).Sub(r.Hi, r.Lo) }
