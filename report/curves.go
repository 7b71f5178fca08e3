package report

import (
	"fmt"
	"html/template"
	"math"
)

// trainingView is the history of one stage.
type trainingView struct {
	Stage, About   string
	Loss, Accuracy template.HTML
	Validated      bool
	Last           []Epoch
}

func (in *Input) training() []trainingView {
	var views []trainingView
	for _, t := range in.Training {
		if len(t.Epochs) == 0 {
			continue
		}
		v := trainingView{Stage: stageName(t.Stage)}
		loss, accuracy := series{class: "warm"}, series{class: "plain"}
		validation := series{class: "main"}
		for _, e := range t.Epochs {
			x := float64(e.Epoch)
			loss.points = append(loss.points, point{x, e.Loss})
			accuracy.points = append(accuracy.points, point{x, 100 * e.Accuracy})
			validation.points = append(validation.points, point{x, 100 * e.Validation})
			v.Validated = v.Validated || e.Validation != 0
		}
		last := t.Epochs[len(t.Epochs)-1]
		if t.Best > 0 && t.Best <= len(t.Epochs) {
			last = t.Epochs[t.Best-1]
		}
		v.About = fmt.Sprintf("%s in %s; kept epoch %d: loss %s, training accuracy %s",
			plural(len(t.Epochs), "epoch", "epochs"), duration(t.Seconds), last.Epoch, compact(last.Loss), percent(last.Accuracy))
		lines := []series{accuracy}
		if v.Validated {
			v.About += ", validation accuracy " + percent(last.Validation)
			lines = append(lines, validation)
		}
		v.Loss = lineChart(fmt.Sprintf("%s: loss by epoch, %s at the end", v.Stage, compact(last.Loss)), last.Epoch, true, loss)
		v.Accuracy = lineChart(fmt.Sprintf("%s: accuracy in percent by epoch, %s at the end", v.Stage, percent(last.Accuracy)), last.Epoch, false, lines...)
		views = append(views, v)
	}
	return views
}

func stageName(stage string) string {
	switch stage {
	case "float":
		return "Float training"
	case "qat":
		return "Fine-tuning with fake quantization"
	}
	return stage
}

// series is one line of a chart; its class is its colour.
type series struct {
	class  string
	points []point
}

// lineChart draws series over epochs and marks the epoch that was kept. The
// vertical axis begins at 0 if fromZero, otherwise near the smallest value.
func lineChart(label string, kept int, fromZero bool, lines ...series) template.HTML {
	const height, left, right, top, bottom = 190.0, 44.0, 12.0, 10.0, 160.0
	x, y := scale{math.Inf(1), math.Inf(-1), left, chartWidth - right}, scale{math.Inf(1), math.Inf(-1), bottom, top}
	for _, s := range lines {
		for _, p := range s.points {
			x.lo, x.hi = min(x.lo, p.x), max(x.hi, p.x)
			if finite(p.y) {
				y.lo, y.hi = min(y.lo, p.y), max(y.hi, p.y)
			}
		}
	}
	if fromZero {
		y.lo = 0
	}
	if pad := (y.hi - y.lo) * 0.06; finite(pad) {
		y.hi += pad
		if !fromZero {
			y.lo -= pad
		}
	}
	d := draw(chartWidth, height, label)
	values, decimals := ticks(y.lo, y.hi, 5)
	for _, v := range values {
		d.line(left, y.at(v), chartWidth-right, y.at(v), "grid")
		d.text(left-6, y.at(v)+4, "end", "tick", fixed(v, decimals))
	}
	epochs, _ := ticks(x.lo, x.hi, 8)
	for _, e := range epochs {
		if e == math.Trunc(e) {
			d.text(x.at(e), bottom+15, "middle", "tick", fixed(e, 0))
		}
	}
	d.text((left+chartWidth-right)/2, height-2, "middle", "title", "epoch")
	d.line(x.at(float64(kept)), top, x.at(float64(kept)), bottom, "mark")
	for _, s := range lines {
		var places []point
		for _, p := range s.points {
			if finite(p.y) {
				places = append(places, point{x.at(p.x), y.at(p.y)})
			}
		}
		d.path(places, "line "+s.class+"-line")
		if len(places) <= 40 {
			for _, p := range places {
				d.dot(p.x, p.y, 2.6, s.class, "")
			}
		}
	}
	return d.done()
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
