package bgvlut

import (
	"cmp"
	"slices"
)

// packing is which ciphertexts a stage makes. In plans of one copy every element has one of
// its own; in plans of two, a ciphertext has two elements, each in half of the slots, and an
// element that is left over is in both halves of the last one.
type packing struct {
	units   []unit
	outputs [][2]int // the elements of each ciphertext behind the pool, of halves 0 and 1
	places  []place  // of each such element
}

// unit is a ciphertext between the linear map and the pool.
type unit struct {
	elements [2]int // of halves 0 and 1; the same in plans of one copy
	output   int    // the ciphertext that takes it in
	pair     int    // which of a stage's pairs of polynomials its table is
}

// place is where an element is.
type place struct {
	ciphertext int
	half       int
}

// both is the half of an element that is in all slots.
const both = -1

// newPacking pairs the outputs of a stage: in order those of the last stage, as clients know
// no other order, and otherwise with outputs of equal tables beside each other. Both have
// windows of as many elements; it is not ok if those of the last stage have not. Elements
// that a pool leaves out are not evaluated.
func newPacking(s *stage, t *tables, copies int, last bool) (packing, bool) {
	var p packing
	windows := make([][]int, s.outputs)
	for o := range windows {
		if s.pool == nil {
			windows[o] = []int{o}
			continue
		}
		in, _ := s.pool.Row(o)
		for _, k := range in {
			windows[o] = append(windows[o], int(k))
		}
	}
	order := make([]int, s.outputs)
	for o := range order {
		order[o] = o
	}
	if s.table != nil && !last && copies > 1 {
		first := func(o int) int {
			if len(windows[o]) == 0 {
				return -1
			}
			return t.element[windows[o][0]]
		}
		slices.SortStableFunc(order, func(a, b int) int {
			f, g := first(a), first(b)
			if f >= 0 && g >= 0 {
				if c := cmp.Or(cmp.Compare(t.all[f].parity, t.all[g].parity), cmp.Compare(len(t.all[f].coeffs), len(t.all[g].coeffs))); c != 0 {
					return c
				}
			}
			return cmp.Or(cmp.Compare(f, g), cmp.Compare(len(windows[a]), len(windows[b])))
		})
	}
	p.places = make([]place, s.outputs)
	for len(order) > 0 {
		pair := order[:min(copies, len(order))]
		if len(windows[pair[0]]) != len(windows[pair[len(pair)-1]]) {
			if last {
				return packing{}, false
			}
			pair = pair[:1]
		}
		order = order[len(pair):]
		a, b, c := pair[0], pair[len(pair)-1], len(p.outputs)
		p.outputs = append(p.outputs, [2]int{a, b})
		p.places[b] = place{c, 1}
		p.places[a] = place{c, 0}
		if a == b {
			p.places[a].half = both
		}
		for k, e := range windows[a] {
			p.units = append(p.units, unit{elements: [2]int{e, windows[b][k]}, output: c})
		}
	}
	return p, true
}

// replicated is the packing of n inputs, which clients put into both halves.
func replicated(n int) packing {
	var p packing
	for k := range n {
		p.outputs = append(p.outputs, [2]int{k, k})
		p.places = append(p.places, place{k, both})
	}
	return p
}
