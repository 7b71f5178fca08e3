package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/explain"
	"qtool/model"
	"qtool/pipeline"
	"qtool/task"
)

// stageResult is what train and quantize print with --json.
type stageResult struct {
	Checkpoint string                `json:"checkpoint"`
	Bundle     string                `json:"bundle,omitempty"`
	Parameters int                   `json:"parameters"`
	Provenance model.Provenance      `json:"provenance"`
	Training   *pipeline.TrainingLog `json:"training,omitempty"`
	Layers     []layerRow            `json:"layers,omitempty"`
	// Calibration is the comparison of quantize --calibration all.
	Calibration *pipeline.Calibrations `json:"calibration,omitempty"`
	// Explanation is what quantize --explain found.
	Explanation *explain.Report `json:"explain,omitempty"`
}

// printMade tells what train or quantize made.
func (a *app) printMade(m *pipeline.Made) error {
	var layers []layerRow
	if m.Program != nil {
		layers = layerRows(m.Program, m.SQNR)
	}
	if a.json {
		return a.encode(stageResult{m.Checkpoint, m.Bundle, m.Parameters, m.Provenance, m.Training, layers, m.Calibrations, m.Explanation})
	}
	p := &printer{w: a.stdout}
	if m.Calibrations != nil {
		p.calibrations(m.Calibrations)
	}
	if t := m.Training; t != nil && len(t.History) > 0 {
		last := t.History[max(t.Best-1, 0)]
		p.f("trained %d epochs in %.1f s: loss %.4f, training accuracy %.2f %%", len(t.History), t.Seconds, last.Loss, 100*last.Accuracy)
		if m.Validated {
			p.f(", validation accuracy %.2f %%", 100*last.Validation)
		}
		p.f("\n")
	}
	if m.Training != nil {
		p.outside(m.Provenance.Stage, *m.Training)
	}
	if len(layers) > 0 {
		p.f("\n%s\n\n", layersTable(layers))
	}
	if m.Explanation != nil {
		p.explanation(m.Explanation)
	}
	p.f("wrote %s\n", strings.Join(nonEmpty(m.Checkpoint, m.Bundle), " and "))
	return p.err
}

// outside says how much of what comes into polynomials leaves their intervals.
func (p *printer) outside(stage string, log pipeline.TrainingLog) {
	for _, o := range log.Outside {
		p.f("%s, %s: %.3g %% of its inputs on %d %s %s lie outside [%.6g, %.6g]; they reach from %.4g to %.4g\n",
			stage, o.Layer, 100*o.Fraction(), o.Images, log.OutsideOf, task.Named(log.Noun).Many, o.Interval[0], o.Interval[1], o.Smallest, o.Largest)
	}
}

func (p *printer) calibrations(c *pipeline.Calibrations) {
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"", "input", "weights", "and", "accuracy", "unlike float", "seconds"})
	right(t, 5, 6, 7)
	t.AppendRow(table.Row{"", "float", "", "", percent(c.FloatAccuracy)})
	var remarks []string
	for _, r := range c.Trials {
		mark := ""
		if r.Best {
			mark = "*"
		}
		row := table.Row{mark, r.Input.Observer, r.Weights.Kind, strings.Join(r.PTQ.Names(), ", "), "-", "-", ""}
		if r.Accuracy != nil {
			row[4], row[5], row[6] = percent(*r.Accuracy), r.Differ, fmt.Sprintf("%.1f", r.Seconds)
		}
		t.AppendRow(row)
		for _, remark := range nonEmpty(append(r.Notes, r.Reason)...) {
			if !slices.Contains(remarks, remark) {
				remarks = append(remarks, remark)
			}
		}
	}
	p.f("%s\n\n%d training %s held out; * is the best, which was written.\n", t.Render(), c.Images, task.Named(c.Noun).Many)
	for _, r := range remarks {
		p.f("  - %s\n", r)
	}
}

func percent(a float64) string { return fmt.Sprintf("%.2f %%", 100*a) }
