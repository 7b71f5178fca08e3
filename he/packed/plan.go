package packed

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/costmodel"
	"qtool/he/internal/primes"
	"qtool/he/packed/keyset"
	"qtool/he/packed/lower"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// ErrOperation marks a program with an operation that packed ciphertexts don't
// carry: a table, or a polynomial above degree 2.
var ErrOperation = lower.ErrOperation

// Options guide the choice of parameters.
type Options struct {
	// LogN fixes the ring degree 2^LogN; 0 leaves it to be chosen.
	LogN int
	// Bits is the precision that outputs must have: -log2 of the usual error bound,
	// which holds with probability 1 - 2^-40 for inputs like calibration's, over the
	// largest output that calibration data made. 0 means DefaultBits.
	Bits float64
	// AllowInsecure accepts less than 128 bits of security. It is for tests.
	AllowInsecure bool
	// Workers bounds the goroutines; 0 means all cores. It chooses nothing.
	Workers int
	// Costs weigh choices; nil takes the reference processor's (ReferenceCosts), so
	// that the plan is the same on every machine.
	Costs *Costs
	// TuneTimings measures the Costs of this machine, if none are given, and rehearses
	// the plan to predict its time. It takes some seconds, and the plan depends on
	// where it was made.
	TuneTimings bool

	cache    map[[2]int]lower.Cache // by ring and fusion
	measured map[int]Costs
}

// filled has the defaults in place of zeros.
func (o Options) filled() Options {
	if o.Bits == 0 {
		o.Bits = DefaultBits
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	o.cache, o.measured = map[[2]int]lower.Cache{}, map[int]Costs{}
	return o
}

// begin checks p, and gives the options with their defaults and p's maps, fused in each
// way that there is.
func (o Options) begin(ctx context.Context, p *bundle.Program) (Options, []lower.Fusion, error) {
	if err := p.Check(); err != nil {
		return o, nil, err
	}
	fusions, err := lower.Fusions(ctx, p)
	return o.filled(), fusions, err
}

// cached is the cache of a ring and a fusion.
func (o *Options) cached(logN, fusion int) lower.Cache {
	key := [2]int{logN, fusion}
	if o.cache[key] == nil {
		o.cache[key] = lower.Cache{}
	}
	return o.cache[key]
}

// DefaultBits of output precision leave classifications as they are but for
// near ties.
const DefaultBits = 9

// spareBits of precision above what is asked for are taken where the ring has
// room for them.
const spareBits = 6

// common is what plans of both schemes have.
type common struct {
	program *bundle.Program
	options Options
	logN    int
	sizes   sizes
	ring    rlwe.Parameters
	cuts    []lower.Edge // of the program's fusion
	lowered *lower.Plan
	needs   keyset.Needs
	costs   Costs
	base    int // primes of the outputs
	// manyInputs leaves the client's encryptions out of what is weighed.
	manyInputs bool
	why        []string
	hash       [32]byte
	took       time.Duration // to plan
	// shown are the costs that predictions of time are made with.
	shown Costs
	// rehearsed are the predicted seconds of every stage's map and activation, of
	// tuned plans.
	rehearsed [][2]float64
	// half is what clients need, with the ring that clients and servers compute in, which has
	// this processor's transforms; ring is as Lattigo makes it.
	half func() (*half, error)
}

// Plan says how a program is evaluated with CKKS: parameters, packing, rotations
// and scales.
type Plan struct {
	common
	params ckks.Parameters
	values []values[float64]
	// units are the units of the input and of every stage, second the units of the
	// second factors of products; see stageValues.
	units, second []float64
	message       int // log2 of the scale
	weight        int // log2 of the last diagonals' scale
	scales        ckksScales
	// usualGains are the gains for inputs whose values stay in the calibration ranges,
	// provedGains for any input; usual and proved are the errors that follow.
	usualGains, provedGains *gains
	usual, proved           ckksErrors
}

// NewPlan chooses the parameters of least latency as o's costs predict it. Without
// o.AllowInsecure it takes no ring that is too small for what the program needs; it
// returns a *he.InsufficientError where no ring suffices, and ctx's error
// once that is done.
func NewPlan(ctx context.Context, p *bundle.Program, o Options) (*Plan, error) {
	start := time.Now()
	o, fusions, err := o.begin(ctx, p)
	if err != nil {
		return nil, err
	}
	best, rejected, err := search(ctx, o, func(logN, alpha int) (*Plan, error) { return o.try(ctx, p, fusions, logN, alpha) })
	if err != nil {
		return nil, err
	}
	if err := best.time(ctx, 0); err != nil {
		return nil, err
	}
	best.explain(rejected)
	best.finished()
	best.took = time.Since(start)
	return best, nil
}

// hashWith computes the plan's hash with primes.
func (p *Plan) hashWith(q, special []uint64) {
	sealed := []any{p.message, p.weight, p.units}
	if slices.Max(p.second) > 0 {
		sealed = append(sealed, p.second)
	}
	p.seal("ckks", q, special, sealed...)
}

// finished seals a plan whose parameters are chosen.
func (p *Plan) finished() {
	p.hashWith(p.ring.Q(), p.ring.P())
	p.half = sync.OnceValues(func() (*half, error) { return newHalf(p.literal(), p.lowered.Inputs, len(p.lowered.Outputs().Ct)) })
}

// search tries rings from the smallest on, and every number of special primes in
// the first that suffices. It returns the plan of least score, of two within a
// tenth the one with fewer special primes, and why others did not suffice.
func search[P interface{ score() float64 }](ctx context.Context, o Options, try func(logN, alpha int) (P, error)) (best P, rejected []string, err error) {
	from, to := minLogN, maxLogN
	if o.LogN != 0 {
		from, to = o.LogN, o.LogN
	}
	found := false
	for logN := from; logN <= to && !found; logN++ {
		for alpha := 1; alpha <= maxSpecial; alpha++ {
			if err := ctx.Err(); err != nil {
				return best, nil, err
			}
			plan, err := try(logN, alpha)
			var no *unfit
			if errors.As(err, &no) {
				if alpha == 1 {
					rejected = append(rejected, no.Error())
				}
				continue
			}
			if err != nil {
				return best, nil, err
			}
			// More special primes leave less modulus for precision, so that they
			// must earn it; and two measurements of tuned costs differ by that much.
			if !found || plan.score() < 0.9*best.score() {
				best, found = plan, true
			}
		}
	}
	clear(o.cache) // plans keep their own maps only
	if !found {
		return best, nil, he.Insufficient("packed", "", "%s", rejected[len(rejected)-1])
	}
	return best, rejected, nil
}

const (
	minLogN    = 12
	maxLogN    = 15
	maxSpecial = 3
	maxPrime   = 49 // bits, for transforms in 52-bit multiplications
	minPrime   = 20
	// slack is the bits that primes near powers of two may have above those.
	slack = 0.25
)

// unfit says why parameters don't suffice.
type unfit struct{ what string }

func (e *unfit) Error() string { return e.what }

// try plans in one ring with so many special primes.
func (o Options) try(ctx context.Context, p *bundle.Program, fusions []lower.Fusion, logN, alpha int) (*Plan, error) {
	limit, _ := security.MaxLogQP(logN)
	if o.AllowInsecure {
		limit = math.Inf(1)
	}
	// Outputs need room for both scales, and for what static bounds pass
	// calibration by: as few primes as give the precision.
	var plan *Plan
	var err error
	for base := 2; base <= maxBase; base++ {
		if plan, err = o.tryBase(ctx, p, fusions, logN, alpha, base, limit); err == nil {
			break
		}
		var no *imprecise
		if !errors.As(err, &no) {
			break
		}
	}
	return plan, err
}

// maxBase bounds the primes of CKKS outputs.
const maxBase = 4

// imprecise says which precision can't be reached: with more primes for the
// outputs it may.
type imprecise struct{ unfit }

func (e *imprecise) Unwrap() error { return &e.unfit }

// tryBase plans with so many primes for the outputs.
func (o Options) tryBase(ctx context.Context, p *bundle.Program, fusions []lower.Fusion, logN, alpha, base int, limit float64) (*Plan, error) {
	plan := &Plan{common: common{program: p, options: o, logN: logN, base: base}}
	if err := plan.lower(ctx, fusions, alpha, limit); err != nil {
		return nil, err
	}
	if err := plan.analyse(ctx); err != nil {
		return nil, err
	}
	if err := plan.precision(ctx, alpha, limit); err != nil {
		return nil, err
	}
	return plan, nil
}

// analyse computes the units and values of all stages, and the gains of their errors.
func (p *Plan) analyse(ctx context.Context) (err error) {
	if p.units, p.second, err = units(p.program, p.lowered.Stages); err != nil {
		return err
	}
	if p.values, err = stageValues[float64](ctx, p.lowered, reals{}, p.unit); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range p.values {
		p.values[i].least = leastWeights(&p.values[i])
	}
	all := p.provedSpans()
	for _, g := range []struct {
		to   **gains
		from spans
	}{{&p.provedGains, all}, {&p.usualGains, all.usual(p.values)}} {
		if *g.to, err = gainsOf(ctx, p.values, g.from); err != nil {
			return err
		}
	}
	return nil
}

// unit is a stage's, or the input's; see stageValues.
func (p *Plan) unit(stage, factor int) float64 {
	if factor == 1 {
		return p.second[stage]
	}
	return p.units[stage+1]
}

// lower fills in the packing of least predicted time, unless the least modulus passes
// the limit.
func (c *common) lower(ctx context.Context, fusions []lower.Fusion, alpha int, limit float64) error {
	drops := lower.Rescales(fusions[0].Segments)
	chain := make([]int, c.base+drops)
	for i := range chain {
		chain[i] = minPrime
	}
	if least := withSpecial(chain, alpha).total(); float64(least) > limit {
		return &unfit{fmt.Sprintf("%d maps with the squares between them need %d bits of modulus at least in degree 2^%d, where %.0f are secure",
			len(fusions[0].Segments), least, c.logN, limit)}
	}
	var err error
	if c.costs, err = c.options.costs(ctx, c.logN); err != nil {
		return err
	}
	client := c.costs.Encrypt
	if c.manyInputs {
		client = 0
	}
	for k, f := range fusions {
		plan, err := lower.New(ctx, f.Segments, c.program, lower.Options{
			Slots: 1 << (c.logN - 1), Special: alpha, Base: c.base,
			Workers: c.costs.Workers, Costs: c.costs.Limb, Client: client, Cache: c.options.cached(c.logN, k),
		})
		if err != nil {
			return err
		}
		if c.lowered == nil || plan.Nanoseconds < c.lowered.Nanoseconds {
			c.lowered, c.cuts = plan, f.Cuts
		}
	}
	c.needs = newNeeds(c.lowered)
	return nil
}

// order is the chain that rescales drop from its end: base bits in c.base
// primes, then one for every limb, of square bits where an activation drops it and of
// weight bits where a map does; the more where branches drop it in both.
func (c *common) order(base, square, weight int) []int {
	q := make([]int, c.lowered.Limbs)
	for k := range c.base {
		q[k] = (base + c.base - 1 - k) / c.base
	}
	for i := range c.lowered.Stages {
		st := &c.lowered.Stages[i]
		if st.Multiplies() {
			q[st.Exit()] = max(q[st.Exit()], square)
		}
		if st.Rescale > 0 {
			q[st.After().Limbs] = max(q[st.After().Limbs], weight)
		}
	}
	return q
}

// precision chooses the scales: the smallest that give the asked precision and
// spareBits, or the most precise that are secure.
func (p *Plan) precision(ctx context.Context, alpha int, limit float64) error {
	found := false
	best, bits := *p, math.Inf(-1)
	for message := minPrime; message <= maxPrime; message++ {
		for weight := max(minPrime, message-8); weight <= message; weight++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			base := max(p.outputBits(message, weight), p.base*minPrime)
			if base > p.base*maxPrime || bits >= p.options.Bits+spareBits {
				continue
			}
			t := *p
			t.message, t.weight = message, weight
			t.sizes = withSpecial(t.order(base, message, weight), alpha)
			if float64(t.sizes.total()) > limit-slack || t.sizes.p[alpha-1] > 60 {
				continue
			}
			if got := costmodel.Coarse(t.predict()); got > bits && t.usual.widest < widest {
				best, bits, found = t, got, true
			}
		}
	}
	if !found {
		return &imprecise{unfit{fmt.Sprintf("no scales fit into the %.0f bits that are secure in degree 2^%d", limit, p.logN)}}
	}
	if bits < p.options.Bits {
		return &imprecise{unfit{fmt.Sprintf("degree 2^%d, whose limit is %.0f bits, gives %.1f bits of output precision where %.1f are asked for", p.logN, limit, bits, p.options.Bits)}}
	}
	*p = best
	q, special, err := p.sizes.within(limit, primes.New(p.logN))
	if err != nil {
		return err
	}
	return p.take(q, special)
}

// outputBits are the bits of modulus that outputs need: the result, with room for what
// static bounds pass calibration by, and its sign, of a last map at both scales together,
// of a square at about the first.
func (p *Plan) outputBits(message, weight int) int {
	last := &p.lowered.Stages[len(p.lowered.Stages)-1]
	room := int(math.Ceil(elementary.Log2(p.beyond(len(p.lowered.Stages)-1, &last.Segment))))
	if last.Multiplies() && !last.Product {
		room *= 2
	}
	bits := message + room + 2
	if last.Rescale == 0 {
		bits += weight
	}
	return bits
}

// take makes the parameters of primes.
func (p *Plan) take(q, special []uint64) (err error) {
	p.params, err = ckks.NewParametersFromLiteral(ckks.ParametersLiteral{LogN: p.logN, Q: q, P: special, LogDefaultScale: p.message})
	if err != nil {
		return fmt.Errorf("packed: %w", err)
	}
	p.ring = p.params.Parameters
	p.finish(q, special)
	return nil
}

// predict is the predicted precision for primes of about the sizes.
func (p *Plan) predict() float64 {
	about := func(bits []int) []uint64 {
		var q []uint64
		for _, b := range bits {
			q = append(q, 1<<b)
		}
		return q
	}
	p.finish(about(p.sizes.q), about(p.sizes.p))
	return p.Bits()
}

// finish computes scales and errors for primes.
func (p *Plan) finish(q, special []uint64) {
	p.scales = newCKKSScales(p.lowered, q, p.message, p.weight)
	sources := newCKKSSources(p.logN, q, special, p.scales)
	p.usual = p.usualGains.errors(p.values, sources)
	p.proved = p.provedGains.errors(p.values, sources)
}

// Bits is the stated output precision: -log2 of the usual bound over the largest
// output that calibration data made.
func (p *Plan) Bits() float64 { return -elementary.Log2(sureness * slices.Max(p.usual.outputs)) }
