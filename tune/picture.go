package tune

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"github.com/google/renameio/v2/maybe"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"qtool/pipeline"
	"qtool/tune/pareto"
)

// Colours that stay apart for readers who do not see red and green alike, after
// Okabe and Ito.
var (
	candidateColour = color.Gray{0xA0}
	frontColour     = color.RGBA{0x00, 0x72, 0xB2, 255}
	tunedColour     = color.RGBA{0xD5, 0x5E, 0x00, 255}
)

// draw draws error against predicted seconds, both on logarithmic scales.
func (r *Report) draw(path string) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s: candidates of the search", r.Recipe)
	p.X.Label.Text = fmt.Sprintf("predicted seconds, %d encrypted images", r.Identity.TestImages)
	p.Y.Label.Text = fmt.Sprintf("error on %d held-out images, percent", r.Identity.Images)
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	p.Legend.Top = true
	p.Add(plotter.NewGrid())

	// An error of no image at all stands at half an image.
	least := 0.5 / float64(r.Identity.Images)
	failing := func(accuracy float64) float64 { return 100 * max(1-accuracy, least) }
	predicted := func(cost float64) float64 { return cost * r.Machine.Factor / float64(r.Machine.Workers) }
	var all []pareto.Candidate
	var rounded, front, tuned plotter.XYs
	for i := range r.Candidates {
		if c := r.worth(&r.Candidates[i]); c.Feasible {
			all = append(all, c)
			rounded = append(rounded, plotter.XY{X: predicted(c.Cost), Y: failing(c.Accuracy)})
		}
	}
	for _, c := range pareto.Front(all) {
		front = append(front, plotter.XY{X: predicted(c.Cost), Y: failing(c.Accuracy)})
	}
	var names []string
	for _, c := range r.Front {
		if c.Needs != nil {
			tuned = append(tuned, plotter.XY{X: c.PredictedSeconds, Y: failing(c.Tuned)})
			name := ""
			if c.Best {
				name = PointName(c.Point)
			}
			names = append(names, name)
		}
	}
	if err := drawPoints(p, "rounded", rounded, candidateColour); err != nil {
		return err
	}
	line, err := plotter.NewLine(front)
	if err != nil {
		return err
	}
	line.Color = frontColour
	p.Add(line)
	p.Legend.Add("their front", line)
	if err := drawPoints(p, "fine-tuned", tuned, tunedColour); err != nil {
		return err
	}
	if len(tuned) > 0 {
		labels, err := plotter.NewLabels(plotter.XYLabels{XYs: tuned, Labels: names})
		if err != nil {
			return err
		}
		labels.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(3)}
		p.Add(labels)
	}
	for _, a := range []*plot.Axis{&p.X, &p.Y} { // room, and never a range of nothing
		a.Min, a.Max = a.Min/1.05, a.Max*1.05
	}
	canvas := vgsvg.New(18*vg.Centimeter, 12*vg.Centimeter)
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("%s: %w", pipeline.FileSearchPicture, err)
	}
	return maybe.WriteFile(path, b.Bytes(), 0o644)
}

func drawPoints(p *plot.Plot, name string, points plotter.XYs, c color.Color) error {
	if len(points) == 0 {
		return nil
	}
	s, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	s.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
	p.Add(s)
	p.Legend.Add(name, s)
	return nil
}

// logTicks labels a logarithmic axis, with as round numbers as give three ticks
// or more.
type logTicks struct{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(lo, hi float64) (ticks []plot.Tick) {
	for _, mantissas := range [][]float64{{1}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9}} {
		ticks = nil
		for decade := math.Floor(math.Log10(lo)); decade <= math.Log10(hi); decade++ {
			for _, m := range mantissas {
				if v := m * math.Pow(10, decade); v >= lo && v <= hi {
					ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.3g", v)})
				}
			}
		}
		if len(ticks) >= 3 {
			return ticks
		}
	}
	return plot.DefaultTicks{}.Ticks(lo, hi)
}
