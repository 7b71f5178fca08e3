package tfhe

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"qtool/bundle"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// planFile is a plan as it was chosen.
type planFile struct {
	Parameters ParametersLiteral `json:"parameters"`
	// Layers are half the message space and the gain of every layer.
	Layers  [][2]int `json:"layers"`
	Precise bool     `json:"precise"`
	// LogFailure and LogLookupFailure are the limits that were kept, as in Options.
	LogFailure       float64 `json:"log2_failure_per_sample"`
	LogLookupFailure float64 `json:"log2_failure_per_lookup"`
	// Insecure says that parameters below 128 bits of security were allowed.
	Insecure bool     `json:"insecure"`
	Why      []string `json:"why"`
}

// The most sentences of a plan's reasons, and the most bytes of each.
const maxWhy, maxSentence = 1 << 14, 1 << 12

// Encode implements he.Halves.
func (p *Plan) Encode() ([]byte, error) {
	f := planFile{
		Parameters: p.params.ParametersLiteral, Layers: [][2]int{}, Precise: p.precise(),
		LogFailure: p.target.sample, LogLookupFailure: p.target.lookup, Insecure: p.params.CheckSecurity() != nil, Why: p.Why(),
	}
	for i := range p.layers {
		f.Layers = append(f.Layers, [2]int{p.layers[i].half, p.layers[i].gain})
	}
	b, err := json.Marshal(&f)
	if err != nil {
		return nil, fmt.Errorf("tfhe: plan: %w", err)
	}
	return b, nil
}

// DecodePlan makes the plan that Encode wrote for the same program. It chooses nothing,
// and refuses message spaces that do not carry the program, parameters whose noise does
// not keep the failure probabilities that the plan states, and insecure parameters unless
// the plan says that they were allowed.
func DecodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	plan, err := decodePlan(ctx, b, p)
	if err != nil {
		return nil, fmt.Errorf("tfhe: plan: %w", err)
	}
	return plan, nil
}

func decodePlan(ctx context.Context, b []byte, p *bundle.Program) (*Plan, error) {
	var f planFile
	if err := strict.JSON(b, &f); err != nil {
		return nil, err
	}
	// What no plan is written as need not be made a plan of to see so.
	if err := whole.Canonical(b, func() ([]byte, error) { return json.Marshal(f) }); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	layers, err := group(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := f.spaces(layers); err != nil {
		return nil, err
	}
	plan, err := build(p, layers, f.Parameters, 0)
	if err != nil {
		return nil, err
	}
	plan.target, plan.why = target{f.LogFailure, f.LogLookupFailure}, f.Why
	if !plan.target.kept(plan.stages, plan.perSample) {
		return nil, fmt.Errorf("a sample fails with probability 2^%.1f and its worst look-up with 2^%.1f, it says at most %v", log2Probability(plan.perSample), plan.LogFailure(), plan.target)
	}
	if err := whole.Canonical(b, plan.Encode); err != nil {
		return nil, err
	}
	return plan, nil
}

// check looks at what does not depend on the program.
func (f *planFile) check() error {
	t := target{f.LogFailure, f.LogLookupFailure}
	if !(t.sample <= 0 && t.lookup <= 0 && min(t.sample, t.lookup) >= -math.MaxFloat64) || t == (target{}) {
		return fmt.Errorf("failure probabilities of 2^%v a sample and 2^%v a look-up", t.sample, t.lookup)
	}
	if len(f.Why) > maxWhy || slices.ContainsFunc(f.Why, func(s string) bool { return len(s) > maxSentence }) {
		return fmt.Errorf("%d sentences, the limit is %d of %d bytes", len(f.Why), maxWhy, maxSentence)
	}
	params, err := NewParameters(f.Parameters)
	if err != nil {
		return err
	}
	if err := params.CheckSecurity(); err != nil && !f.Insecure {
		return err
	}
	if size := params.RotationBytes() + params.SwitchingBytes(); size > maxKeyBytes {
		return fmt.Errorf("evaluation keys of %d bytes pass the limit of %d", size, int64(maxKeyBytes))
	}
	return nil
}

// spaces gives the layers of a program the message spaces and gains of the file, which
// must serve their tables and ranges and agree where layers read the same values.
func (f *planFile) spaces(layers []layer) error {
	if len(f.Layers) != len(layers) {
		return fmt.Errorf("it has %d layers, the program %d", len(f.Layers), len(layers))
	}
	// What reads every value: half the message space, and the gain of layers with tables;
	// 0 where nothing was met yet.
	read, gain := make([]int, layers[len(layers)-1].first), make([]int, layers[len(layers)-1].first)
	for i := range layers {
		l := &layers[i]
		l.half, l.gain, l.precise = f.Layers[i][0], f.Layers[i][1], f.Precise
		switch {
		case l.half < 1 || l.gain < 1 || l.half > maxHalf || l.gain > maxHalf/l.half || l.tables == nil && l.gain != 1:
			return fmt.Errorf("layer %q: half a message space of %d with a gain of %d", l.name, l.half, l.gain)
		case l.tables != nil && l.half > 1<<f.Parameters.logPositions():
			return fmt.Errorf("layer %q: half a message space of %d passes the test polynomial of 2^%d coefficients, which its tables take", l.name, l.half, f.Parameters.logPositions())
		case l.span() > 2*l.half:
			return fmt.Errorf("layer %q: %d values do not fit a message space of %d", l.name, l.span(), 2*l.half)
		}
		for o := range l.tables {
			if _, ok := coupling(l.tables[o].values, l.half); !ok {
				return fmt.Errorf("layer %q: the table of element %d has no form in a message space of %d", l.name, o, 2*l.half)
			}
		}
		l.centre()
		for o := range l.n {
			agree := true
			l.each(o, func(v int, _ int32) {
				if read[v] == 0 {
					read[v] = l.gain * l.half
				}
				if l.tables != nil && gain[v] == 0 {
					gain[v] = l.gain
				}
				agree = agree && read[v] == l.gain*l.half && (l.tables == nil || gain[v] == l.gain)
			})
			if !agree {
				return fmt.Errorf("layer %q: a value that another layer reads too has another encoding there", l.name)
			}
		}
	}
	return nil
}
