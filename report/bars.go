package report

import "html/template"

// chartWidth is the width of every chart in units. Charts are shown between this
// many pixels and a third more, so that their letters stay readable on a phone.
const chartWidth = 360

// bar is a row of a bar chart. Outer, where it is larger than Value, is drawn
// behind it: what the value is a part of.
type bar struct {
	Label        string
	Value, Outer float64
	Text         string // the numbers, at the right
	Class        string // of the value's bar; "" is the usual one
}

// barChart draws one row a bar. Negative values have no length.
func barChart(label string, bars []bar) template.HTML {
	const row, left, right = 22.0, 92.0, 82.0
	largest := 0.0
	for _, b := range bars {
		largest = max(largest, b.Value, b.Outer)
	}
	d := draw(chartWidth, row*float64(len(bars)), label)
	x := scale{0, max(largest, 1e-300), 0, chartWidth - left - right}
	for i, b := range bars {
		y := row * float64(i)
		title := b.Label + ": " + b.Text
		d.text(left-8, y+15, "end", "name", shorten(b.Label, 12))
		if b.Outer > b.Value {
			d.bar(left, y+5, x.at(b.Outer), 12, "soft", title)
		}
		class := b.Class
		if class == "" {
			class = "main"
		}
		if b.Value > 0 {
			d.bar(left, y+5, max(x.at(b.Value), 1), 12, class, title)
		}
		end := left + max(x.at(b.Outer), x.at(b.Value), 0)
		d.text(end+6, y+15, "start", "value", b.Text)
	}
	return d.done()
}
