package tfhe

import (
	"testing"
)

// TestTablesAreNegacyclic checks every message of random and saturating tables, in
// layers of tables of different lengths.
func TestTablesAreNegacyclic(t *testing.T) {
	rng := seeded(1)
	for trial := range 200 {
		kinds := []tableOf{arbitrary(1), arbitrary(3), sigmoid(1), sigmoid(2), sigmoid(4)}
		var tables []table
		for range 1 + rng.IntN(3) {
			values := kinds[rng.IntN(len(kinds))](0, int64(rng.IntN(40)), rng)
			tab := table{}
			for _, v := range values {
				tab.values = append(tab.values, int64(v))
			}
			tables = append(tables, tab)
		}
		h, longest := halfPeriod(tables, 1), 0
		for i := range tables {
			tab := &tables[i]
			c, ok := coupling(tab.values, h)
			if !ok {
				t.Fatalf("trial %d: %v does not fit the half period %d", trial, tab.values, h)
			}
			tab.centre = c
			longest = max(longest, len(tab.values))
			for j := range h {
				if tab.at(j, h) != -tab.at(j+h, h) {
					t.Fatalf("trial %d: %v on 2*%d messages: F(%d) = %d, F(%d) = %d", trial, tab.values, h, j, tab.at(j, h), j+h, tab.at(j+h, h))
				}
			}
			for j, v := range tab.values {
				if got := tab.result(j, h); got != v {
					t.Fatalf("trial %d: message %d of %v gives %d", trial, j, tab.values, got)
				}
			}
		}
		// The least: the next smaller must not serve all tables.
		if h > (longest+1)/2 {
			all := true
			for i := range tables {
				_, ok := coupling(tables[i].values, h-1)
				all = all && ok
			}
			if all {
				t.Fatalf("trial %d: half period %d where %d would do", trial, h, h-1)
			}
		}
	}
}

func TestHalfPeriod(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []int64
		want   int
	}{
		{"sign", []int64{-1, -1, -1, -1, 1, 1, 1, 1}, 4},
		{"two thresholds", []int64{0, 0, 0, 1, 1, 2, 2, 2}, 5},
		{"identity", []int64{0, 1, 2, 3}, 3}, // 0 + 3 alone is coupled,
		{"relu", []int64{0, 0, 0, 1, 2, 3}, 5},
		{"saturated relu", []int64{0, 0, 0, 1, 2, 2}, 4},
		{"constant", []int64{7, 7, 7, 7, 7}, 3},
		{"one entry", []int64{7}, 1},
	} {
		if got := halfPeriod([]table{{values: c.values}}, 1); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// A table shorter than the layer's half period reads its own nearer end in the
// messages beyond.
func TestShortTableContinues(t *testing.T) {
	tab := &table{values: []int64{5, 6, 7}}
	const h = 9
	for j, want := range map[int]int64{3: 7, 4: 7, 5: 7, 2*h - 1: 5, 2*h - 2: 5, 2*h - 3: 5} {
		if got := tab.result(j, h); got != want {
			t.Errorf("message %d reads %d, want %d", j, got, want)
		}
	}
}
