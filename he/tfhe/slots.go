package tfhe

import "sort"

// assign chooses every layer's number of slots and, with it, how its tables are
// encoded. A value has one encoding, so that all layers that read it must have the
// same number of slots: the least that serves all of them.
func (c *circuit) assign() {
	parent := make([]int, len(c.layers))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	reader := map[int]int{}
	for i := range c.layers {
		l := &c.layers[i]
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
	type class struct {
		tables []table
		least  int
	}
	classes := map[int]*class{}
	for i := range c.layers {
		l, r := &c.layers[i], root(i)
		if classes[r] == nil {
			classes[r] = &class{least: 1}
		}
		classes[r].tables = append(classes[r].tables, l.tables...)
		if l.tables == nil {
			classes[r].least = max(classes[r].least, l.span()/2+1)
		}
	}
	slots := map[int]int{}
	for r, k := range classes {
		slots[r] = halfPeriod(k.tables, k.least)
	}
	for i := range c.layers {
		c.layers[i].slots = slots[root(i)]
		c.layers[i].centre()
	}
}

// span is the most values that an accumulator takes.
func (l *layer) span() int {
	span := int64(0)
	for o := range l.lo {
		span = max(span, l.hi[o]-l.lo[o]+1)
	}
	return int(span)
}

// valueSlots is, for every value, half the slots of the layers that read it.
func valueSlots(layers []layer) []int {
	last := &layers[len(layers)-1]
	slots := make([]int, last.first)
	for i := range slots {
		slots[i] = 1 // read by none
	}
	for i := range layers {
		l := &layers[i]
		for o := range l.n {
			l.each(o, func(v int, _ int32) { slots[v] = l.slots })
		}
	}
	return slots
}

// releases are, for every layer, the blocks of values that it reads last: block 0 is
// the inputs, block i+1 the outputs of layer i. What nothing reads goes at once.
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
