package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/explain"
	"qtool/task"
)

func (p *printer) explanation(r *explain.Report) {
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"layer", "operation", "bits", "SQNR dB", "saturated", "static bound", "bits", "calibration bits", "headroom", "domain used", "alone", "all but it"})
	right(t, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	for _, l := range r.Layers {
		bits := ""
		if l.Bits > 0 {
			bits = fmt.Sprint(l.Bits)
		}
		t.AppendRow(table.Row{
			l.Name, l.Op, bits, fmt.Sprintf("%.1f", l.SQNR), optional(l.Saturation), shortRange(l.Range), l.Range.Bits(), l.Seen.Bits(),
			l.Headroom, optional(l.DomainUsed), optional(l.Alone), optional(l.Without),
		})
	}
	p.f("\n%s\n\n", t.Render())
	p.f("Accuracy on %d training %s held out: %s with nothing quantized, %s with everything;\n", r.Images, task.Named(r.Noun).Many, percent(r.Float), percent(r.Quantized))
	p.f("\"alone\" with this layer alone quantized, \"all but it\" with this layer alone left in float.\n")
	p.f("SQNR, saturation and calibration ranges are of %d calibration %s.\n%s\n\n", r.CalibrationImages, task.Named(r.Noun).Many, r.Worst)
}

// optional is a share in percent, or nothing.
func optional(share *float64) string {
	if share == nil {
		return ""
	}
	return percent(*share)
}
