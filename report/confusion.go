package report

import (
	"fmt"
	"math"

	"qtool/verify"
)

// confusionView counts the answers of the last stage, a row a label, a column an
// answer.
type confusionView struct {
	Stage  string
	Labels []string
	Rows   []confusionRow
	Worst  []confused
}

type confusionRow struct {
	Label  string
	Cells  []confusionCell
	Recall string
}

// confusionCell has a class of the style sheet: its shade is the share of the
// row (right answers) or of the largest error (wrong ones).
type confusionCell struct{ Count, Class, Title string }

// confused is a pair of classes that are taken for each other.
type confused struct {
	Label, Answer string
	Count         int
}

// faintErrors is the fewest errors that a cell needs to be drawn in the strongest
// shade, so that a single one never looks alarming.
const faintErrors = 4

// shades is how many shades a heat map has.
const shades = 8

func (in *Input) confusion() *confusionView {
	name, answers := in.final()
	labels := in.Report.Answers.Labels
	if len(answers) == 0 {
		return nil
	}
	classes := in.classes(labels, answers)
	count := make([][]int, classes)
	for i := range count {
		count[i] = make([]int, classes)
	}
	largest := faintErrors
	for i, c := range labels {
		n := &count[c][answers[i]]
		*n++
		if c != answers[i] {
			largest = max(largest, *n)
		}
	}
	v := &confusionView{Stage: name, Worst: in.mostConfused(count)}
	for c := range classes {
		v.Labels = append(v.Labels, in.label(c))
		v.Rows = append(v.Rows, in.confusionRow(c, count[c], largest))
	}
	return v
}

func (in *Input) confusionRow(c int, count []int, largest int) confusionRow {
	row := confusionRow{Label: in.label(c), Recall: "–"}
	total := 0
	for _, n := range count {
		total += n
	}
	if total > 0 {
		row.Recall = fixed(100*float64(count[c])/float64(total), 1)
	}
	for answer, n := range count {
		cell := confusionCell{Count: fmt.Sprint(n), Title: fmt.Sprintf("label %s, answer %s: %s", in.label(c), in.label(answer), number(n))}
		switch {
		case n == 0:
			cell.Count = "·"
			cell.Class = "none"
		case answer == c:
			cell.Class = fmt.Sprintf("right%d", shade(float64(n)/float64(total)))
		default:
			cell.Class = fmt.Sprintf("wrong%d", shade(math.Sqrt(float64(n)/float64(largest))))
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}

// shade is 1..shades for a share of 0..1.
func shade(x float64) int { return 1 + min(shades-1, int(x*shades)) }

// mostConfused is the five most frequent errors, the first found first.
func (in *Input) mostConfused(count [][]int) []confused {
	var worst []confused
	for range 5 {
		label, answer, most := 0, 0, 0
		for c := range count {
			for a, n := range count[c] {
				if a != c && n > most {
					label, answer, most = c, a, n
				}
			}
		}
		if most == 0 {
			break
		}
		count[label][answer] = -count[label][answer] // not again
		worst = append(worst, confused{in.label(label), in.label(answer), most})
	}
	for c := range count {
		for a := range count[c] {
			if count[c][a] < 0 {
				count[c][a] = -count[c][a]
			}
		}
	}
	return worst
}

// classes is how many classes there are: the bundle's labels, or one more than
// the largest seen.
func (in *Input) classes(lists ...verify.Predictions) int {
	if in.Bundle != nil {
		return len(in.Bundle.Program.Labels)
	}
	n := 0
	for _, list := range lists {
		for _, c := range list {
			n = max(n, c+1)
		}
	}
	return n
}
