package packed

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"qtool/bundle"
	"qtool/internal/strict"
)

// planFile is a plan on disk: what it was chosen by, from which the same plan
// follows again, and its hash.
type planFile struct {
	Version int     `json:"version"`
	Scheme  string  `json:"scheme"`
	LogN    int     `json:"log_n"`
	Bits    float64 `json:"bits"`
	Costs   Costs   `json:"costs"`
	Hash    string  `json:"hash"`
}

// maxPlanFile bounds a plan file, in bytes.
const maxPlanFile = 1 << 12

func (p *common) encode(scheme string) ([]byte, error) {
	b, err := json.MarshalIndent(planFile{planVersion, scheme, p.logN, p.options.Bits, p.costs, hex.EncodeToString(p.hash[:])}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("packed: plan: %w", err)
	}
	return append(b, '\n'), nil
}

// Encode is the plan's file.
func (p *Plan) Encode() ([]byte, error) { return p.encode("ckks") }

// Encode is the plan's file.
func (p *ExactPlan) Encode() ([]byte, error) { return p.encode("bgv") }

// decodePlan reads a plan file of a scheme.
func decodePlan(b []byte, scheme string) (Options, string, error) {
	if len(b) > maxPlanFile {
		return Options{}, "", fmt.Errorf("packed: plan file of %d bytes passes the limit of %d", len(b), maxPlanFile)
	}
	var f planFile
	if err := strict.JSON(b, &f); err != nil {
		return Options{}, "", fmt.Errorf("packed: plan file: %w", err)
	}
	switch {
	case f.Version != planVersion:
		return Options{}, "", fmt.Errorf("packed: plan file: %w %d, want %d", ErrVersion, f.Version, planVersion)
	case f.Scheme != scheme:
		return Options{}, "", fmt.Errorf("packed: the plan is for scheme %q, want %q", f.Scheme, scheme)
	case f.LogN < minLogN || f.LogN > maxLogN:
		return Options{}, "", fmt.Errorf("packed: plan file: ring degree 2^%d is outside 2^%d to 2^%d", f.LogN, minLogN, maxLogN)
	case !(f.Bits > 0 && f.Bits < 60):
		return Options{}, "", fmt.Errorf("packed: plan file: %g bits of precision are outside 0..60", f.Bits)
	}
	l := f.Costs.Limb
	for _, c := range []float64{l.NTT, l.Extend, l.Product, l.Key, l.Move, l.Section, f.Costs.Encrypt} {
		if !(c > 0 && c < 1e12) {
			return Options{}, "", fmt.Errorf("packed: plan file: a cost of %g nanoseconds is outside 0..1e12", c)
		}
	}
	if f.Costs.Workers < 1 || f.Costs.Workers > 1<<10 {
		return Options{}, "", fmt.Errorf("packed: plan file: %d workers are outside 1..1024", f.Costs.Workers)
	}
	return Options{LogN: f.LogN, Bits: f.Bits, Costs: &f.Costs}, f.Hash, nil
}

// DecodePlan makes the plan of a file again, for the program that it was made
// for; another program, or a changed file, is an error.
func DecodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	return decoded(ctx, b, "ckks", p, NewPlan)
}

// DecodeExactPlan is DecodePlan for an exact plan.
func DecodeExactPlan(ctx context.Context, b []byte, p *bundle.Program) (*ExactPlan, error) {
	return decoded(ctx, b, "bgv", p, NewExactPlan)
}

// decoded plans again what a file of a scheme says, and compares.
func decoded[P interface{ matches(hash string) error }](ctx context.Context, b []byte, scheme string, p *bundle.Program, newPlan func(context.Context, *bundle.Program, Options) (P, error)) (none P, err error) {
	o, hash, err := decodePlan(b, scheme)
	if err != nil {
		return none, err
	}
	plan, err := newPlan(ctx, p, o)
	if err != nil {
		return none, err
	}
	if err := plan.matches(hash); err != nil {
		return none, err
	}
	return plan, nil
}

func (p *common) matches(hash string) error {
	if got := hex.EncodeToString(p.hash[:]); got != hash {
		return fmt.Errorf("packed: the plan of this program has hash %s, the file says %s", got, hash)
	}
	return nil
}
