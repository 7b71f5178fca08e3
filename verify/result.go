package verify

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"qtool/bundle"
	"qtool/he"
)

// part is what an executor gave for one batch: a record of the log, as JSON. Logits are
// decimal, as they may pass 64 bits. Exactly one of Logits and Reals is there.
type part struct {
	From          int            `json:"from"` // number of the batch's first sample
	Logits        [][]*big.Int   `json:"logits,omitempty"`
	Reals         [][]float64    `json:"reals,omitempty"`
	Bound         []float64      `json:"bound,omitempty"`
	Usual         []float64      `json:"usual,omitempty"`
	Decisions     []he.Decision  `json:"decisions,omitempty"`
	Cost          he.Cost        `json:"cost"`
	NoiseBitsLeft *bits          `json:"noise_bits_left,omitempty"`
	NodeSeconds   he.NodeSeconds `json:"node_seconds,omitempty"`
	Latency       *he.Latency    `json:"latency,omitempty"`
	Lookups       *he.Lookups    `json:"lookups,omitempty"`
	Domains       he.Domains     `json:"domains,omitempty"`
}

// bits is a noise budget: infinite, which JSON has no number for, where there was no noise
// at all.
type bits float64

func (b bits) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(b), 'g', -1, 64), nil
}

func (b *bits) UnmarshalText(text []byte) error {
	x, err := strconv.ParseFloat(string(text), 64)
	*b = bits(x)
	return err
}

func newPart(from int, r *he.Result) *part {
	p := &part{From: from, Cost: r.Cost}
	switch a := r.Answers.(type) {
	case he.Exact:
		for _, v := range a {
			row := make([]*big.Int, v.Len())
			for i := range row {
				row[i] = v.At(i)
			}
			p.Logits = append(p.Logits, row)
		}
	case he.Approximate:
		p.Reals, p.Bound, p.Usual, p.Decisions = a.Reals, a.Bound, a.Usual, a.Decisions
	}
	if n, ok := he.AccountOf[he.Noise](r); ok {
		left := bits(n.BitsLeft)
		p.NoiseBitsLeft = &left
	}
	p.NodeSeconds, _ = he.AccountOf[he.NodeSeconds](r)
	p.Latency, _ = he.AccountOf[*he.Latency](r)
	p.Lookups, _ = he.AccountOf[*he.Lookups](r)
	p.Domains, _ = he.AccountOf[he.Domains](r)
	return p
}

// result undoes newPart.
func (p *part) result() *he.Result {
	r := &he.Result{Cost: p.Cost}
	if p.Logits != nil {
		exact := make(he.Exact, len(p.Logits))
		for i, row := range p.Logits {
			exact[i] = bundle.NewVec(row)
		}
		r.Answers = exact
	} else {
		r.Answers = he.Approximate{Reals: p.Reals, Bound: p.Bound, Usual: p.Usual, Decisions: p.Decisions}
	}
	if p.NoiseBitsLeft != nil {
		r.Accounts = append(r.Accounts, he.Noise{BitsLeft: float64(*p.NoiseBitsLeft)})
	}
	if p.NodeSeconds != nil {
		r.Accounts = append(r.Accounts, p.NodeSeconds)
	}
	if p.Latency != nil {
		r.Accounts = append(r.Accounts, p.Latency)
	}
	if p.Lookups != nil {
		r.Accounts = append(r.Accounts, p.Lookups)
	}
	if p.Domains != nil {
		r.Accounts = append(r.Accounts, p.Domains)
	}
	return r
}

// samples is how many samples the part answers.
func (p *part) samples() int { return len(p.Logits) + len(p.Reals) }

// check refuses a part that does not answer the samples from..to-1 or is not of the same
// kind as the first one.
func (p *part) check(from, to int, first *part) error {
	if p.From != from || p.samples() == 0 || from+p.samples() > to {
		return fmt.Errorf("answers to samples %d to %d, want some from %d on, up to %d", p.From, p.From+p.samples()-1, from, to-1)
	}
	width := len(p.Bound)
	if p.Logits != nil {
		width = len(p.Logits[0])
	}
	for i, row := range p.Reals {
		if len(row) == 0 || len(row) != len(p.Bound) || len(row) != len(p.Usual) {
			return fmt.Errorf("sample %d: %d outputs with %d and %d stated errors", from+i, len(row), len(p.Bound), len(p.Usual))
		}
	}
	for i, row := range p.Logits {
		if len(row) == 0 || len(row) != width || slices.Contains(row, nil) {
			return fmt.Errorf("sample %d: logits are missing", from+i)
		}
	}
	for i, d := range p.Decisions {
		if d.Label < 0 || d.Label >= width {
			return fmt.Errorf("sample %d: label %d of %d outputs", from+i, d.Label, width)
		}
	}
	switch {
	case len(p.Decisions) > 0 && len(p.Decisions) != len(p.Reals) || (len(p.Decisions) > 0) != (len(first.Decisions) > 0):
		return fmt.Errorf("%d decisions of %d samples, the first record has %d", len(p.Decisions), len(p.Reals), len(first.Decisions))
	case p.Logits != nil && p.Reals != nil, (p.Logits == nil) != (first.Logits == nil):
		return fmt.Errorf("exact and approximate answers side by side")
	case len(p.Bound) != len(first.Bound) || len(p.Usual) != len(first.Usual):
		return fmt.Errorf("%d and %d stated errors, the first record has %d and %d", len(p.Bound), len(p.Usual), len(first.Bound), len(first.Usual))
	case p.Lookups != nil && first.Lookups != nil && len(p.Lookups.Layers) != len(first.Lookups.Layers):
		return fmt.Errorf("look-ups of %d layers, the first record has look-ups of %d", len(p.Lookups.Layers), len(first.Lookups.Layers))
	case len(p.NodeSeconds) != len(first.NodeSeconds):
		return fmt.Errorf("times of %d nodes, the first record has times of %d", len(p.NodeSeconds), len(first.NodeSeconds))
	case len(p.Domains) != len(first.Domains):
		return fmt.Errorf("%d domains, the first record has %d", len(p.Domains), len(first.Domains))
	}
	return nil
}

// join is the result of all parts together.
func join(parts []*part) *he.Result {
	var all []*he.Result
	for _, p := range parts {
		all = append(all, p.result())
	}
	return he.Join(all)
}
