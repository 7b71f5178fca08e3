package report

import (
	"fmt"
	"html/template"
	"strings"

	"qtool/task"
	"qtool/verify"
)

// ladderView is the accuracy of each stage, as a chart and as a table, and the task's
// other metrics.
type ladderView struct {
	Metric string        // that decides
	Chart  template.HTML // "" where that is no accuracy
	Rows   []ladderRow
	Others []metricRow
	Noun   task.Noun
	Images string
	Partly string // of what the encrypted stage is, where that is less; "" otherwise
}

type ladderRow struct{ Name, Accuracy, Interval, Right, Against string }

// metricRow is a metric of each stage.
type metricRow struct {
	Name    string
	Figures []string
}

// others are the task's metrics beside the one that decides.
func (in *Input) others() (rows []metricRow) {
	for _, m := range in.Report.Asked().Metrics()[1:] {
		row := metricRow{Name: m.Title}
		for _, name := range verify.StageNames {
			figure := "–"
			if x := in.Report.Judged(m).Stage(name); x != nil {
				figure = strings.Replace(m.Format(*x), "-", "−", 1)
			}
			row.Figures = append(row.Figures, figure)
		}
		rows = append(rows, row)
	}
	return rows
}

func (in *Input) ladder() ladderView {
	v := ladderView{Metric: in.metric().Title, Noun: in.unit(), Others: in.others(), Images: plural(in.images(), "test "+in.unit().One, "test "+in.unit().Many)}
	if n := in.Report.TestImages; in.images() < n {
		v.Images = fmt.Sprintf("the first %s of %s test %s", number(in.images()), number(n), in.unit().Many)
	}
	if in.partly() {
		v.Partly = in.partlyText()
		v.Images += fmt.Sprintf(" (encrypted: the first %s)", number(in.encryptedImages()))
	}
	above := ""
	for _, r := range in.ladderStages() {
		row := ladderRow{Name: r.Name, Accuracy: "not run"}
		if x := in.judged().Stage(r.Name); r.Accuracy == nil && x != nil {
			row.Accuracy, row.Right, row.Interval = in.figure(*x), "–", "–"
			row.Against = in.against(r.Name, above)
			above = r.Name
		}
		if r.Accuracy != nil {
			k := in.rightOf(r)
			lo, hi := wilson(k, in.imagesOf(r))
			row.Accuracy, row.Right = percent(*r.Accuracy), number(k)
			if n := in.imagesOf(r); n < in.images() {
				row.Right += " of " + number(n)
			}
			row.Interval = fixed(100*lo, 2) + " to " + fixed(100*hi, 2)
			row.Against = in.against(r.Name, above)
			above = r.Name
		}
		v.Rows = append(v.Rows, row)
	}
	if in.metric() == task.Accuracy {
		v.Chart = in.ladderChart()
	}
	return v
}

// partlyText is what the encrypted stage compares with where fewer images were
// encrypted than the others answered.
func (in *Input) partlyText() string {
	s := fmt.Sprintf("Only the first %s of these were encrypted", number(in.encryptedImages()))
	if a := in.judged().IntegerOnEncrypted; a != nil {
		s += fmt.Sprintf(", on which the integer stage has %s: that is what the encrypted stage's %s compares with", in.figure(*a), in.figure(*in.judged().Encrypted))
	}
	return s + "."
}

// against says what changed from the stage above.
func (in *Input) against(name, above string) string {
	if above == "" {
		return ""
	}
	if name == encryptedStage && above == "integer" && in.Report.Precision == nil {
		return plural(in.Report.LogitMismatches, "logit differs", "logits differ")
	}
	var a, b ladderStage
	for _, r := range in.ladderStages() {
		if r.Name == above {
			a = r
		}
		if r.Name == name {
			b = r
		}
	}
	if a.Answers == nil || b.Answers == nil {
		return ""
	}
	return plural(len(flipped(a.Answers, b.Answers)), "answer differs", "answers differ")
}

// ladderChart draws a dot and its interval for each stage. The axis spans the
// intervals, not 0 to 100 %: the differences are what it is for.
func (in *Input) ladderChart() template.HTML {
	const left, right, row, top = 78.0, 16.0, 34.0, 8.0
	stages := in.ladderStages()
	lowest, highest := 1.0, 0.0
	var words []string
	for _, r := range stages {
		if r.Accuracy == nil {
			words = append(words, r.Name+" not run")
			continue
		}
		lo, hi := wilson(in.rightOf(r), in.imagesOf(r))
		lowest, highest = min(lowest, lo), max(highest, hi)
		words = append(words, fmt.Sprintf("%s %s of %s, 95 %% interval %s to %s", r.Name, percent(*r.Accuracy), in.count(in.imagesOf(r)), fixed(100*lo, 2), fixed(100*hi, 2)))
	}
	if lowest > highest {
		lowest, highest = 0, 1
	}
	pad := (highest - lowest) * 0.08
	x := scale{max(0, lowest-pad), min(1, highest+pad), left, chartWidth - right}
	bottom := top + row*float64(len(stages))
	d := draw(chartWidth, bottom+30, "Accuracy: "+strings.Join(words, "; "))
	values, decimals := ticks(100*x.lo, 100*x.hi, 5)
	for _, v := range values {
		d.line(x.at(v/100), top, x.at(v/100), bottom, "grid")
		d.text(x.at(v/100), bottom+14, "middle", "tick", fixed(v, decimals))
	}
	d.text((left+chartWidth-right)/2, bottom+27, "middle", "title", "accuracy, %")
	for i, r := range stages {
		y := top + row*(float64(i)+0.5)
		d.text(left-10, y+4, "end", "name", r.Name)
		if r.Accuracy == nil {
			d.text(left+6, y+4, "start", "tick", "not run")
			continue
		}
		lo, hi := wilson(in.rightOf(r), in.imagesOf(r))
		class := "plain"
		if r.Name == encryptedStage {
			class = "main"
		}
		d.bar(x.at(lo), y-3.5, x.at(hi)-x.at(lo), 7, class+"-soft", words[i])
		d.dot(x.at(*r.Accuracy), y, 5.5, class, words[i])
	}
	return d.done()
}
