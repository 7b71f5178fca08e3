// Package task says what a network is asked for: classes or numbers, by which metrics
// its answers are judged, and what its samples are called.
package task

import (
	"fmt"
	"strconv"
)

// Kind is what a network answers.
type Kind string

// The kinds of tasks. A classification answers with one of several labels, a regression
// with a number for each of its targets.
const (
	Classification Kind = "classification"
	Regression     Kind = "regression"
)

// Task is what a network is asked for.
type Task struct {
	Kind Kind
	// Outputs are the classes of a classification, the targets of a regression.
	Outputs int
}

// Validate returns an error that names the value and the limit.
func (t Task) Validate() error {
	if t.Kind != Classification && t.Kind != Regression {
		return fmt.Errorf("task: %q is unknown: want %s or %s", t.Kind, Classification, Regression)
	}
	if t.Outputs < 1 {
		return fmt.Errorf("task: %d outputs of a %s, want 1 or more", t.Outputs, t.Kind)
	}
	return nil
}

// Metrics are the task's metrics, the one that decides first.
func (t Task) Metrics() []Metric {
	switch {
	case t.Kind == Regression:
		return []Metric{RMSE, MAE, R2}
	case t.Scored():
		return []Metric{Accuracy, AUC}
	}
	return []Metric{Accuracy}
}

// Metric is the one that decides.
func (t Task) Metric() Metric { return t.Metrics()[0] }

// Scored reports whether answers have a score beside their label: with two classes they do.
func (t Task) Scored() bool { return t.Kind == Classification && t.Outputs == 2 }

// Metric judges the answers to a set of samples by one number.
type Metric struct {
	Name  string // in report.json and recipes
	Title string // for people
	// Higher says that larger is better.
	Higher bool
	share  bool // a part of 1, shown in percent
}

// The metrics.
var (
	Accuracy = Metric{"accuracy", "accuracy", true, true}
	AUC      = Metric{"auc", "AUC", true, false}
	RMSE     = Metric{"rmse", "RMSE", false, false}
	MAE      = Metric{"mae", "MAE", false, false}
	R2       = Metric{"r2", "R²", true, false}
)

var metrics = []Metric{Accuracy, AUC, RMSE, MAE, R2}

// MetricOf is the metric with a name; ok is false where there is none.
func MetricOf(name string) (m Metric, ok bool) {
	for _, m := range metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// Better reports whether a is better than b.
func (m Metric) Better(a, b float64) bool {
	if m.Higher {
		return a > b
	}
	return a < b
}

// Loss is how much worse now is than before was; negative where it is better.
func (m Metric) Loss(before, now float64) float64 {
	if m.Higher {
		return before - now
	}
	return now - before
}

// Check returns an error unless x can be the metric of a set of samples.
func (m Metric) Check(x float64) error {
	lo, hi := "0", "1"
	ok := x >= 0 && x <= 1
	switch m.Name {
	case RMSE.Name, MAE.Name:
		hi, ok = "infinity", x >= 0 && x-x == 0
	case R2.Name:
		lo, ok = "minus infinity", x <= 1 && x-x == 0
	}
	if !ok {
		return fmt.Errorf("%s %v is outside %s..%s", m.Name, x, lo, hi)
	}
	return nil
}

// Format is x for people: shares in percent to two decimals, an AUC or R² to four,
// errors to four significant digits.
func (m Metric) Format(x float64) string {
	switch {
	case m.share:
		return strconv.FormatFloat(100*x, 'f', 2, 64) + " %"
	case m.Higher:
		return strconv.FormatFloat(x, 'f', 4, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
