package main

import (
	"fmt"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/table"
)

// search prints the front after fine-tuning.
func (p *printer) search(r *searchReport, dir string) {
	infeasible := 0
	for _, c := range r.Candidates {
		if c.Needs == nil {
			infeasible++
		}
	}
	p.f("\n%s, seed %d: %d candidates, %d of them too wide for any parameters\n\n", r.Recipe, r.Seed, len(r.Candidates), infeasible)
	t := newTable()
	header := table.Row{""}
	for _, a := range r.Axes {
		header = append(header, a.Name)
	}
	first := len(header) + 1
	t.AppendHeader(append(header, "not tuned", "accuracy", "plaintext bits", "primes", "ring", "log QP", "seconds"))
	var numbers []int
	for i := range first + 6 {
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
		row = append(row, percent(c.Accuracy))
		if n := c.Needs; n != nil {
			row = append(row, percent(c.Tuned), fmt.Sprintf("%.1f", n.OutputBits), n.PlaintextPrimes, fmt.Sprintf("2^%d", n.LogN), fmt.Sprintf("%.1f", n.LogQP), fmt.Sprintf("%.1f", c.PredictedSeconds))
		} else {
			row = append(row, percent(c.Tuned), "-", "-", "-", "-", "-")
		}
		t.AppendRow(row)
	}
	p.f("%s\n\n", t.Render())
	p.f("Accuracies are of the integer programs on %d training images held out, where the float network has %s;\n", r.Identity.Images, percent(r.FloatAccuracy))
	p.f("\"not tuned\" by rounding alone. * is on the front after fine-tuning too. Seconds are predicted for %d encrypted\n", r.Identity.TestImages)
	p.f("images on %d workers of this machine, which take %.2f times what the cost model says.\n\n", r.Machine.Workers, r.Machine.Factor)
	bits := len(r.Axes) // of a point's overrides the first are its own
	p.f("A point again, or with more epochs:\n  qtool quantize -c %s --checkpoint %s --out DIR %s\nand for\n",
		filepath.Join(dir, fileRecipe), filepath.Join(dir, fileFloat), setFlags(r.Front[0].Set[bits:]))
	for _, c := range r.Front {
		p.f("  %-10s %s\n", pointName(c.Point), setFlags(c.Set[:bits]))
		if c.Needs == nil {
			p.f("  %-10s after fine-tuning nothing carries it: %s\n", "", c.Reason)
		}
	}
	p.f("\nEverything is in %s: all candidates in %s, the picture in %s, bundles in %s.\n", dir, fileSearch, fileSearchPicture, dirPoints)
}
