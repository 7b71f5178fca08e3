// Package meter turns encrypted work into the steps of a progress bar.
package meter

import (
	"math"
	"time"

	"qtool/he"
)

// Meter counts work done. Its unit is a predicted millisecond of one core, so
// that phases of different tasks move alike. It is not safe for concurrent use.
type Meter struct {
	step        func(he.Step)
	phase       string
	done, total float64
	shown       int
}

// New counts up to total, in predicted nanoseconds, and tells step, if not nil.
func New(step func(he.Step), total float64) *Meter {
	return &Meter{step: step, total: math.Max(total, 1), shown: -1}
}

// Phase begins another phase.
func (m *Meter) Phase(name string) {
	m.phase, m.shown = name, -1
	m.Add(0)
}

// Timed runs f as a phase and adds the seconds it took.
func (m *Meter) Timed(phase string, seconds *float64, f func() error) error {
	m.Phase(phase)
	start := time.Now()
	err := f()
	*seconds += time.Since(start).Seconds()
	return err
}

// Add counts predicted nanoseconds as done and shows them when they make a new
// unit.
func (m *Meter) Add(nanoseconds float64) {
	m.done = min(m.done+nanoseconds, m.total)
	const unit = 1e6
	total := int(math.Ceil(m.total / unit))
	done := int(m.done/unit + 1e-6)
	if m.total-m.done < 1e-9*m.total {
		done = total
	}
	if m.step != nil && done != m.shown {
		m.shown = done
		m.step(he.Step{Phase: m.phase, Done: done, Total: total})
	}
}

// Reach counts as done what is missing to so many nanoseconds.
func (m *Meter) Reach(nanoseconds float64) { m.Add(max(0, nanoseconds-m.done)) }

// Report calls progress, if not nil, with what was just done.
func Report(progress func(nanoseconds float64), nanoseconds float64) {
	if progress != nil {
		progress(nanoseconds)
	}
}

// Counter calls step, if not nil, with one more of n done at every call; it is nil where
// step is.
func Counter(step func(he.Step), phase string, n int) func() {
	if step == nil {
		return nil
	}
	done := 0
	return func() {
		done++
		step(he.Step{Phase: phase, Done: done, Total: n})
	}
}
