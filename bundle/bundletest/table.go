package bundletest

import (
	"math"

	"qtool/bundle"
	"qtool/internal/elementary"
)

// Table adds a table a channel that covers what the channel's elements can be
// behind a shift, with entries that f makes of the domain's ends and an index.
func (b *Builder) Table(shift uint8, f func(lo, hi, i int64) int32) *Builder {
	bounds := b.bounds()
	channels, n := b.shape[0], bundle.Size(b.shape)
	l := &bundle.LookupTable{Shift: shift}
	for c := range channels {
		lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
		for k := c * n / channels; k < (c+1)*n/channels; k++ {
			lo, hi = min(lo, bounds.Lo.Small[k]), max(hi, bounds.Hi.Small[k])
		}
		lo, hi = bundle.RoundShift(lo, shift), bundle.RoundShift(hi, shift)
		t := bundle.Table{Lo: lo}
		for i := lo; i <= hi; i++ {
			t.Values = append(t.Values, f(lo, hi, i))
		}
		l.Tables = append(l.Tables, t)
	}
	return b.Add(l)
}

// RandomTable adds tables of random entries of so many bits, unsigned.
func (b *Builder) RandomTable(bits int) *Builder {
	return b.Table(0, func(_, _, _ int64) int32 { return int32(b.rng.IntN(1 << bits)) })
}

// Sigmoid adds monotone tables of so many bits, odd about the domain's centre.
func (b *Builder) Sigmoid(bits int) *Builder {
	return b.Table(0, func(lo, hi, i int64) int32 {
		x := 8 * (float64(i) - float64(float64(lo+hi)/2)) / float64(max(1, hi-lo))
		return int32(math.Floor(float64(int(1)<<bits) / (1 + elementary.Exp(-x)) * 0.999999))
	})
}

// bounds are the static bounds of the last tensor's elements.
func (b *Builder) bounds() bundle.Bounds {
	p := *b.program
	p.Labels = make([]string, bundle.Size(b.shape))
	if len(p.Nodes) == 0 {
		return p.Input.Bounds()
	}
	if len(b.shape) > 1 {
		p.Nodes = append(append([]bundle.Node(nil), p.Nodes...), bundle.Node{Name: "flat", Op: &bundle.Reshape{Shape: []int{bundle.Size(b.shape)}}, Scale: []float64{1}})
	}
	if err := p.Prove(); err != nil {
		panic(err)
	}
	all, err := p.Bounds()
	if err != nil {
		panic(err)
	}
	return all[len(all)-1]
}
