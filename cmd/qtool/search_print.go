package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"qtool/pipeline"
	"qtool/task"
	"qtool/tune"

	"github.com/jedib0t/go-pretty/v6/table"
)

// search prints the front after fine-tuning.
func (p *printer) search(r *tune.Report, dir string) {
	infeasible := 0
	for _, c := range r.Candidates {
		if c.Needs == nil {
			infeasible++
		}
	}
	p.f("\n%s, seed %d: %d candidates, %d of them too wide for any parameters\n\n", r.Recipe, r.Seed, len(r.Candidates), infeasible)
	metric := r.Judge()
	t := newTable()
	header := table.Row{""}
	for _, a := range r.Axes {
		header = append(header, a.Name)
	}
	tables := len(r.Front) > 0 && slices.ContainsFunc(r.Front, func(c tune.Choice) bool { return c.Needs != nil && c.Needs.TableBits > 0 })
	cost := table.Row{"plaintext bits", "primes", "ring", "log QP", "seconds"}
	if tables {
		cost = table.Row{"table bits", "back end", "ring", "log QP", "seconds"}
	}
	t.AppendHeader(append(append(header, "not tuned", metric.Title), cost...))
	var numbers []int
	for i := range len(r.Axes) + 2 + len(cost) {
		numbers = append(numbers, i+2)
	}
	right(t, numbers...)
	for _, c := range r.Front {
		row := table.Row{""}
		if c.Best {
			row[0] = "*"
		}
		for _, v := range c.Point {
			row = append(row, v)
		}
		row = append(row, metric.Format(c.Accuracy), metric.Format(c.Tuned))
		switch n := c.Needs; {
		case n == nil:
			row = append(row, "-", "-", "-", "-", "-")
		case tables:
			row = append(row, fmt.Sprintf("%.1f", n.TableBits), n.Backend, ring(n), fmt.Sprintf("%.1f", n.LogQP), seconds(c.PredictedSeconds))
		default:
			row = append(row, fmt.Sprintf("%.1f", n.OutputBits), n.PlaintextPrimes, ring(n), fmt.Sprintf("%.1f", n.LogQP), seconds(c.PredictedSeconds))
		}
		t.AppendRow(row)
	}
	p.f("%s\n\n", t.Render())
	judged := "Accuracies are"
	if metric != task.Accuracy {
		judged = "The " + metric.Title + " is"
	}
	p.f("%s of the integer programs on %d training %s held out, where the float network has %s;\n", judged, r.Identity.Images, task.Named(r.Noun).Many, metric.Format(r.FloatAccuracy))
	p.f("\"not tuned\" by rounding alone. * is on the front after fine-tuning too. Seconds are predicted for %d encrypted\n", r.Identity.TestImages)
	if tables {
		p.f("%s on %d workers of this machine, by the cost model that --backend auto chooses with. Table bits are of the\nlargest table.\n\n", task.Named(r.Noun).Many, r.Machine.Workers)
	} else {
		p.f("%s on %d workers of this machine, which take %.2f times what the cost model says.\n\n", task.Named(r.Noun).Many, r.Machine.Workers, r.Machine.Factor)
	}
	own := len(r.Axes) // of a point's overrides the first are its own
	for _, a := range r.Axes {
		own += len(a.With)
	}
	p.f("A point again, or with more epochs:\n  qtool quantize -c %s --checkpoint %s --out DIR %s\nand for\n",
		filepath.Join(dir, pipeline.FileRecipe), filepath.Join(dir, pipeline.FileFloat), setFlags(r.Front[0].Set[own:]))
	for _, c := range r.Front {
		p.f("  %-10s %s\n", tune.PointName(c.Point), setFlags(c.Set[:own]))
		if c.Needs == nil {
			p.f("  %-10s after fine-tuning nothing carries it: %s\n", "", c.Reason)
		}
	}
	p.f("\nEverything is in %s: all candidates in %s, the picture in %s, bundles in %s.\n", dir, pipeline.FileSearch, pipeline.FileSearchPicture, pipeline.DirPoints)
}

func ring(n *tune.Needs) string { return fmt.Sprintf("2^%d", n.LogN) }

// seconds has a digit after the point where it means anything.
func seconds(s float64) string {
	if s >= 1000 {
		return fmt.Sprintf("%.0f", s)
	}
	return fmt.Sprintf("%.1f", s)
}

// setFlags are overrides as one types them.
func setFlags(sets []string) string {
	words := make([]string, len(sets))
	for i, set := range sets {
		if strings.ContainsAny(set, " \t\n'\"\\$`*?[]{}()<>|&;!#~") {
			set = "'" + strings.ReplaceAll(set, "'", `'\''`) + "'"
		}
		words[i] = "--set " + set
	}
	return strings.Join(words, " ")
}
