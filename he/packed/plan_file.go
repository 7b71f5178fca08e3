package packed

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"runtime"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/he/packed/lower"
	"qtool/he/security"
	"qtool/he/wire"
	"qtool/internal/elementary"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// planFile is a plan as it was chosen. Decoding it searches for nothing and times
// nothing: everything else follows from it and the program.
type planFile struct {
	Version int            `json:"version"`
	Scheme  string         `json:"scheme"`
	LogN    int            `json:"log_n"`
	Q       []uint64       `json:"ciphertext_moduli"`
	P       []uint64       `json:"special_moduli"`
	T       []uint64       `json:"plaintext_moduli,omitempty"`
	Base    int            `json:"output_primes"`
	Cuts    []lower.Edge   `json:"cuts"`
	Stages  []lower.Choice `json:"stages"`
	// Message and Weight are log2 of CKKS scales, Bits is the precision that was asked for.
	Message int     `json:"log_scale,omitempty"`
	Weight  int     `json:"log_weight_scale,omitempty"`
	Bits    float64 `json:"bits,omitempty"`
	// Insecure says that less than 128 bits of security were asked for.
	Insecure bool     `json:"insecure,omitempty"`
	Why      []string `json:"why"`
	// Hash is the plan's: of another program it is another.
	Hash string `json:"hash"`
}

// ErrVersion marks plans of another version.
var ErrVersion = wire.ErrVersion

// The names of the schemes in files.
const (
	ckksScheme = "ckks"
	bgvScheme  = "bgv"
)

// maxPlanFile bounds a plan file, in bytes; maxWhy its sentences.
const (
	maxPlanFile = 1 << 20
	maxWhy      = 1 << 10
)

func (c *common) file(scheme string) *planFile {
	f := &planFile{
		Version: planVersion, Scheme: scheme, LogN: c.logN, Q: c.ring.Q(), P: c.ring.P(), Base: c.base, Cuts: c.cuts,
		Stages: c.lowered.Choices(), Insecure: c.options.AllowInsecure && c.SecurityBits() < security.Bits, Why: c.why, Hash: hex.EncodeToString(c.hash[:]),
	}
	if f.Cuts == nil {
		f.Cuts = []lower.Edge{}
	}
	return f
}

func (f *planFile) encode() ([]byte, error) {
	b, err := json.Marshal(f)
	if err == nil && len(b) > maxPlanFile {
		err = fmt.Errorf("%d bytes pass the limit of %d", len(b), maxPlanFile)
	}
	if err != nil {
		return nil, fmt.Errorf("packed: plan: %w", err)
	}
	return b, nil
}

// Encode implements he.Halves.
func (p *Plan) Encode() ([]byte, error) {
	f := p.file(ckksScheme)
	f.Message, f.Weight, f.Bits = p.message, p.weight, p.options.Bits
	return f.encode()
}

// Encode implements he.Halves.
func (p *ExactPlan) Encode() ([]byte, error) {
	f := p.file(bgvScheme)
	f.T = p.t
	return f.encode()
}

// DecodePlan makes the plan that Encode wrote again, for the program that it was made for.
// It returns an error for another program, for a file that was changed, and, if the plan
// does not say that it was allowed to be insecure, an error of package security for
// parameters of less than 128 bits of security.
func DecodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	f, c, err := readPlan(ctx, b, ckksScheme, p)
	if err != nil {
		return nil, err
	}
	plan := &Plan{common: *c, message: f.Message, weight: f.Weight}
	if f.Message < minPrime || f.Message > maxPrime || f.Weight < minPrime || f.Weight > f.Message || !(f.Bits > 0 && f.Bits < 60) {
		return nil, fmt.Errorf("packed: plan: scales of 2^%d and 2^%d for %g bits of precision", f.Message, f.Weight, f.Bits)
	}
	plan.options.Bits = f.Bits
	if err := plan.analyse(ctx); err != nil {
		return nil, err
	}
	// Rings take longest to make, and come last.
	plan.hashWith(f.Q, f.P)
	if err := plan.hashed(f.Hash); err != nil {
		return nil, err
	}
	plan.finish(f.Q, f.P)
	// Primes near powers of two have slack bits less, or more.
	if got := plan.Bits(); !(got > f.Bits-slack && plan.usual.widest < widest) {
		return nil, he.Insufficient("packed", "", "the plan's parameters give %.1f bits of output precision, %.1f were asked for", got, f.Bits)
	}
	if need, got := plan.outputBits(f.Message, f.Weight), log2.Product(f.Q[:f.Base]); got < float64(need)-slack {
		return nil, he.Insufficient("packed", "", "the outputs need %d bits of modulus, the plan has %.1f", need, got)
	}
	if err := plan.take(f.Q, f.P); err != nil {
		return nil, err
	}
	plan.finished()
	if err := whole.Canonical(b, plan.Encode); err != nil {
		return nil, fmt.Errorf("packed: plan: %w", err)
	}
	return plan, nil
}

// DecodeExactPlan is DecodePlan for an exact plan. It refuses parameters whose noise may
// make outputs wrong.
func DecodeExactPlan(ctx context.Context, b []byte, p *bundle.Program) (*ExactPlan, error) {
	f, c, err := readPlan(ctx, b, bgvScheme, p)
	if err != nil {
		return nil, err
	}
	plan := &ExactPlan{common: *c, t: f.T}
	if len(f.T) < 1 || len(f.T) > maxModuli {
		return nil, fmt.Errorf("packed: plan: %d plaintext primes, want 1..%d", len(f.T), maxModuli)
	}
	product, last := big.NewInt(1), uint64(0)
	for _, t := range f.T {
		if t >= 1<<maxPlaintext || t <= last {
			return nil, fmt.Errorf("packed: plan: plaintext prime %d behind %d, want ascending ones of at most %d bits", t, last, maxPlaintext)
		}
		product.Mul(product, new(big.Int).SetUint64(t))
		last = t
	}
	if width := outputWidth(p); product.Cmp(width) <= 0 {
		return nil, he.Insufficient("packed", "", "plaintext primes of %d bits do not carry outputs of %d", product.BitLen(), width.BitLen())
	}
	plan.seal("bgv", f.Q, f.P, plan.t)
	if err := plan.hashed(f.Hash); err != nil {
		return nil, err
	}
	if err := plan.take(ctx, f.Q, f.P); err != nil {
		return nil, fmt.Errorf("packed: plan: %w", err)
	}
	plan.finished()
	if err := whole.Canonical(b, plan.Encode); err != nil {
		return nil, fmt.Errorf("packed: plan: %w", err)
	}
	return plan, nil
}

// readPlan reads a plan file of a scheme, checks its moduli and lowers the program as it
// was chosen.
func readPlan(ctx context.Context, b []byte, scheme string, p *bundle.Program) (*planFile, *common, error) {
	refuse := func(format string, args ...any) (*planFile, *common, error) {
		return nil, nil, fmt.Errorf("packed: plan: "+format, args...)
	}
	if len(b) > maxPlanFile {
		return refuse("%d bytes pass the limit of %d", len(b), maxPlanFile)
	}
	var f planFile
	if err := strict.JSON(b, &f); err != nil {
		return refuse("%w", err)
	}
	// What no plan is written as need not be made a plan of to see so.
	if err := whole.Canonical(b, f.encode); err != nil {
		return refuse("%w", err)
	}
	switch {
	case f.Version != planVersion:
		return refuse("%w %d, want %d", ErrVersion, f.Version, planVersion)
	case f.Scheme != scheme:
		return refuse("it is for scheme %q, want %q", f.Scheme, scheme)
	case f.LogN < 4 || f.LogN > maxHalfLogN:
		return refuse("ring degree 2^%d is outside 2^4..2^%d", f.LogN, maxHalfLogN)
	case len(f.Q) < 1 || len(f.Q) > maxQ || len(f.P) < 1 || len(f.P) > maxSpecial || len(f.T) > maxModuli || f.Base < 1 || f.Base > min(maxBase, len(f.Q)):
		return refuse("%d ciphertext, %d special and %d plaintext primes, of which %d are of the outputs", len(f.Q), len(f.P), len(f.T), f.Base)
	case len(f.Why) > maxWhy:
		return refuse("%d reasons pass the limit of %d", len(f.Why), maxWhy)
	}
	if err := primes.Check(f.LogN, maxHalfPrime, append(append(append([]uint64{}, f.Q...), f.P...), f.T...)...); err != nil {
		return refuse("%w", err)
	}
	for _, q := range f.Q {
		if got := elementary.Log2(float64(q)); math.Abs(got-(maxPrime+minPrime)/2.) > (maxPrime-minPrime)/2.+slack {
			return refuse("ciphertext prime %d of %.2f bits, want %d..%d", q, got, minPrime, maxPrime)
		}
	}
	if err := security.Check(f.LogN, log2.Product(f.Q, f.P)); err != nil && !f.Insecure {
		return nil, nil, fmt.Errorf("packed: plan: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, nil, err
	}
	c := &common{
		program: p, logN: f.LogN, base: f.Base, cuts: f.Cuts, why: f.Why,
		options: Options{LogN: f.LogN, AllowInsecure: f.Insecure, Workers: runtime.GOMAXPROCS(0)},
		costs:   ReferenceCosts(f.LogN),
	}
	segments, err := lower.Fuse(ctx, p, f.Cuts)
	if err != nil {
		return nil, nil, err
	}
	c.lowered, err = lower.Replay(ctx, segments, p, lower.Options{
		Slots: 1 << (f.LogN - 1), Special: len(f.P), Base: f.Base, Workers: c.costs.Workers,
	}, f.Stages)
	if err != nil {
		return nil, nil, err
	}
	if c.lowered.Limbs != len(f.Q) {
		return refuse("%d ciphertext primes, the program takes %d", len(f.Q), c.lowered.Limbs)
	}
	c.needs = newNeeds(c.lowered)
	return &f, c, c.time(ctx, 0)
}

// hashed holds a plan to the hash of its file.
func (c *common) hashed(hash string) error {
	if got := hex.EncodeToString(c.hash[:]); got != hash {
		return fmt.Errorf("packed: plan: with this program it has hash %s, the file says %s", got, hash)
	}
	return nil
}
