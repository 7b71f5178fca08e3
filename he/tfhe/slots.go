package tfhe

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
