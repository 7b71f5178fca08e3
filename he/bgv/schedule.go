package bgv

import (
	"slices"

	"qtool/he/internal/parts"
)

// finish makes out the outputs and decides what is kept where.
func (l *lowering) finish(out value) {
	if b, ok := out.Parts.Whole(l.size); ok && b != inputBuffer {
		l.output = b
	} else { // nothing but choices of elements behind the last stage
		at := len(l.segments) - 1
		l.output = l.push(at, stage{from: l.source(at, out.Parts)}, noNode, noNode, noNode).Parts[0].Buffer
	}
	l.keepInput()
	l.live()
	l.hold()
}

// keepInput copies the input to another buffer where a segment behind the first reads
// it, as buffers that are kept are rescaled in place and the input is the caller's.
func (l *lowering) keepInput() {
	copied := noNode
	for i := 1; i < len(l.segments); i++ {
		for k := range l.segments[i].stages {
			for _, s := range l.segments[i].stages[k].sources() {
				s.parts = slices.Clone(s.parts) // values share them
				for j := range s.parts {
					if s.parts[j].Buffer != inputBuffer {
						continue
					}
					if copied == noNode {
						all := parts.All(inputBuffer, l.inputs())
						copied = l.push(0, stage{from: l.source(0, all)}, noNode, noNode, noNode).Parts[0].Buffer
					}
					s.parts[j].Buffer = copied
				}
			}
		}
	}
}

// sources are what the stage reads.
func (s *stage) sources() []*source {
	if s.by == nil {
		return []*source{&s.from}
	}
	return []*source{&s.from, s.by}
}

// live sets when each buffer is read last, and what is kept behind each segment.
func (c *circuit) live() {
	for b := range c.buffers {
		c.buffers[b].last = c.buffers[b].made
	}
	for i := range c.segments {
		for k := range c.segments[i].stages {
			for _, s := range c.segments[i].stages[k].sources() {
				for _, p := range s.parts {
					c.buffers[p.Buffer].last = max(c.buffers[p.Buffer].last, i)
				}
			}
		}
	}
	c.out().last = len(c.segments)
	for i := range c.segments {
		s := &c.segments[i]
		for b := range c.buffers {
			if b != inputBuffer && c.buffers[b].made <= i && c.buffers[b].last > i {
				s.kept = append(s.kept, kept{buffer: b})
				s.power = max(s.power, c.power(b, i))
			}
		}
		for k := range s.kept {
			s.kept[k].lift = s.power - c.power(s.kept[k].buffer, i)
		}
	}
}

// hold gives every buffer that crosses segments a slot, and every other one a tile of
// its segment, that nothing else has at the time.
func (c *circuit) hold() {
	var slots numbers
	for b := range c.buffers {
		c.buffers[b].slot, c.buffers[b].tile = noTile, noTile
	}
	for i := range c.segments {
		var tiles numbers
		stages := c.segments[i].stages
		ends := make([][]int, len(stages)) // buffers that stage k reads last
		for b := range c.buffers {
			if c.buffers[b].made == i && b != inputBuffer && !c.buffers[b].crosses() {
				k := lastReader(stages, b)
				ends[k] = append(ends[k], b)
			}
		}
		for k := range stages {
			if b := &c.buffers[stages[k].to]; b.crosses() {
				b.slot = slots.take()
			} else {
				b.tile = tiles.take()
			}
			for _, b := range ends[k] {
				tiles.give(c.buffers[b].tile)
			}
		}
		for b := range c.buffers {
			if c.buffers[b].slot != noTile && c.buffers[b].last == i {
				slots.give(c.buffers[b].slot)
			}
		}
	}
	c.slots = slots.n
}

// lastReader is the last stage that reads buffer b, or the one that makes it.
func lastReader(stages []stage, b int) int {
	last := 0
	for k := range stages {
		if stages[k].to == b {
			last = k
		}
		for _, s := range stages[k].sources() {
			if slices.ContainsFunc(s.parts, func(p parts.Part) bool { return p.Buffer == b }) {
				last = k
			}
		}
	}
	return last
}

// numbers hands out the smallest numbers that are free.
type numbers struct {
	n    int
	free []int
}

func (p *numbers) take() int {
	if len(p.free) == 0 {
		p.n++
		return p.n - 1
	}
	slices.Sort(p.free)
	k := p.free[0]
	p.free = p.free[1:]
	return k
}

func (p *numbers) give(k int) { p.free = append(p.free, k) }
