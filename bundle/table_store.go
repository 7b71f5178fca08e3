package bundle

import (
	"fmt"
	"math"

	"qtool/internal/safetensors"
)

type tableAttributes struct {
	Shift uint8 `json:"shift"`
}

// storeTables appends the tables of a node to f: first indices, lengths, and all
// entries in a row.
func storeTables(f *safetensors.File, name string, l *LookupTable) {
	var lo, length, values []int64
	for _, t := range l.Tables {
		lo, length = append(lo, t.Lo), append(length, int64(len(t.Values)))
		for _, v := range t.Values {
			values = append(values, int64(v))
		}
	}
	f.Tensors = append(f.Tensors,
		safetensors.FromInts(name+".lo", []int{len(lo)}, lo),
		safetensors.FromInts(name+".length", []int{len(length)}, length),
		safetensors.FromInts(name+".values", []int{len(values)}, values))
}

// loadTables is the inverse of storeTables.
func loadTables(f *safetensors.File, name string) ([]Table, error) {
	var parts [3][]int64
	for i, part := range []string{".lo", ".length", ".values"} {
		t, ok := f.Get(name + part)
		if !ok {
			return nil, fmt.Errorf("no tensor %q", name+part)
		}
		var err error
		if parts[i], err = t.Ints(); err != nil {
			return nil, err
		}
	}
	lo, length, values := parts[0], parts[1], parts[2]
	if len(lo) != len(length) {
		return nil, fmt.Errorf("%d first indices for %d tables", len(lo), len(length))
	}
	tables := make([]Table, len(lo))
	for c := range tables {
		if length[c] < 1 || length[c] > int64(len(values)) {
			return nil, fmt.Errorf("table %d of %d entries, %d are left", c, length[c], len(values))
		}
		tables[c] = Table{Lo: lo[c], Values: make([]int32, length[c])}
		for i, v := range values[:length[c]] {
			if v < math.MinInt32 || v > math.MaxInt32 {
				return nil, fmt.Errorf("table %d, entry %d is %d, beyond 32 bits", c, i, v)
			}
			tables[c].Values[i] = int32(v)
		}
		values = values[length[c]:]
	}
	if len(values) > 0 {
		return nil, fmt.Errorf("%d entries belong to no table", len(values))
	}
	return tables, nil
}
