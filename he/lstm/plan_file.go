package lstm

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/he/security"
	"qtool/he/wire"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// planFile is a plan as it was chosen: everything else follows from it and the program.
type planFile struct {
	Version int      `json:"version"`
	LogN    int      `json:"log_n"`
	Q       []uint64 `json:"ciphertext_moduli"`
	P       []uint64 `json:"special_moduli"`
	Message int      `json:"log_scale"`
	Babies  int      `json:"babies"`
	Giants  int      `json:"giants"`
	// Bits is the precision that was asked for.
	Bits float64 `json:"bits"`
	// Insecure says that less than 128 bits of security were asked for.
	Insecure bool     `json:"insecure,omitempty"`
	Why      []string `json:"why"`
	// Hash is the plan's: of another program it may be another.
	Hash string `json:"hash"`
}

const (
	planVersion = 1
	// maxPlanFile bounds a plan file, in bytes.
	maxPlanFile = 1 << 16
)

// Encode implements he.Halves.
func (p *Plan) Encode() ([]byte, error) {
	sum := p.Hash()
	f := planFile{
		Version: planVersion, LogN: p.logN, Q: p.params.Q(), P: p.params.P(), Message: p.message, Babies: p.split.babies, Giants: p.split.giants,
		Bits: p.asked, Insecure: p.SecurityBits() < security.Bits, Why: p.Why(), Hash: hex.EncodeToString(sum[:]),
	}
	if f.Why == nil {
		f.Why = []string{}
	}
	b, err := json.Marshal(f)
	if err == nil && len(b) > maxPlanFile {
		err = fmt.Errorf("%d bytes pass the limit of %d", len(b), maxPlanFile)
	}
	if err != nil {
		return nil, fmt.Errorf("lstm: plan: %w", err)
	}
	return b, nil
}

// DecodePlan makes the plan that Encode wrote again, for the program that it was made for.
// It returns an error for a file that was changed, for a program that it does not suffice
// for and, if the plan does not say that it was allowed to be insecure, an error of package
// security for parameters of less than 128 bits of security.
func DecodePlan(ctx context.Context, b []byte, program *bundle.Program) (*Plan, error) {
	refuse := func(format string, args ...any) (*Plan, error) {
		return nil, fmt.Errorf("lstm: plan: "+format, args...)
	}
	if len(b) > maxPlanFile {
		return refuse("%d bytes pass the limit of %d", len(b), maxPlanFile)
	}
	var f planFile
	if err := strict.JSON(b, &f); err != nil {
		return refuse("%w", err)
	}
	// What no plan is written as need not be made a plan of to see so.
	if err := whole.Canonical(b, func() ([]byte, error) { return json.Marshal(f) }); err != nil {
		return refuse("%w", err)
	}
	power := func(n int) bool { return n >= 1 && n <= 1<<maxLogN && n&(n-1) == 0 }
	switch {
	case f.Version != planVersion:
		return refuse("%w %d, want %d", wire.ErrVersion, f.Version, planVersion)
	case f.LogN < minLogN || f.LogN > maxLogN:
		return refuse("ring degree 2^%d is outside 2^%d..2^%d", f.LogN, minLogN, maxLogN)
	case len(f.Q) < 1 || len(f.Q) > maxQ || len(f.P) < 1 || len(f.P) > maxSpecial:
		return refuse("%d ciphertext and %d special primes", len(f.Q), len(f.P))
	case f.Message < minMessage || f.Message > maxMessage || !(f.Bits > 0 && f.Bits <= 40):
		return refuse("values of 2^%d for %g bits of precision", f.Message, f.Bits)
	case !power(f.Babies) || !power(f.Giants):
		return refuse("%d baby and %d giant steps", f.Babies, f.Giants)
	}
	if err := primes.Check(f.LogN, firstPrime, append(append([]uint64{}, f.Q...), f.P...)...); err != nil {
		return refuse("%w", err)
	}
	if err := security.Check(f.LogN, log2.Product(f.Q, f.P)); err != nil && !f.Insecure {
		return refuse("%w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := newCell(program, false)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		program: program, cell: c, logN: f.LogN, message: f.Message, blocks: c.blocks(), split: split{f.Babies, f.Giants},
		workers: runtime.GOMAXPROCS(0), asked: f.Bits, why: f.Why,
	}
	switch {
	case len(f.Q) != c.limbs(0) || (len(f.Q)+len(f.P)-1)/len(f.P) > maxDigits:
		return refuse("%d ciphertext and %d special primes, the program takes %d in at most %d digits", len(f.Q), len(f.P), c.limbs(0), maxDigits)
	case p.blocks > 1<<(f.LogN-1) || f.Babies*f.Giants != p.blocks:
		return refuse("%d baby and %d giant steps for %d blocks in %d slots", f.Babies, f.Giants, p.blocks, 1<<(f.LogN-1))
	}
	// Rings take longest to make, and come last.
	sum := p.hashWith(f.Q, f.P)
	if got := hex.EncodeToString(sum[:]); got != f.Hash {
		return refuse("with this program it has hash %s, the file says %s", got, f.Hash)
	}
	if err := p.take(f.Q, f.P); err != nil {
		return refuse("%w", err)
	}
	if got := p.Bits(); !(got >= f.Bits) {
		return nil, he.Insufficient("lstm", "", "the plan's parameters give %.1f bits of precision, %.1f were asked for", got, f.Bits)
	}
	p.finished()
	if err := whole.Canonical(b, p.Encode); err != nil {
		return refuse("%w", err)
	}
	return p, nil
}
