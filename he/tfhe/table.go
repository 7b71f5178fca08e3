package tfhe

import (
	"fmt"
	"slices"
)

// table is one output's table over its accumulator's proved range, as blind
// rotation uses it: with H messages on half of the torus, message j of 2H stands for
// the accumulator lo + j, and the function on messages is negacyclic,
//
//	F(j + H) = -F(j),   F(j) = 2 f(lo + j) - centre,
//
// twice the table so that centre/2 may be half an integer.
type table struct {
	values []int64 // f(lo), f(lo+1), ...
	centre int64
}

// maxEntry bounds the magnitude of a table's entries.
const maxEntry = 1 << 40

// tabulate fills in the tables' values.
func (l *layer) tabulate(f func(i, n int, q int64) int64) error {
	l.tables = make([]table, l.n)
	entries := int64(0)
	for o := range l.tables {
		lo, hi := l.lo[o], l.hi[o]
		if hi-lo >= maxDomain {
			return beyond("element %d: its table would have %d entries, the limit is %d", o, hi-lo+1, maxDomain)
		}
		if entries += hi - lo + 1; entries > maxEntries {
			return beyond("element %d: the tables of all elements pass %d entries", o, maxEntries)
		}
		values := make([]int64, hi-lo+1)
		for j := range values {
			v := f(o, l.n, lo+int64(j))
			if v > maxEntry || v < -maxEntry {
				return beyond("element %d: its table has the entry %d for %d, beyond 40 bits", o, v, lo+int64(j))
			}
			values[j] = v
		}
		l.tables[o].values = values
	}
	return nil
}

// centre fills in the constants of the tables for the message space.
func (l *layer) centre() {
	for o := range l.tables {
		c, _ := coupling(l.tables[o].values, l.half)
		l.tables[o].centre = c
	}
}

// halfPeriod is the smallest H >= least for which every table f of D entries has a
// constant c with
//
//	f[j] + f[j+H] = c   for all 0 <= j < D - H,   and D <= 2H:
//
// then F = 2f - c is negacyclic on 2H messages. One pair of entries fits any table,
// so that max D - 1 always will do; tables that saturate on both sides, with c
// the sum of the two ends, do with less, and a sign with half of D.
func halfPeriod(tables []table, least int) int {
	distinct := map[string][]int64{}
	longest := 1
	for _, t := range tables {
		distinct[fmt.Sprint(t.values)] = t.values
		longest = max(longest, len(t.values))
	}
	rows := make([][]int64, 0, len(distinct))
	for _, v := range distinct {
		rows = append(rows, v)
	}
	// The longest tables rule out most.
	slices.SortFunc(rows, func(a, b []int64) int { return len(b) - len(a) })
search:
	for h := max((longest+1)/2, least); h < longest; h++ {
		for _, v := range rows {
			if _, ok := coupling(v, h); !ok {
				continue search
			}
		}
		return h
	}
	return max(longest, least)
}

// coupling is the constant c of halfPeriod for one table, if there is one. It is
// 0 where H couples no entries.
func coupling(v []int64, h int) (c int64, ok bool) {
	if len(v) > 2*h {
		return 0, false
	}
	for j := 0; j+h < len(v); j++ {
		switch s := v[j] + v[j+h]; {
		case j == 0:
			c = s
		case s != c:
			return 0, false
		}
	}
	return c, true
}

// at is F(j) for message 0 <= j < 2H. Where the table has D < H entries, messages
// beyond it continue the nearer end, so that noise at either end does no harm.
func (t *table) at(j, h int) int64 {
	d := len(t.values)
	switch {
	case j < d:
		return 2*t.values[j] - t.centre
	case j >= h:
		return -t.at(j-h, h)
	case j-d < (h-d+1)/2:
		return 2*t.values[d-1] - t.centre
	}
	return -(2*t.values[0] - t.centre)
}

// result is the table's value for message j.
func (t *table) result(j, h int) int64 { return (t.at(j, h) + t.centre) / 2 }
