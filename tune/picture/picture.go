// Package picture draws what a search over bits found. It decides nothing: what it
// draws is in the report as numbers.
package picture

import (
	"bytes"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"qtool/internal/whole"
	"qtool/task"
)

// Point is a network: predicted seconds under encryption, and its error above 0: the
// percentage of wrong answers, or of the float network's error. Name is written beside it, "" for none.
type Point struct {
	Seconds, Error float64
	Name           string
}

// Search is what is drawn: all candidates, the front of them, and those that were
// fine-tuned. TestImages are encrypted in the predicted seconds, Images held out for
// the errors.
type Search struct {
	Recipe                   string
	TestImages, Images       int
	Noun                     task.Noun // of a sample
	Metric                   string    // what the errors are of the float network's; "": wrong answers
	Candidates, Front, Tuned []Point
}

// Colours that stay apart for readers who do not see red and green alike, after
// Okabe and Ito.
var (
	candidateColour = color.Gray{0xA0}
	frontColour     = color.RGBA{0x00, 0x72, 0xB2, 255}
	tunedColour     = color.RGBA{0xD5, 0x5E, 0x00, 255}
)

// Write draws error against predicted seconds as SVG, both on logarithmic scales. The
// file appears only when complete.
func (s *Search) Write(path string) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s: candidates of the search", s.Recipe)
	p.X.Label.Text = fmt.Sprintf("predicted seconds, %d encrypted %s", s.TestImages, s.Noun.Many)
	p.Y.Label.Text = fmt.Sprintf("error on %d held-out %s, percent", s.Images, s.Noun.Many)
	if s.Metric != "" {
		p.Y.Label.Text = fmt.Sprintf("%s on %d held-out %s, percent of the float network's", s.Metric, s.Images, s.Noun.Many)
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	p.Legend.Top = true
	p.Add(plotter.NewGrid())

	if err := drawPoints(p, "rounded", xys(s.Candidates), candidateColour); err != nil {
		return err
	}
	line, err := plotter.NewLine(xys(s.Front))
	if err != nil {
		return err
	}
	line.Color = frontColour
	p.Add(line)
	p.Legend.Add("their front", line)
	if err := drawPoints(p, "fine-tuned", xys(s.Tuned), tunedColour); err != nil {
		return err
	}
	if len(s.Tuned) > 0 {
		var names []string
		for _, t := range s.Tuned {
			names = append(names, t.Name)
		}
		labels, err := plotter.NewLabels(plotter.XYLabels{XYs: xys(s.Tuned), Labels: names})
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
		return fmt.Errorf("%s: %w", path, err)
	}
	return whole.WriteFile(path, b.Bytes())
}

func xys(points []Point) (all plotter.XYs) {
	for _, p := range points {
		all = append(all, plotter.XY{X: p.Seconds, Y: p.Error})
	}
	return all
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
