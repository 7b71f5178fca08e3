package bench

import (
	"fmt"

	"qtool/train"
)

// few is c for a part of one epoch.
func few(c train.Config) train.Config {
	c.Epochs, c.Patience, c.FreezeScales = 1, 0, 0
	c.Warmup = min(c.Warmup, 1)
	return c
}

// pace times the steps of a training behind the first one, which warms up.
type pace struct{ first, last stopwatch }

// step is told of every step.
func (p *pace) step(t train.Progress) {
	p.last = begin()
	if t.Step == 1 {
		p.first = p.last
	}
}

// epoch is the time of an epoch of so many examples, after n of them in batches.
func (p *pace) epoch(examples, n, batch int) (reading, error) {
	if n <= batch {
		return reading{}, fmt.Errorf("bench: %d training examples are too few for two steps of %d", n, batch)
	}
	return p.first.until(p.last, float64(examples)/float64(n-batch)), nil
}
