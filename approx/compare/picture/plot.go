// Package picture draws comparisons of polynomials.
package picture

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"qtool/approx"
	"qtool/approx/compare"
	"qtool/internal/whole"
)

// plotSamples is how many points a curve is drawn through.
const plotSamples = 400

// Colours that stay apart for readers who do not see red and green alike, after
// Okabe and Ito.
var methodColours = map[approx.Method]color.Color{
	approx.Taylor:       color.RGBA{0xE6, 0x9F, 0x00, 255},
	approx.Chebyshev:    color.RGBA{0x00, 0x9E, 0x73, 255},
	approx.LeastSquares: color.RGBA{0x00, 0x72, 0xB2, 255},
	approx.Minimax:      color.RGBA{0xD5, 0x5E, 0x00, 255},
}

// Write draws the function of a comparison with its polynomials, and below their errors, as
// SVG or PNG by the file's ending. The file appears only when complete.
func Write(path string, v *compare.Comparison) error {
	f, err := approx.Lookup(v.Activation)
	if err != nil {
		return err
	}
	top, bottom := plot.New(), plot.New()
	top.Title.Text = fmt.Sprintf("%s on [%v, %v], degree %d", v.Activation, v.Interval[0], v.Interval[1], v.Degree)
	top.Y.Label.Text = "value"
	bottom.X.Label.Text, bottom.Y.Label.Text = "x", "error"
	for _, p := range []*plot.Plot{top, bottom} {
		p.Add(plotter.NewGrid())
		p.X.Min, p.X.Max = v.Interval[0], v.Interval[1]
		p.Legend.Top, p.Legend.Left = true, true
	}
	function, err := curve(v.Interval, f.Eval)
	if err != nil {
		return err
	}
	function.Width, function.Color = vg.Points(3), color.Gray{0xB0}
	top.Add(function)
	top.Legend.Add(v.Activation, function)
	limit := 0.0 // of the errors: Taylor's may be far beyond the others'
	for _, fit := range v.Fits {
		p := fit.Polynomial
		if p == nil {
			continue
		}
		if fit.Method != approx.Taylor || len(v.Fits) == 1 {
			limit = max(limit, fit.Worst)
		}
		value, err := curve(v.Interval, p.Eval)
		if err != nil {
			return err
		}
		deviation, err := curve(v.Interval, func(x float64) float64 { return p.Eval(x) - f.Eval(x) })
		if err != nil {
			return err
		}
		value.Color, deviation.Color = methodColours[fit.Method], methodColours[fit.Method]
		value.Width, deviation.Width = vg.Points(1.2), vg.Points(1.2)
		top.Add(value)
		top.Legend.Add(string(fit.Method), value)
		bottom.Add(deviation)
		bottom.Legend.Add(fmt.Sprintf("%s, at most %.3g", fit.Method, fit.Worst), deviation)
	}
	// The curves that leave the frame are cut off at it.
	lo, hi := span(v.Interval, f.Eval)
	top.Y.Min, top.Y.Max = lo-float64(1.5*limit)-float64(0.05*(hi-lo)), hi+float64(1.5*limit)+float64(0.05*(hi-lo))
	if limit == 0 {
		limit = 1
	}
	bottom.Y.Min, bottom.Y.Max = -1.3*limit, 2.2*limit // room for the legend
	bottom.Y.Tick.Marker = plot.ConstantTicks{
		{Value: -limit, Label: fmt.Sprintf("%.3g", -limit)}, {Value: 0, Label: "0"}, {Value: limit, Label: fmt.Sprintf("%.3g", limit)},
	}
	return savePlots(path, top, bottom)
}

func curve(interval [2]float64, f func(x float64) float64) (*plotter.Line, error) {
	points := make(plotter.XYs, plotSamples+1)
	for i := range points {
		x := interval[0] + (interval[1]-interval[0])*float64(i)/plotSamples
		points[i] = plotter.XY{X: x, Y: f(x)}
	}
	return plotter.NewLine(points)
}

func span(interval [2]float64, f func(x float64) float64) (lo, hi float64) {
	for i := range plotSamples + 1 {
		y := f(interval[0] + (interval[1]-interval[0])*float64(i)/plotSamples)
		if i == 0 {
			lo, hi = y, y
		}
		lo, hi = min(lo, y), max(hi, y)
	}
	return lo, hi
}

// savePlots writes one picture above the other; the file appears only when
// complete.
func savePlots(path string, top, bottom *plot.Plot) error {
	const w, h = 16 * vg.Centimeter, 18 * vg.Centimeter
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg":
		canvas = vgsvg.New(w, h)
	case ".png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(144))}
	default:
		return fmt.Errorf("plot %q: want a file ending in .svg or .png", path)
	}
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadX: vg.Millimeter, PadY: 4 * vg.Millimeter, PadTop: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter, PadBottom: vg.Millimeter, PadLeft: vg.Millimeter}
	plots := [][]*plot.Plot{{top}, {bottom}}
	for i, row := range plot.Align(plots, tiles, draw.New(canvas)) {
		plots[i][0].Draw(row[0])
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return whole.WriteFile(path, b.Bytes())
}
