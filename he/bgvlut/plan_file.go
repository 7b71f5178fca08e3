package bgvlut

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he/internal/log2"
	"qtool/he/security"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// planFile is a plan as it was chosen. How the program is cut into stages, and which
// polynomial each table is, follow from the program and the plaintext prime; the hash says
// whether they still do as they did.
type planFile struct {
	Hash      string `json:"hash"`
	LogN      int    `json:"log_n"`
	Plaintext uint64 `json:"plaintext_modulus"`
	// Copies is how many times each sample is in the slots.
	Copies     int      `json:"copies"`
	Ciphertext []uint64 `json:"ciphertext_moduli"`
	Special    []uint64 `json:"special_moduli"`
	// Drops are how many ciphertext primes each level of each round of tables divides by.
	Drops [][]int `json:"drops"`
	// DigitBits is the longest digit of key switching.
	DigitBits float64 `json:"digit_bits"`
	// AllowInsecure says that less than 128 bits of security were asked for and taken.
	AllowInsecure bool     `json:"allow_insecure"`
	Why           []string `json:"why"`
}

// What the reasons in a file may have.
const (
	maxReasons = 256 // a few, and one a layer with tables
	maxReason  = 4096
)

// Encode is the plan as it was chosen; see he.Halves.
func (p *Plan) Encode() ([]byte, error) {
	l, hash := p.layout, p.Hash()
	b, err := json.Marshal(planFile{
		Hash: hex.EncodeToString(hash[:]), LogN: l.logN, Plaintext: l.t, Copies: l.copies, Ciphertext: l.q, Special: l.special, Drops: l.drops, DigitBits: l.digitBits,
		AllowInsecure: p.SecurityBits() < security.Bits, Why: p.why[:min(len(p.why), maxReasons)],
	})
	if err != nil {
		return nil, fmt.Errorf("bgvlut: plan: %w", err)
	}
	return b, nil
}

// DecodePlan makes the plan that Encode wrote for the same program. It searches for
// nothing, and checks what NewPlan sees to: that the plaintext prime tells all values
// apart, that the noise fits, and that the parameters are secure or said to be insecure. A
// plan of another program, or of a version of this package that evaluates tables
// otherwise, has another hash and is refused.
func DecodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	plan, err := decodePlan(ctx, b, p)
	if err != nil {
		return nil, fmt.Errorf("bgvlut: plan: %w", err)
	}
	return plan, nil
}

func decodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	var f planFile
	if err := strict.JSON(b, &f); err != nil {
		return nil, err
	}
	if err := whole.Canonical(b, func() ([]byte, error) { return json.Marshal(f) }); err != nil {
		return nil, err
	}
	if len(f.Why) > maxReasons {
		return nil, fmt.Errorf("%d reasons pass the limit of %d", len(f.Why), maxReasons)
	}
	for i, s := range f.Why {
		if len(s) > maxReason {
			return nil, fmt.Errorf("reason %d of %d bytes passes the limit of %d", i, len(s), maxReason)
		}
	}
	stages, err := lower(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := checkDomains(p, stages); err != nil {
		return nil, err
	}
	l := &layout{logN: f.LogN, t: f.Plaintext, copies: f.Copies, q: f.Ciphertext, special: f.Special, drops: f.Drops, digitBits: f.DigitBits}
	all, err := l.checkFile(ctx, p, stages)
	if err != nil {
		return nil, err
	}
	err = security.Check(l.logN, l.logQP())
	switch secure := err == nil; {
	case !secure && !f.AllowInsecure:
		return nil, err
	case secure && f.AllowInsecure:
		return nil, fmt.Errorf("it allows insecure parameters, and has secure ones")
	}
	plan, err := buildPlan(p, stages, all, l, 0)
	if err != nil {
		return nil, err
	}
	plan.why = f.Why
	if hash := plan.Hash(); hex.EncodeToString(hash[:]) != f.Hash {
		return nil, fmt.Errorf("it was made for another program or by another version: its hash is %.16s, here it is %x", f.Hash, hash[:8])
	}
	return plan, nil
}

// checkFile bounds every number before anything is made of it, and holds the layout to
// what NewPlan sees to. It returns the polynomials of the tables.
func (l *layout) checkFile(ctx context.Context, p *bundle.Program, stages []stage) ([]tables, error) {
	if len(l.drops) != rounds(stages) {
		return nil, fmt.Errorf("levels of %d rounds of tables, the program has %d", len(l.drops), rounds(stages))
	}
	left := len(l.q)
	for i, levels := range l.drops {
		for k, n := range levels {
			if n < 1 || n >= left {
				return nil, fmt.Errorf("level %d of round %d drops %d of the %d primes that are left", k, i, n, left)
			}
			left -= n
		}
	}
	if !(l.digitBits > 0 && l.digitBits <= maxPrimeBits*maxPrimes) {
		return nil, fmt.Errorf("digits of %v bits", l.digitBits)
	}
	// Which primes they are is looked at before the bits of them are.
	if len(l.q) > maxPrimes {
		return nil, fmt.Errorf("%d ciphertext primes are more than %d", len(l.q), maxPrimes)
	}
	x := l.parameters()
	if err := x.check(p.Output().Range); err != nil {
		return nil, err
	}
	if width, node := window(p, stages); !width.IsUint64() || width.Uint64() > l.t {
		return nil, fmt.Errorf("%v values must be told apart in layer %q, the plaintext prime is %d", width, node, l.t)
	}
	var all []tables
	for i := range stages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		all = append(all, newTables(&stages[i], field(l.t).newPolynomial))
	}
	all, ok := packed(bundle.Size(p.Input.Shape), stages, all, l.copies)
	if !ok {
		return nil, fmt.Errorf("outputs do not go into %d copies", l.copies)
	}
	for i := range stages {
		if s := &stages[i]; s.table != nil && all[i].tree.levels() > len(l.drops[s.round]) {
			return nil, fmt.Errorf("tables of %d levels in round %d of %d", all[i].tree.levels(), s.round, len(l.drops[s.round]))
		}
	}
	return all, l.finish(stages, all)
}

// finish chooses the digits of the key that swaps halves, if there is one, and checks the
// layout.
func (l *layout) finish(stages []stage, all []tables) error {
	if n := l.swapLimbs(stages, all); n > 0 {
		m := l.model(stages, all)
		_, least := m.walk(stages, all, l.divide, nil)
		if l.swap = l.swapDigits(m, n, least.swap); l.swap == nil {
			return fmt.Errorf("primes are too long beside special ones of %.1f bits to swap halves of slots", log2.Product(l.special))
		}
	}
	return l.check(stages, all)
}

// check says whether the noise fits: of outputs, which must also be wrong with a
// probability of at most 2^-failureBits, and of key switching, as the special primes are
// made for it.
func (l *layout) check(stages []stage, all []tables) error {
	m := l.model(stages, all)
	e, least := m.walk(stages, all, l.divide, nil)
	if left := m.left(e.total(), log2.Product(l.q[:l.last()])); left < reserveBits || math.IsNaN(left) {
		return fmt.Errorf("predicted noise leaves %.1f bits, want %d", left, reserveBits)
	}
	digits, at, longest := l.digits(), 0, 0.0
	for _, n := range digits {
		longest = max(longest, log2.Product(l.q[at:at+n]))
		at += n
	}
	if tolerated := log2.Product(l.special) + m.keyTolerance(least.product, len(digits)); longest > tolerated+keyRounding {
		return fmt.Errorf("digits of key switching have up to %.1f bits, the noise allows %.1f", longest, tolerated)
	}
	return nil
}

// keyRounding is by how many bits special primes may be shorter than the powers of two
// that they were chosen for.
const keyRounding = 0.5
