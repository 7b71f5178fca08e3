package lstm

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"

	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/ckksnoise"
	"qtool/he/internal/primes"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// Options are the caller's wishes, unchecked. The zero value lets NewPlan choose.
type Options struct {
	// LogN forces the ring degree 2^LogN, 11..16; 0 chooses it.
	LogN int
	// Bits is the output precision that the stated error must reach: -log2 of it over
	// the largest logit that the ranges allow; 0 is DefaultBits.
	Bits float64
	// AllowInsecure permits a forced ring degree with less than 128 bits of security.
	AllowInsecure bool
	// Workers is how many goroutines compute; 0 is GOMAXPROCS.
	Workers int
}

// DefaultBits is the default output precision.
const DefaultBits = 3

// The sizes of primes: the primes that rescales drop give the precision, the first
// one the logits. All are short enough for the fast transforms.
const (
	minLogN, maxLogN     = 11, 16
	minMessage, maxPrime = 25, 49
	maxMessage           = 45
	firstPrime           = 50
	outBits              = 44
	maxSpecial           = 6 // with a rescaled prime, what the engine converts at once
	maxDigits            = 16
)

// Plan is a program with checked encryption parameters. It is immutable and
// holds no secret.
type Plan struct {
	program    *bundle.Program
	cell       *cell
	params     ckks.Parameters // as Lattigo makes them
	logN       int
	message    int // log2 of the scale
	blocks     int
	split      split
	shared     constants
	primes     []float64
	deviations []float64 // of each logit, for any input
	usual      []float64 // for inputs like the calibration samples
	largest    float64   // logit
	workers    int
	asked      float64               // bits of precision
	half       func() (*half, error) // what clients need, with the ring that clients and servers compute in
	why        []string
}

// NewPlan chooses the smallest ring that carries the program securely with the
// precision asked for and, in it, the longest key switching digits, which make
// the fastest evaluation. No timing and nothing of the machine is looked at.
//
// It returns ctx's error once that is done, an error of package security if o.LogN is insecure for the program
// and o does not allow it, and a *he.InsufficientError if the program is
// not an LSTM with cubic gates or nothing fits.
func NewPlan(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	if o.LogN != 0 && (o.LogN < minLogN || o.LogN > maxLogN) {
		return nil, fmt.Errorf("lstm: ring degree 2^%d is outside 2^%d..2^%d", o.LogN, minLogN, maxLogN)
	}
	if o.Bits == 0 {
		o.Bits = DefaultBits
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if !(o.Bits > 0 && o.Bits <= 40) || o.Workers < 0 {
		return nil, fmt.Errorf("lstm: precision of %v bits and %d workers: want 0..40 bits and at least 0", o.Bits, o.Workers)
	}
	c, err := newCell(p, false)
	if err != nil {
		return nil, err
	}
	from, to := minLogN, maxLogN
	if o.LogN != 0 {
		from, to = o.LogN, o.LogN
	}
	var refused []string
	for logN := from; logN <= to; logN++ {
		limit, _ := security.MaxLogQP(logN)
		if o.LogN != 0 && o.AllowInsecure {
			limit, _ = security.MaxLogQP(maxLogN)
		}
		plan, err := newPlan(ctx, p, c, o, logN, limit)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			plan.explain(o, limit, refused)
			return plan, nil
		}
		refused = append(refused, err.Error())
	}
	if o.LogN != 0 && o.LogN < maxLogN {
		// Would it do if it need not be secure?
		if plan, err := newPlan(ctx, p, c, o, o.LogN, maxLogQP()); err == nil {
			return nil, fmt.Errorf("lstm: %w", security.Check(o.LogN, plan.LogQP()))
		}
	}
	return nil, he.Insufficient("lstm", "", "%d steps of %d elements: %s", c.steps, c.hidden, strings.Join(refused, "; "))
}

func maxLogQP() float64 {
	limit, _ := security.MaxLogQP(maxLogN)
	return limit
}

// newPlan is a plan for one ring, whose modulus may have limit bits.
func newPlan(ctx context.Context, p *bundle.Program, c *cell, o Options, logN int, limit float64) (*Plan, error) {
	blocks := c.blocks()
	if blocks > 1<<(logN-1) {
		return nil, fmt.Errorf("%d elements pass the %d slots of degree 2^%d", c.hidden, 1<<(logN-1), logN)
	}
	limbs := c.limbs(0)
	best := ""
	for special := maxSpecial; special >= 1; special-- {
		if (limbs+special-1)/special > maxDigits {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		message := min(maxMessage, int((limit-1-firstPrime-float64(maxPrime*special))/float64(limbs-1)))
		if message < minMessage {
			continue
		}
		plan := &Plan{program: p, cell: c, logN: logN, message: message, blocks: blocks, workers: o.Workers, asked: o.Bits}
		if err := plan.build(ctx, limbs, special, limit); err != nil {
			best = err.Error()
			continue
		}
		if plan.Bits() >= o.Bits {
			plan.split = newSplit(plan.blocks, limbs, special, logN)
			plan.finished()
			return plan, nil
		}
		if best == "" {
			best = fmt.Sprintf("degree 2^%d gives %.1f bits of precision where %.1f are asked for", logN, plan.Bits(), o.Bits)
		}
	}
	if best == "" {
		best = fmt.Sprintf("%d primes pass the %.0f bits of modulus that are secure in degree 2^%d", limbs, limit, logN)
	}
	return nil, fmt.Errorf("%s", best)
}

// build draws the primes and predicts the error.
func (p *Plan) build(ctx context.Context, limbs, special int, limit float64) error {
	from := primes.New(p.logN)
	first, err1 := from.Several(1, firstPrime-1)
	rest, err2 := from.Several(limbs-1, p.message)
	sp, err3 := from.Several(special, maxPrime)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return err
	}
	if err := p.take(append(first, rest...), sp); err != nil {
		return err
	}
	if total := p.LogQP(); total > limit {
		return fmt.Errorf("the primes have %.2f bits where %.0f are secure", total, limit)
	}
	return ctx.Err()
}

// take makes the parameters of primes and predicts the error.
func (p *Plan) take(q, sp []uint64) (err error) {
	p.params, err = ckks.NewParametersFromLiteral(ckks.ParametersLiteral{LogN: p.logN, Q: q, P: sp, LogDefaultScale: p.message})
	if err != nil {
		return err
	}
	for _, x := range q {
		p.primes = append(p.primes, float64(x))
	}
	p.largest = greatestOf(p.program.Output().Range)
	p.shared = p.cell.newConstants(p.message, outBits, p.largest)
	usual, err := newCell(p.program, true)
	if err != nil {
		return err
	}
	p.deviations, p.usual = p.noise(p.cell).logits(), p.noise(usual).logits()
	return nil
}

// finished prepares what clients of a plan need, whose parameters are chosen.
func (p *Plan) finished() { p.half = sync.OnceValues(p.newHalf) }

// blocks is how many the slots are divided into: a power of two.
func (c *cell) blocks() int {
	n := 1
	for n < c.hidden {
		n *= 2
	}
	return n
}

// noise is the prediction for the magnitudes of c.
func (p *Plan) noise(c *cell) *noise {
	return &noise{ckksnoise.New(p.logN, p.params.Q(), p.params.P()), p.primes, c, p.cell, p.shared}
}

// Slots is how many sequences a batch holds.
func (p *Plan) Slots() int { return p.params.MaxSlots() / p.blocks }

// LogQP is log2 of the whole modulus.
func (p *Plan) LogQP() float64 { return p.params.LogQP() }

// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
func (p *Plan) SecurityBits() int { return security.Estimate(p.logN, p.LogQP()) }

// ErrorBound is the stated error of each logit on any input, in the units of the
// program's integers: see noise.
func (p *Plan) ErrorBound() []float64 { return sure(p.deviations) }

// UsualBound is ErrorBound on inputs whose values are no larger than calibration
// data made them.
func (p *Plan) UsualBound() []float64 { return sure(p.usual) }

func sure(deviations []float64) []float64 {
	bounds := make([]float64, len(deviations))
	for o, d := range deviations {
		bounds[o] = sureness * d
	}
	return bounds
}

// Bits is the output precision: -log2 of the largest stated error over the
// largest logit that the ranges allow.
func (p *Plan) Bits() float64 {
	worst := 0.0
	for _, b := range p.ErrorBound() {
		worst = math.Max(worst, b)
	}
	return -elementary.Log2(worst / p.largest)
}

// Why explains the parameters, a sentence an entry.
func (p *Plan) Why() []string { return append([]string(nil), p.why...) }

func (p *Plan) explain(o Options, limit float64, refused []string) {
	c := p.cell
	say := func(format string, a ...any) { p.why = append(p.why, fmt.Sprintf(format, a...)) }
	say("a state of %d elements takes %d blocks of %d slots each: that many sequences are a batch", c.hidden, p.blocks, p.Slots())
	say("%d steps drop %d primes each and the logits one: fresh inputs of the first step have %d primes, of the last %d",
		c.steps, c.stepLimbs(), c.limbs(0), c.limbs(c.steps-1))
	say("primes of %d bits carry values of %d bits, %d special primes of %d bits make digits of as many", p.message, p.message, p.params.PCount(), maxPrime)
	worst := 0.0
	for _, b := range p.ErrorBound() {
		worst = math.Max(worst, b*math.Abs(p.program.Output().Scale[0]))
	}
	say("a logit is off by at most %.2g (six deviations, the rounding of the integers included): %.1f bits below the largest, %.1f were asked for", worst, p.Bits(), o.Bits)
	say("matrix products take %d hoisted rotations and %d more for each gate", p.split.babies-1, p.split.giants-1)
	say("%s", security.Explain(p.logN, p.LogQP()))
	if len(refused) > 0 {
		say("%s", refused[len(refused)-1])
	}
}
