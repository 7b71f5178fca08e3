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
	From          int          `json:"from"` // number of the batch's first sample
	Logits        [][]*big.Int `json:"logits,omitempty"`
	Reals         [][]float64  `json:"reals,omitempty"`
	Bound         []float64    `json:"bound,omitempty"`
	Usual         []float64    `json:"usual,omitempty"`
	Cost          he.Cost      `json:"cost"`
	NoiseBitsLeft bits         `json:"noise_bits_left"`
	NodeSeconds   []float64    `json:"node_seconds,omitempty"`
	Latency       *he.Latency  `json:"latency,omitempty"`
	Lookups       *he.Lookups  `json:"lookups,omitempty"`
	Domains       []he.Domain  `json:"domains,omitempty"`
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
	p := &part{
		From: from, Reals: r.Reals, Bound: r.Bound, Usual: r.Usual, Cost: r.Cost, NoiseBitsLeft: bits(r.NoiseBitsLeft),
		NodeSeconds: r.NodeSeconds, Latency: r.Latency, Lookups: r.Lookups, Domains: r.Domains,
	}
	for _, v := range r.Logits {
		row := make([]*big.Int, v.Len())
		for i := range row {
			row[i] = v.At(i)
		}
		p.Logits = append(p.Logits, row)
	}
	return p
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
	switch {
	case p.Logits != nil && p.Reals != nil, (p.Logits == nil) != (first.Logits == nil):
		return fmt.Errorf("exact and approximate answers side by side")
	case len(p.Bound) != len(first.Bound) || len(p.Usual) != len(first.Usual):
		return fmt.Errorf("%d and %d stated errors, the first record has %d and %d", len(p.Bound), len(p.Usual), len(first.Bound), len(first.Usual))
	case p.Lookups != nil && first.Lookups != nil && len(p.Lookups.Layers) != len(first.Lookups.Layers):
		return fmt.Errorf("look-ups of %d layers, those of the first record are of %d", len(p.Lookups.Layers), len(first.Lookups.Layers))
	}
	return nil
}

// join is the result of all parts together: answers in order, times added up, the largest
// stated errors, the least noise budget, the medians of single samples' latencies, the widest use of domains.
func join(parts []*part) *he.Result {
	all := &he.Result{}
	var latencies []*he.Latency
	for k, p := range parts {
		if p.Lookups != nil {
			if all.Lookups == nil {
				all.Lookups = &he.Lookups{}
			}
			all.Lookups.Add(p.Lookups, p.From)
		}
		for _, row := range p.Logits {
			all.Logits = append(all.Logits, bundle.NewVec(row))
		}
		all.Reals, all.Bound, all.Usual = append(all.Reals, p.Reals...), larger(all.Bound, p.Bound), larger(all.Usual, p.Usual)
		t, u := &all.Cost.Seconds, p.Cost.Seconds
		t.Keygen, t.Encrypt, t.Evaluate, t.Decrypt = t.Keygen+u.Keygen, t.Encrypt+u.Encrypt, t.Evaluate+u.Evaluate, t.Decrypt+u.Decrypt
		all.Cost.Bytes = p.Cost.Bytes
		if left := float64(p.NoiseBitsLeft); k == 0 || left < all.NoiseBitsLeft {
			all.NoiseBitsLeft = left
		}
		for i, s := range p.NodeSeconds {
			if len(all.NodeSeconds) <= i {
				all.NodeSeconds = append(all.NodeSeconds, 0)
			}
			all.NodeSeconds[i] += s
		}
		if p.Latency != nil {
			latencies = append(latencies, p.Latency)
		}
		all.Domains = widen(all.Domains, p.Domains)
	}
	all.Latency = joinLatencies(latencies)
	return all
}

// larger is the larger of two numbers at each place; all may be nil.
func larger(all, more []float64) []float64 {
	if all == nil {
		return slices.Clone(more)
	}
	for i, x := range more {
		all[i] = max(all[i], x)
	}
	return all
}

// joinLatencies joins the latencies of parts that answer one sample each: medians, the
// first sample's own, and the longest encoding of weights, which a part that found them
// encoded has as 0. It is nil for none.
func joinLatencies(all []*he.Latency) *he.Latency {
	if len(all) == 0 {
		return nil
	}
	median := func(of func(*he.Latency) float64) float64 {
		x := make([]float64, len(all))
		for i, l := range all {
			x[i] = of(l)
		}
		slices.Sort(x)
		return x[len(x)/2]
	}
	l := *all[0]
	l.Encrypt = median(func(l *he.Latency) float64 { return l.Encrypt })
	l.Evaluate = median(func(l *he.Latency) float64 { return l.Evaluate })
	l.Decrypt = median(func(l *he.Latency) float64 { return l.Decrypt })
	for _, x := range all {
		l.Encode = max(l.Encode, x.Encode)
	}
	return &l
}

// widen joins what two parts used of a program's domains.
func widen(all, more []he.Domain) []he.Domain {
	if all == nil {
		return slices.Clone(more)
	}
	for i := range min(len(all), len(more)) {
		all[i].SeenLo, all[i].SeenHi = min(all[i].SeenLo, more[i].SeenLo), max(all[i].SeenHi, more[i].SeenHi)
	}
	return all
}
