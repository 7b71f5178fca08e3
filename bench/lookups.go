package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"qtool/he/tfhe"
)

// tableBits are the widths of the values of look-ups that are measured without a recipe.
var tableBits = []int{4, 6, 8}

// tableTask is a look-up in a table for all values of some bits, on one core.
func tableTask(bits int) Task {
	return Task{Kind: Lookup, Name: fmt.Sprintf("look-up by blind rotation, %d bits", bits), Unit: "ms"}
}

// tableTasks are the look-ups that do not depend on recipes.
func tableTasks() (all []Task) {
	for _, bits := range tableBits {
		all = append(all, tableTask(bits))
	}
	return all
}

// tables keeps the keys of the last task's look-ups.
type tables struct {
	task    Task
	measure func(context.Context) (time.Duration, error)
}

// round is the milliseconds of a look-up. Keys are made, and a batch is looked up, before
// the first round of a task.
func (l *tables) round(ctx context.Context, t Task) (reading, error) {
	k := slices.Index(tableTasks(), t)
	if k < 0 {
		return reading{}, fmt.Errorf("bench: %s %q: %w", t.Kind, t.Name, errUnknown)
	}
	if l.measure == nil || l.task != t {
		l.measure = nil
		debug.FreeOSMemory() // of the keys of another width
		measure, err := tfhe.MeasureTable(ctx, tableBits[k])
		if err != nil {
			return reading{}, err
		}
		if _, err := measure(ctx); err != nil {
			return reading{}, err
		}
		l.measure, l.task = measure, t
	}
	start := begin()
	each, err := l.measure(ctx)
	if err != nil {
		return reading{}, err
	}
	r, ms := start.until(begin(), 1), each.Seconds()*1e3
	if r.wall > 0 {
		r.cpu *= ms / r.wall
	}
	r.wall = ms
	return r, nil
}
