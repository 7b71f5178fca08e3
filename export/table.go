package export

import (
	"fmt"
	"math/big"

	"qtool/bundle"
	"qtool/model"
)

// table tabulates activation l, whose input is the named tensor of p, over that
// tensor's static bound: one table a channel where slope or offset differ
// between channels, one for the tensor otherwise.
func table(p *bundle.Program, l model.Layer, s *model.LayerScaling, in []int, input string) (*bundle.LookupTable, error) {
	b, err := p.TensorBounds(input)
	if err != nil {
		return nil, err
	}
	channels, n := 1, b.Lo.Len()
	if len(s.Slope) > 1 || len(s.Offset) > 1 {
		channels = in[0]
	}
	t := &bundle.LookupTable{Shift: s.Table.Shift, Tables: make([]bundle.Table, channels)}
	ranges := make([]bundle.Range, channels)
	for c := range ranges {
		from, to := c*n/channels, (c+1)*n/channels
		ranges[c] = bundle.Bounds{Lo: b.Lo.Slice(from, to), Hi: b.Hi.Slice(from, to)}.Range()
		if bits := ranges[c].Bits(); bits > 40 {
			return nil, fmt.Errorf("channel %d: its accumulator takes %d bits, and a table over them is %w", c, bits, ErrTooWide)
		}
	}
	if err := fits(ranges, t.Shift, bundle.MaxTableEntries-tableEntries(p)); err != nil {
		return nil, err
	}
	for c, r := range ranges {
		lo, hi := bundle.RoundShift(r.Lo.Int64(), t.Shift), bundle.RoundShift(r.Hi.Int64(), t.Shift)
		size := hi - lo + 1
		t.Tables[c] = bundle.Table{Lo: lo, Values: make([]int32, size)}
		for k := range t.Tables[c].Values {
			// The middle of the integers that the shift maps to this index.
			x := new(big.Int).Lsh(big.NewInt(lo+int64(k)), uint(t.Shift))
			t.Tables[c].Values[k] = int32(s.TableCode(l, c, float64(x.Int64())))
		}
	}
	return t, nil
}

// tableEntries is how many entries p's tables have.
func tableEntries(p *bundle.Program) (n int) {
	for i := range p.Nodes {
		if t, ok := p.Nodes[i].Op.(*bundle.LookupTable); ok {
			for _, one := range t.Tables {
				n += len(one.Values)
			}
		}
	}
	return n
}

// fits returns an error that names the widest range, and the least shift that
// would help, if tables over the ranges have more entries than are left.
func fits(ranges []bundle.Range, shift uint8, left int) error {
	entries := func(shift uint8) (total int64, widest int) {
		most := int64(0)
		for c, r := range ranges {
			n := bundle.RoundShift(r.Hi.Int64(), shift) - bundle.RoundShift(r.Lo.Int64(), shift) + 1
			if total += n; n > most {
				most, widest = n, c
			}
		}
		return total, widest
	}
	total, widest := entries(shift)
	if total <= int64(left) {
		return nil
	}
	help := "no shift brings them below"
	for s := shift + 1; s <= 32; s++ {
		if fewer, _ := entries(s); fewer <= int64(left) {
			help = fmt.Sprintf("a shift by %d would bring them to %d", s, fewer)
			break
		}
	}
	return fmt.Errorf("its tables need %d entries after a shift by %d, the widest for range %v of channel %d, and %d of %d are left: they are %w; %s",
		total, shift, ranges[widest], widest, left, bundle.MaxTableEntries, ErrTooWide, help)
}
