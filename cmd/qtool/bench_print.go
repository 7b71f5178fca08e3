package main

import (
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/bench"
)

// bench prints a result as tables.
func (p *printer) bench(r *bench.Result) {
	m := r.Machine
	memory := ""
	if m.Memory > 0 {
		memory = ", " + size(m.Memory)
	}
	p.f("\n%s, %d cores%s; %s, %s\n", m.CPU, m.Cores, memory, m.Arch, m.Go)
	p.f("Kernels in use: %s for encryption, %s for training", m.Kernels, m.Float)
	if m.Reduced {
		p.f("; the processor has %s", m.Has)
	}
	p.f(".\n")
	if m.Load > 0.3*float64(m.Cores) {
		p.f("Load of the last minute before: %.1f. Other work makes all figures worse, and takes up spread.\n", m.Load)
	}
	group := ""
	var rows []bench.Figure
	flush := func() {
		if len(rows) > 0 {
			p.f("\n%s\n\n%s\n", group, benchTable(rows, r.Rounds > 1))
		}
		rows = nil
	}
	for _, f := range r.Figures {
		of := f.Recipe
		switch f.Kind {
		case bench.Peak:
			of = "Peaks, one core"
		case bench.Kernel:
			of = "Kernels, one core"
		}
		if of != group {
			flush()
			group = of
		}
		rows = append(rows, f)
	}
	flush()
	if r.Rounds > 1 {
		p.f("\nMedians of %d rounds, %.0f s in all; spread: with the kernels in use / portable;\nby CPU: the ratio of processor times, which other work disturbs less.\n", r.Rounds, r.Seconds)
	} else {
		p.f("\nOne round, %.0f s in all: rough figures.\n", r.Seconds)
	}
	if slices.ContainsFunc(r.Figures, func(f bench.Figure) bool { return f.Active != nil && (f.Kind == bench.Batch || f.Kind == bench.Image) }) {
		p.f("Exact back ends: 0 logits differ from the integer reference; others: 0 are farther from it than stated.\n")
	}
	if len(r.Programs) > 0 && r.Portable {
		p.f("Portable kernels trained the same networks, bit for bit.\n")
	}
	if c := r.Comparison; c != nil {
		p.f("\nCommitted figures (%s): %s, %d cores; \"as fast\" is how many times as fast as they this machine is.\n", c.Class, c.Machine.CPU, c.Machine.Cores)
		p.f("%d of %d figures are more than %.1f times slower", len(c.Slow), c.Compared, c.Tolerance)
		for i, name := range c.Slow {
			p.f("%s %s", map[bool]string{true: ":\n ", false: "\n "}[i == 0], name)
		}
		p.f(".\n")
	}
}

// benchTable leaves the spread of a single round out.
func benchTable(rows []bench.Figure, spreads bool) string {
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"", "", "unit", "portable", "times", "by CPU", "of peak", "spread", "committed", "as fast"})
	right(t, 2, 4, 5, 6, 7, 8, 9, 10)
	for _, f := range rows {
		name := f.Name
		if f.Active == nil {
			t.AppendRow(table.Row{name, "-", f.Unit, "", "", "", "", "", "", ""})
			if f.Skipped != "" {
				t.AppendRow(table.Row{"  " + f.Skipped})
			}
			continue
		}
		if f.Active.Note != "" {
			name += ", " + f.Active.Note
		}
		portable, times, byCPU, share, spread := "", "", "", "", fmt.Sprintf("%.0f %%", 100*f.Active.Spread)
		if f.Portable != nil {
			portable, spread = figure(f.Portable.Median), spread+fmt.Sprintf(" / %.0f %%", 100*f.Portable.Spread)
		}
		if len(f.Active.Rounds) == 1 {
			spread = "one round"
		}
		if !spreads {
			spread = ""
		}
		if f.Faster > 0 {
			times = fmt.Sprintf("%.1f", f.Faster)
		}
		if f.FasterCPU > 0 {
			byCPU = fmt.Sprintf("%.1f", f.FasterCPU)
		}
		if f.PeakShare > 0 {
			share = fmt.Sprintf("%.0f %%", 100*f.PeakShare)
		}
		beside, ratio := "", ""
		if c := f.Committed; c != nil {
			beside, ratio = figure(c.Median), fmt.Sprintf("%.2f", c.Ratio)
		}
		t.AppendRow(table.Row{name, figure(f.Active.Median), f.Unit, portable, times, byCPU, share, spread, beside, ratio})
		if f.LeftOut != "" {
			t.AppendRow(table.Row{"  " + f.LeftOut})
		}
	}
	return t.Render()
}

// figure is a number in three or four digits.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}
