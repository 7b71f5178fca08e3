package bundle

import (
	"fmt"
	"math/big"
)

// LookupTable replaces every element by an entry of a table:
//
//	out = Tables[c].Values[ roundShift(q, Shift) - Tables[c].Lo ]
//	roundShift(q, s) = round(q / 2^s), half to even
//
// There is one table for the whole tensor or one per channel (the tensor's first
// dimension). Activation, requantization and zero points are all in the entries,
// which are centred integers (code - zero point). The result is exact. A program
// is refused unless every table covers the static bound of its elements.
type LookupTable struct {
	Shift  uint8
	Tables []Table
}

// Table holds the values for the indices Lo..Lo+len(Values)-1.
type Table struct {
	Lo     int64
	Values []int32
}

// Limits of tables: the entries of all tables of a program together, and the
// bits that are rounded away.
const (
	MaxTableEntries = 1 << 24
	MaxShift        = 32
)

// Hi is the last index.
func (t *Table) Hi() int64 { return t.Lo + int64(len(t.Values)) - 1 }

// RoundShift is round(q / 2^s), half to even.
func RoundShift(q int64, s uint8) int64 {
	if s == 0 {
		return q
	}
	floor, rest := q>>s, q&(1<<s-1)
	half := int64(1) << (s - 1)
	if rest > half || rest == half && floor&1 == 1 {
		floor++
	}
	return floor
}

func (l *LookupTable) kind() Kind { return KindLookupTable }

// OutShape is the input's shape. It returns an error if the number of tables is
// neither 1 nor the number of channels, or a table is empty or too large.
func (l *LookupTable) OutShape(in ...[]int) ([]int, error) {
	shape, err := single(in)
	if err != nil {
		return nil, err
	}
	if n := len(l.Tables); n != 1 && n != shape[0] {
		return nil, fmt.Errorf("%d tables for %d channels", n, shape[0])
	}
	if l.Shift > MaxShift {
		return nil, fmt.Errorf("shift %d passes the limit of %d", l.Shift, MaxShift)
	}
	for c := range l.Tables {
		t := &l.Tables[c]
		if n := len(t.Values); n < 1 || n > MaxTableEntries {
			return nil, fmt.Errorf("table %d has %d entries, want 1..%d", c, n, MaxTableEntries)
		}
		if absUint(t.Lo) > 1<<40 {
			return nil, fmt.Errorf("table %d begins at %d, beyond 2^40", c, t.Lo)
		}
	}
	return shape, nil
}

// Channel is the table of the element at flat index i of a tensor with n
// elements.
func (l *LookupTable) Channel(i, n int) *Table { return &l.Tables[i*len(l.Tables)/n] }

// At is the table's entry for the unshifted element q, which must be covered.
func (l *LookupTable) At(t *Table, q int64) int32 { return t.Values[RoundShift(q, l.Shift)-t.Lo] }

// covers returns an error that names the first element whose static bound
// leaves its table.
func (l *LookupTable) covers(b Bounds) error {
	n := b.Lo.Len()
	limit := big.NewInt(1 << 62)
	for i := range n {
		lo, hi, t := b.Lo.At(i), b.Hi.At(i), l.Channel(i, n)
		if lo.CmpAbs(limit) > 0 || hi.CmpAbs(limit) > 0 ||
			RoundShift(lo.Int64(), l.Shift) < t.Lo || RoundShift(hi.Int64(), l.Shift) > t.Hi() {
			return fmt.Errorf("element %d: its table covers [%d, %d] after a shift by %d, not the static bound [%v, %v]", i, t.Lo, t.Hi(), l.Shift, lo, hi)
		}
	}
	return nil
}

func (l *LookupTable) apply(in Vec, _ [][]int) Vec {
	n := in.Len()
	out := make([]int64, n)
	for i, q := range in.Small {
		out[i] = int64(l.At(l.Channel(i, n), q))
	}
	return Vec{Small: out}
}

// bounds is the exact range of the entries that each element's interval reaches.
func (l *LookupTable) bounds(b Bounds, _ [][]int) Bounds {
	n := b.Lo.Len()
	lo, hi := make([]int64, n), make([]int64, n)
	type window struct {
		t      *Table
		lo, hi int64
	}
	seen := map[window][2]int64{} // convolutions repeat windows at every position
	for i := range n {
		t := l.Channel(i, n)
		w := window{t, RoundShift(b.Lo.Small[i], l.Shift), RoundShift(b.Hi.Small[i], l.Shift)}
		r, ok := seen[w]
		if !ok {
			values := t.Values[w.lo-t.Lo : w.hi-t.Lo+1]
			r = [2]int64{int64(values[0]), int64(values[0])}
			for _, v := range values {
				r[0], r[1] = min(r[0], int64(v)), max(r[1], int64(v))
			}
			seen[w] = r
		}
		lo[i], hi[i] = r[0], r[1]
	}
	return Bounds{Vec{Small: lo}, Vec{Small: hi}}
}
