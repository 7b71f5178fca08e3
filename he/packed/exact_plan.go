package packed

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sync"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/bgv"

	"qtool/bundle"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/he/packed/lower"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// ExactPlan says how a program is evaluated with BGV, once for each plaintext
// prime, whose residues together give the exact integers. All primes share the
// ring, the packing and the keys.
type ExactPlan struct {
	common
	t      []uint64
	params []bgv.Parameters // of each plaintext prime
	// scales are the plaintext factors modulo each prime; see exactScales.
	scales [][]scales[uint64]
	values [][]values[uint64]
	// left is the predicted noise budget behind every stage, of the widest prime.
	left []float64
}

// maxModuli bounds the plaintext primes.
const maxModuli = 16

// NewExactPlan chooses the parameters of least predicted latency for exact
// outputs: plaintext primes whose product passes the output's static bound, and
// a modulus chain for their noise. It returns the same kinds of errors as NewPlan.
func NewExactPlan(ctx context.Context, p *bundle.Program, o Options) (*ExactPlan, error) {
	start := time.Now()
	o, fusions, err := o.begin(ctx, p)
	if err != nil {
		return nil, err
	}
	best, rejected, err := search(ctx, o, func(logN, alpha int) (*ExactPlan, error) { return o.tryExact(ctx, p, fusions, logN, alpha) })
	if err != nil {
		return nil, err
	}
	// A larger ring carries wider primes, hence fewer.
	if o.LogN == 0 && len(best.t) > 1 && best.logN < maxLogN {
		o.LogN = best.logN + 1
		wider, _, err := search(ctx, o, func(logN, alpha int) (*ExactPlan, error) { return o.tryExact(ctx, p, fusions, logN, alpha) })
		if done := ctx.Err(); done != nil {
			return nil, done
		}
		if err == nil {
			if wider.Work() < best.Work() {
				best, wider = wider, best
			}
			rejected = append(rejected, fmt.Sprintf("%d plaintext prime(s) in degree 2^%d would take %.2f times the work", len(wider.t), wider.logN, wider.Work()/best.Work()))
		}
	}
	if err := best.time(ctx, best.t...); err != nil {
		return nil, err
	}
	best.explain(rejected)
	best.finished()
	best.took = time.Since(start)
	return best, nil
}

// finished seals a plan whose parameters are chosen.
func (p *ExactPlan) finished() {
	p.seal("bgv", p.ring.Q(), p.ring.P(), p.t)
	p.half = sync.OnceValues(func() (*half, error) { return newHalf(p.literal(), p.lowered.Inputs, len(p.lowered.Outputs().Ct)) })
}

// tryExact plans in one ring with so many special primes: with the fewest
// plaintext primes whose noise it carries.
func (o Options) tryExact(ctx context.Context, p *bundle.Program, fusions []lower.Fusion, logN, alpha int) (*ExactPlan, error) {
	limit, _ := security.MaxLogQP(logN)
	if o.AllowInsecure {
		limit = math.Inf(1)
	}
	plan, err := o.tryPacking(ctx, p, fusions, logN, alpha, limit, false)
	var no *unfit
	if errors.As(err, &no) {
		// Fewer inputs mean more sums over blocks, which multiply the noise.
		if more, err := o.tryPacking(ctx, p, fusions, logN, alpha, limit, true); err == nil {
			return more, nil
		}
	}
	return plan, err
}

// tryPacking plans with one packing, which counts the client's encryptions or
// takes as many as it likes.
func (o Options) tryPacking(ctx context.Context, p *bundle.Program, fusions []lower.Fusion, logN, alpha int, limit float64, manyInputs bool) (*ExactPlan, error) {
	plan := &ExactPlan{common: common{program: p, options: o, logN: logN, base: 2, manyInputs: manyInputs}}
	if err := plan.lower(ctx, fusions, alpha, limit); err != nil {
		return nil, err
	}
	width := outputWidth(p)
	var first error
	for k := 1; k <= maxModuli; k++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := plan.choose(ctx, k, alpha, width, limit)
		if err == nil {
			return plan, nil
		}
		// The most telling reason is the one given for the first primes that exist.
		if first == nil || plan.t != nil {
			first = err
		}
	}
	return nil, first
}

// outputWidth is how many values an output may have: all must differ modulo the product
// of the plaintext primes.
func outputWidth(p *bundle.Program) *big.Int {
	r := p.Output().Range
	width := new(big.Int).Sub(r.Hi, r.Lo)
	return width.Add(width, big.NewInt(1))
}

// choose fills in parameters for k plaintext primes.
func (p *ExactPlan) choose(ctx context.Context, k, alpha int, width *big.Int, limit float64) error {
	from := primes.New(p.logN)
	if p.t = plaintextPrimes(2<<p.logN, k, width); p.t == nil {
		return &unfit{fmt.Sprintf("%d plaintext prime(s) for an output range of %d bits are wider than %d", k, width.BitLen(), maxPlaintext)}
	}
	from.Use(p.t...)
	bits := elementary.Log2(float64(p.t[k-1]))
	base, square, weight := p.noise(bits)
	p.sizes = withSpecial(p.order(base, square, weight), alpha)
	need := p.sizes.total()
	if base > p.base*maxPrime || square > maxPrime || weight > maxPrime || p.sizes.p[alpha-1] > 60 {
		return &unfit{fmt.Sprintf("%d plaintext prime(s) of %.1f bits need ciphertext primes wider than %d bits", k, bits, maxPrime)}
	}
	if float64(need) > limit-slack {
		return &unfit{fmt.Sprintf("%d plaintext prime(s) of %.1f bits need %d bits of modulus in degree 2^%d, where %.0f are secure", k, bits, need, p.logN, limit)}
	}
	// The ciphertext primes must not be plaintext ones.
	q, special, err := p.sizes.within(limit, from)
	if err != nil {
		return err
	}
	return p.take(ctx, q, special)
}

// take makes the parameters of primes, and predicts their noise.
func (p *ExactPlan) take(ctx context.Context, q, special []uint64) (err error) {
	if p.left = p.budgets(q); p.LogFailure() > maxLogFailure {
		return &unfit{fmt.Sprintf("outputs would be wrong with probability up to 2^%.1f, want at most 2^%d", p.LogFailure(), maxLogFailure)}
	}
	p.ring, err = rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: p.logN, Q: q, P: special, NTTFlag: true})
	if err != nil {
		return fmt.Errorf("packed: %w", err)
	}
	return p.residues(ctx, q, special)
}

// maxPlaintext bounds plaintext primes, in bits.
const maxPlaintext = 40

// plaintextPrimes are k consecutive primes that are 1 modulo nthRoot, the
// smallest whose product passes width; nil if they have more than maxPlaintext
// bits.
func plaintextPrimes(nthRoot uint64, k int, width *big.Int) []uint64 {
	w, _ := new(big.Float).SetInt(width).Float64()
	root := elementary.Pow(w, 1/float64(k))
	if root >= 1<<maxPlaintext {
		return nil
	}
	middle := uint64(root)/nthRoot*nthRoot + 1
	// Up to k primes below the root, then windows that go up from there.
	var window []uint64
	for q := middle; q > nthRoot && len(window) < k; q -= nthRoot {
		if ring.IsPrime(q) {
			window = append([]uint64{q}, window...)
		}
	}
	for q := middle + nthRoot; q < 1<<maxPlaintext; q += nthRoot {
		product := big.NewInt(1)
		for _, t := range window {
			product.Mul(product, new(big.Int).SetUint64(t))
		}
		if len(window) == k && product.Cmp(width) > 0 {
			return window
		}
		if ring.IsPrime(q) {
			if window = append(window, q); len(window) > k {
				window = window[1:]
			}
		}
	}
	return nil
}

// residues computes the numbers modulo every plaintext prime.
func (p *ExactPlan) residues(ctx context.Context, q, special []uint64) error {
	p.params, p.scales, p.values = nil, nil, nil
	for _, t := range p.t {
		params, err := bgv.NewParametersFromLiteral(bgv.ParametersLiteral{LogN: p.logN, Q: q, P: special, PlaintextModulus: t})
		if err != nil {
			return fmt.Errorf("packed: %w", err)
		}
		v, err := stageValues[uint64](ctx, p.lowered, residues{t}, func(int, int) uint64 { return 1 })
		if err != nil {
			return err
		}
		p.params = append(p.params, params)
		p.values = append(p.values, v)
		p.scales = append(p.scales, exactScales(p.lowered, q, t))
	}
	return nil
}

// exactScales follows the plaintext factor: a ciphertext holds its values times
// a factor modulo t. Diagonals hold what brings the factor of each source back to 1:
//
//	diagonal = q / before,
//
// with q the prime that is dropped, or 1 where none is. A product of factor 1
// has 1/q behind its rescale.
func exactScales(p *lower.Plan, q []uint64, t uint64) []scales[uint64] {
	f := residues{t}
	var all []scales[uint64]
	for i := range p.Stages {
		st := &p.Stages[i]
		dropped := uint64(1)
		if st.Rescale > 0 {
			dropped = q[st.Entry.Limbs-1] % t
		}
		at := scales[uint64]{after: 1}
		for _, r := range st.Reads {
			back := uint64(1) // 1/before
			if r.Stage != lower.Input {
				back = backFactor(&p.Stages[r.Stage], q, t)
			}
			at.diagonals = append(at.diagonals, f.mul(back, dropped))
		}
		all = append(all, at)
	}
	return all
}

// backFactor is 1 over the plaintext factor of what a stage makes.
func backFactor(st *lower.Stage, q []uint64, t uint64) uint64 {
	if st.Multiplies() {
		return q[st.Exit()] % t
	}
	return 1
}

// outFactor is 1 over the plaintext factor of the outputs.
func (p *ExactPlan) outFactor(prime int) uint64 {
	return backFactor(&p.lowered.Stages[len(p.lowered.Stages)-1], p.ring.Q(), p.t[prime])
}

// Predicted is the predicted seconds of one evaluation on this machine, all plaintext
// primes together.
func (p *ExactPlan) Predicted() float64 { return float64(len(p.t)) * p.common.Predicted() }

// Work is the core seconds of one evaluation, all plaintext primes together; see
// Plan.Work.
func (p *ExactPlan) Work() float64 { return float64(len(p.t)) * p.common.Work() }

func (p *ExactPlan) score() float64 { return float64(len(p.t)) * p.common.score() }

func (p *ExactPlan) explain(rejected []string) {
	p.explainRing(rejected)
	r := p.program.Output().Range
	p.say("the output %q has the static bound %v (%d bits), and %d plaintext primes of %.1f bits carry it", p.program.Output().Name, r, r.Bits(), len(p.t), log2.Product(p.t)/float64(len(p.t)))
	p.say("the predicted noise budget left is %.1f bits", p.left[len(p.left)-1])
	p.say("outputs of a sample are wrong with probability at most 2^%.0f, by the noise model with one bit more", p.LogFailure())
}
