package export

import (
	"fmt"
	"math/big"

	"qtool/bundle"
	"qtool/model"
)

// table tabulates activation l, whose input is the last tensor of p, over that
// tensor's proved range: one table a channel where slope or offset differ
// between channels, one for the tensor otherwise.
func table(p *bundle.Program, l model.Layer, s *model.LayerScaling, in []int) (*bundle.LookupTable, error) {
	b, err := p.LastBounds()
	if err != nil {
		return nil, err
	}
	channels, n := 1, b.Lo.Len()
	if len(s.Slope) > 1 || len(s.Offset) > 1 {
		channels = in[0]
	}
	t := &bundle.LookupTable{Shift: s.Table.Shift, Tables: make([]bundle.Table, channels)}
	entries := 0
	for c := range channels {
		from, to := c*n/channels, (c+1)*n/channels
		r := bundle.Bounds{Lo: b.Lo.Slice(from, to), Hi: b.Hi.Slice(from, to)}.Range()
		if bits := r.Bits(); bits > 40 {
			return nil, fmt.Errorf("channel %d: its accumulator takes %d bits, and a table over them is %w", c, bits, ErrTooWide)
		}
		lo, hi := bundle.RoundShift(r.Lo.Int64(), t.Shift), bundle.RoundShift(r.Hi.Int64(), t.Shift)
		size := hi - lo + 1
		if entries += int(size); entries > bundle.MaxTableEntries {
			return nil, fmt.Errorf("channel %d: range %v needs %d entries after a shift by %d, which brings the tables above %d: they are %w",
				c, r, size, t.Shift, bundle.MaxTableEntries, ErrTooWide)
		}
		t.Tables[c] = bundle.Table{Lo: lo, Values: make([]int32, size)}
		for k := range t.Tables[c].Values {
			// The middle of the integers that the shift maps to this index.
			x := new(big.Int).Lsh(big.NewInt(lo+int64(k)), uint(t.Shift))
			t.Tables[c].Values[k] = int32(s.TableCode(l, c, float64(x.Int64())))
		}
	}
	return t, nil
}
