package report

import (
	"html/template"
	"math"
	"strconv"
	"strings"
)

// drawing is an SVG picture in the making. Its colours are classes of the style
// sheet, so that it follows the reader's light or dark theme.
type drawing struct{ b strings.Builder }

// draw begins a picture of w x h units that a screen reader announces as label.
func draw(w, h float64, label string) *drawing {
	d := &drawing{}
	d.b.WriteString(`<svg class="chart" role="img" viewBox="0 0 ` + coordinate(w) + ` ` + coordinate(h) + `" aria-label="` + template.HTMLEscapeString(label) + `">`)
	return d
}

// done ends the picture.
func (d *drawing) done() template.HTML { return template.HTML(d.b.String() + "</svg>") }

// rect draws a rectangle; title, if any, is what a pointer over it shows.
func (d *drawing) rect(x, y, w, h float64, class, title string) {
	d.tag("rect", class, title, "x", x, "y", y, "width", math.Max(w, 0), "height", math.Max(h, 0))
}

// bar is a rect with rounded corners.
func (d *drawing) bar(x, y, w, h float64, class, title string) {
	d.tag("rect", class, title, "x", x, "y", y, "width", math.Max(w, 0), "height", math.Max(h, 0), "rx", 2.0)
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	d.tag("line", class, "", "x1", x1, "y1", y1, "x2", x2, "y2", y2)
}

func (d *drawing) dot(x, y, r float64, class, title string) {
	d.tag("circle", class, title, "cx", x, "cy", y, "r", r)
}

// text writes s at (x, y); anchor is start, middle or end.
func (d *drawing) text(x, y float64, anchor, class, s string) {
	d.b.WriteString(`<text class="` + class + `" text-anchor="` + anchor + `" x="` + coordinate(x) + `" y="` + coordinate(y) + `">` + template.HTMLEscapeString(s) + `</text>`)
}

// power writes ±2^k with a raised exponent, or 0.
func (d *drawing) power(x, y float64, k int) {
	if k == 0 {
		d.text(x, y, "middle", "tick", "0")
		return
	}
	base := "2"
	if k < 0 {
		base, k = "−2", -k
	}
	d.b.WriteString(`<text class="tick" text-anchor="middle" x="` + coordinate(x) + `" y="` + coordinate(y) + `">` + base +
		`<tspan class="raised" dy="-4">` + strconv.Itoa(k) + `</tspan></text>`)
}

// point is a place in a picture.
type point struct{ x, y float64 }

// path draws straight lines through points.
func (d *drawing) path(points []point, class string) {
	if len(points) == 0 {
		return
	}
	d.b.WriteString(`<path class="` + class + `" d="`)
	for i, p := range points {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		d.b.WriteString(letter + coordinate(p.x) + " " + coordinate(p.y))
	}
	d.b.WriteString(`"/>`)
}

// tag writes an element with numeric attributes.
func (d *drawing) tag(name, class, title string, attributes ...any) {
	d.b.WriteString("<" + name + ` class="` + class + `"`)
	for i := 0; i < len(attributes); i += 2 {
		d.b.WriteString(" " + attributes[i].(string) + `="` + coordinate(attributes[i+1].(float64)) + `"`)
	}
	if title == "" {
		d.b.WriteString("/>")
		return
	}
	d.b.WriteString("><title>" + template.HTMLEscapeString(title) + "</title></" + name + ">")
}

// coordinate is x to a tenth of a unit.
func coordinate(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		x = 0
	}
	return strconv.FormatFloat(math.Round(x*10)/10+0, 'f', -1, 64)
}
