package packed

import (
	"context"
	"fmt"

	"qtool/he"
	"qtool/he/packed/engine"
)

// planned is a plan of either scheme.
type planned interface {
	shared() *common
	backend() he.Backend
	Predicted() float64
	// LogFailure is as in he.ClientPart.
	LogFailure() float64
	// programs are the encoded programs of every plaintext prime, and the factors that
	// products of ciphertexts take.
	programs(context.Context, *half) ([]*program, []uint64, error)
}

func (c *common) shared() *common { return c }

var (
	_ he.Halves = (*Plan)(nil)
	_ he.Halves = (*ExactPlan)(nil)
)

// literal is what clients need but for the scheme's constants.
func (c *common) literal() literal {
	out := c.lowered.Outputs()
	l := literal{
		LogN: c.logN, Q: c.ring.Q(), P: c.ring.P(), Relin: c.needs.Relin, Rotations: [][2]int{},
		Ciphertexts: out.Cts, Limbs: c.outLimbs(), Ct: encodeRuns(out.Ct), Slot: encodeRuns(out.Slot),
	}
	var all, lengths []int32
	for _, v := range c.lowered.Views {
		all, lengths = append(all, v...), append(lengths, int32(len(v)))
	}
	l.Views, l.Slots = encodeRuns(all), encodeRuns(lengths)
	for _, r := range c.needs.Sorted() {
		l.Rotations = append(l.Rotations, [2]int{r, c.needs.Rotations[r]})
	}
	return l
}

// outLimbs is the limbs of the outputs.
func (c *common) outLimbs() int { return c.lowered.Stages[len(c.lowered.Stages)-1].Exit() }

func (p *Plan) literal() literal {
	l, last := p.common.literal(), &p.values[len(p.values)-1]
	l.Reals = &realConstants{
		Unit: p.units[0], Scale: p.scales.fresh, OutScale: p.scales.out,
		Gain: shortened(last.gain), Offset: shortened(last.offset),
		Bound: shortened(p.ErrorBound(true)), Usual: shortened(p.ErrorBound(false)),
	}
	return l
}

func (p *ExactPlan) literal() literal {
	l := p.common.literal()
	for k, t := range p.t {
		last, f, back := &p.values[k][len(p.values[k])-1], residues{t}, p.outFactor(k)
		gain := make([]uint64, len(last.gain))
		for o, g := range last.gain {
			gain[o] = f.mul(g, back)
		}
		l.Residues = append(l.Residues, residueConstants{t, shortened(gain), shortened(last.offset)})
	}
	return l
}

// ClientPart implements he.Halves.
func (p *Plan) ClientPart() (he.ClientPart, error) { return clientPart(p, ckksName) }

// ClientPart implements he.Halves.
func (p *ExactPlan) ClientPart() (he.ClientPart, error) { return clientPart(p, bgvName) }

func clientPart(p planned, name string) (he.ClientPart, error) {
	h, err := p.shared().half()
	if err != nil {
		return he.ClientPart{}, fmt.Errorf("packed: client half: %w", err)
	}
	b, err := h.encode()
	if err != nil {
		return he.ClientPart{}, fmt.Errorf("packed: client half: %w", err)
	}
	return he.ClientPart{Executor: name, Backend: name, Sizes: h.sizes(), LogFailure: p.LogFailure(), Parameters: b}, nil
}

// LogFailure is 0, as reals are approximate.
func (p *Plan) LogFailure() float64 { return 0 }

// NewServer implements he.Halves: it encodes the program's weights.
func (p *Plan) NewServer(ctx context.Context, spec [32]byte) (he.Server, error) {
	return serverRole(ctx, p, spec)
}

// NewServer implements he.Halves: it encodes the program's weights modulo every plaintext
// prime.
func (p *ExactPlan) NewServer(ctx context.Context, spec [32]byte) (he.Server, error) {
	return serverRole(ctx, p, spec)
}

func serverRole(ctx context.Context, p planned, spec [32]byte) (he.Server, error) {
	s, err := newServer(ctx, p, spec)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newServer(ctx context.Context, p planned, pair [32]byte) (*Server, error) {
	h, err := p.shared().half()
	if err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	programs, factors, err := p.programs(ctx, h)
	if err != nil {
		return nil, err
	}
	s := &Server{pair: pair, half: h, programs: programs}
	e, err := engine.New(h.params, p.shared().options.Workers, 0)
	if err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	for _, factor := range factors {
		s.engines = append(s.engines, e.With(factor))
	}
	return s, nil
}

func (p *Plan) programs(ctx context.Context, h *half) ([]*program, []uint64, error) {
	prog, err := compile(ctx, p.values, p.scales.stages, ckksEncoder(h.ckks))
	return []*program{prog}, []uint64{0}, err
}

func (p *ExactPlan) programs(ctx context.Context, h *half) (all []*program, factors []uint64, err error) {
	for k, t := range p.t {
		prog, err := compile(ctx, p.values[k], p.scales[k], exactEncoder(h.bgv[k]))
		if err != nil {
			return nil, nil, err
		}
		all, factors = append(all, prog), append(factors, t)
	}
	return all, factors, nil
}

// ErrorBound bounds the error of each output, in the units of the program's
// integers, with probability 1 - 2^-40 each: for inputs whose values stay in
// the calibration ranges, or, if proved, for any input. See ckks_noise.go.
func (p *Plan) ErrorBound(proved bool) []float64 {
	deviations := p.usual.outputs
	if proved {
		deviations = p.proved.outputs
	}
	bounds := make([]float64, len(deviations))
	for o, d := range deviations {
		gain := p.values[len(p.values)-1].gain[o]
		bounds[o] = max(gain, -gain) * sureness * d
	}
	return bounds
}
