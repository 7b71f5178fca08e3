package tfhe

import (
	"slices"
	"sort"
)

// assign chooses every layer's half message space H and, with it, how its tables are
// encoded. Layers that read a value in common are a class, and share the encoding of
// their values. Its table layers have the least H that serves all their tables, and
// the logits, where the last layer is in the class, a whole multiple of it:
//
//	H_logits = gain H,   gain = ceil(least / H),
//
// where least is what the logits' ranges take. The phase of a value v is then
// v / 2 gain H, and a table layer reads gain times that phase, v / 2H: multiplying by
// a whole number is exact on the torus, and multiplies errors by it.
func assign(layers []layer) { assignSpaces(layers, true) }

// shared is a copy of the layers in which all layers of a class have one H, the least
// that serves the logits too, and no gain. Where the logits take little more than the
// tables that can have less noise. It is nil if no layer has a gain.
func shared(layers []layer) []layer {
	if !slices.ContainsFunc(layers, func(l layer) bool { return l.gain > 1 }) {
		return nil
	}
	all := slices.Clone(layers)
	for i := range all {
		all[i].tables = slices.Clone(all[i].tables)
	}
	assignSpaces(all, false)
	return all
}

// assignSpaces does the work of assign and shared.
func assignSpaces(layers []layer, gain bool) {
	root := classes(layers)
	tables, least := map[int][]table{}, map[int]int{}
	for i := range layers {
		l, r := &layers[i], root(i)
		tables[r] = append(tables[r], l.tables...)
		if l.tables == nil {
			least[r] = l.span()/2 + 1
		}
	}
	half := map[int]int{}
	for i := range layers {
		l, r := &layers[i], root(i)
		if half[r] == 0 {
			alone := 1
			if !gain {
				alone = max(1, least[r])
			}
			half[r] = halfPeriod(tables[r], alone)
		}
		l.half, l.gain = half[r], max(1, (least[r]+half[r]-1)/half[r])
		if l.tables == nil {
			l.half, l.gain = l.gain*l.half, 1
		}
		l.centre()
	}
}

// classes puts layers that read a value in common into one class, and gives the
// function from a layer's number to its class's.
func classes(layers []layer) (root func(int) int) {
	parent := make([]int, len(layers))
	for i := range parent {
		parent[i] = i
	}
	root = func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	reader := map[int]int{}
	for i := range layers {
		l := &layers[i]
		for o := range l.n {
			l.each(o, func(v int, _ int32) {
				if first, ok := reader[v]; ok {
					parent[root(i)] = root(first)
				} else {
					reader[v] = i
				}
			})
		}
	}
	return root
}

// span is the most values that an accumulator takes.
func (l *layer) span() int {
	span := int64(0)
	for o := range l.lo {
		span = max(span, l.hi[o]-l.lo[o]+1)
	}
	return int(span)
}

// encoding is how a value v is encoded, which the layers that read it decide: its phase
// is v / 2 half, and table layers read gain times that phase.
type encoding struct {
	half, gain     int
	tables, logits bool // read by a layer with tables, by the last layer
}

// encodings are those of all values. What no layer reads has the encoding of one bit.
func encodings(layers []layer) []encoding {
	all := make([]encoding, layers[len(layers)-1].first)
	for i := range all {
		all[i] = encoding{half: 1, gain: 1}
	}
	for i := range layers {
		l := &layers[i]
		for o := range l.n {
			l.each(o, func(v int, _ int32) {
				e := &all[v]
				e.half = l.gain * l.half
				if l.tables != nil {
					e.gain, e.tables = l.gain, true
				} else {
					e.logits = true
				}
			})
		}
	}
	return all
}

// releases are, for every layer, the blocks of values whose words it reads last: block 0
// is the inputs, block i+1 the outputs of layer i. What nothing reads goes at once. The
// last layer of a precise plan reads no words.
func releases(layers []layer) [][]block {
	blocks := []block{{0, layers[0].first}}
	for i := range layers[:len(layers)-1] {
		l := &layers[i]
		blocks = append(blocks, block{l.first, l.first + l.n})
	}
	last := make([]int, len(blocks))
	for b := range last {
		last[b] = max(0, b-1)
	}
	for i := range layers {
		l := &layers[i]
		if l.tables == nil && l.precise {
			continue
		}
		for o := range l.n {
			l.each(o, func(v int, _ int32) {
				b := sort.Search(len(blocks), func(b int) bool { return v < blocks[b].to })
				last[b] = max(last[b], i)
			})
		}
	}
	free := make([][]block, len(layers))
	for b, i := range last {
		free[i] = append(free[i], blocks[b])
	}
	return free
}

// block is the values from..to-1, which lie in one piece of memory.
type block struct{ from, to int }
