package bgvtable

import (
	"math"

	"qtool/verify"
)

// meter turns work done into steps of a progress bar. Its unit is a predicted
// millisecond of one core, so that phases of different tasks move alike.
type meter struct {
	step        func(verify.Step)
	now         string
	done, total float64
	shown       int
}

func newMeter(step func(verify.Step), total float64) *meter {
	return &meter{step: step, total: math.Max(total, 1), shown: -1}
}

// phase begins another phase.
func (m *meter) phase(name string) {
	m.now, m.shown = name, -1
	m.add(0)
}

// add counts predicted nanoseconds as done and shows them when they make a new
// unit.
func (m *meter) add(nanoseconds float64) {
	m.done = min(m.done+nanoseconds, m.total)
	const unit = 1e6
	total := int(math.Ceil(m.total / unit))
	done := int(m.done/unit + 1e-6)
	if m.total-m.done < 1e-9*m.total {
		done = total
	}
	if m.step != nil && done != m.shown {
		m.shown = done
		m.step(verify.Step{Phase: m.now, Done: done, Total: total})
	}
}

func report(progress func(float64), cost float64) {
	if progress != nil {
		progress(cost)
	}
}
