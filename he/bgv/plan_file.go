package bgv

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"qtool/bundle"
	"qtool/he/security"
	"qtool/internal/strict"
	"qtool/internal/whole"
	"qtool/kernel/cpu"
)

// planFile is a plan as it was chosen. How the program is cut into segments follows from
// the program alone; the hash says whether it still is cut as it was.
type planFile struct {
	Hash       string   `json:"hash"`
	LogN       int      `json:"log_n"`
	Plaintext  []uint64 `json:"plaintext_moduli"`
	Ciphertext []uint64 `json:"ciphertext_moduli"`
	// Drops are how many ciphertext primes go behind each segment.
	Drops []int `json:"drops"`
	// AllowInsecure says that less than 128 bits of security were asked for and taken.
	AllowInsecure bool     `json:"allow_insecure"`
	Why           []string `json:"why"`
}

// What the reasons in a file may have.
const (
	maxReasons = 64
	maxReason  = 4096 // bytes
)

// Encode is the plan as it was chosen; see he.Halves.
func (p *Plan) Encode() ([]byte, error) {
	l, hash := p.layout, p.Hash()
	b, err := json.Marshal(planFile{
		Hash: hex.EncodeToString(hash[:]), LogN: l.logN, Plaintext: l.t, Ciphertext: l.q, Drops: l.drops,
		AllowInsecure: p.SecurityBits() < security.Bits, Why: p.why,
	})
	if err != nil {
		return nil, fmt.Errorf("bgv: plan: %w", err)
	}
	return b, nil
}

// DecodePlan makes the plan that Encode wrote for the same program. It searches for
// nothing, and checks what NewPlan sees to: that the primes carry the outputs, that the
// noise fits, and that the parameters are secure or said to be insecure. A plan of another
// program, or of a version of this package that cuts programs otherwise, has another hash
// and is refused.
func DecodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	plan, err := decodePlan(ctx, b, p)
	if err != nil {
		return nil, fmt.Errorf("bgv: plan: %w", err)
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
	if err := p.Check(); err != nil {
		return nil, err
	}
	if err := checkCarried(p); err != nil {
		return nil, err
	}
	c, err := lower(ctx, p)
	if err != nil {
		return nil, err
	}
	l := &layout{logN: f.LogN, t: f.Plaintext, q: f.Ciphertext, drops: f.Drops}
	if err := l.checkFile(c, p); err != nil {
		return nil, err
	}
	plan, err := build(p, c, l, 0, cpu.Active)
	if err != nil {
		return nil, err
	}
	plan.why = f.Why
	err = security.Check(l.logN, l.logQ())
	switch secure := err == nil; {
	case !secure && !f.AllowInsecure:
		return nil, err
	case secure && f.AllowInsecure:
		return nil, fmt.Errorf("it allows insecure parameters, and has secure ones")
	}
	if hash := plan.Hash(); hex.EncodeToString(hash[:]) != f.Hash {
		return nil, fmt.Errorf("it was made for another program or by another version: its hash is %.16s, here it is %x", f.Hash, hash[:8])
	}
	return plan, nil
}

// checkFile bounds every number before anything is made of it, and holds the layout to
// what NewPlan sees to.
func (l *layout) checkFile(c *circuit, p *bundle.Program) error {
	if len(l.drops) != len(c.segments) {
		return fmt.Errorf("primes are dropped behind %d segments, the program has %d", len(l.drops), len(c.segments))
	}
	dropped := 0
	for i, n := range l.drops {
		if n < 0 || n >= len(l.q)-dropped {
			return fmt.Errorf("%d primes are dropped behind segment %d of those that are left of %d", n, i, len(l.q))
		}
		dropped += n
	}
	// The scales need primes that were checked.
	x := parameters{Order: limbOrder, LogN: l.logN, T: l.t, Q: l.q, OutputPrimes: len(l.q) - dropped, OutputDegree: c.out().degree}
	for range l.t {
		x.OutputScales = append(x.OutputScales, 1)
	}
	if err := x.check(p.Output().Range); err != nil {
		return err
	}
	return l.check(c)
}
