package gate

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"qtool/task"
	"qtool/verify"
)

// DefaultRegressionTest fails an RMSE that grew by more than a hundredth of itself, at the
// level of 5 %.
var DefaultRegressionTest = Test{Alpha: 0.05, MinEffect: 0.01}

// PairedT is the probability that squared errors grow as much on the mean as now's did
// over was's, or more, where the sets of samples are drawn from one that they do not grow
// on: Student's one-sided test of the n differences d of the samples' squared errors,
//
//	t = mean d / sqrt(var d / n), p = P[T >= t], T of n-1 degrees of freedom
//
// It is 1 unless the mean is above 0, and 0 where all differences are the same above 0.
// It panics if the lengths differ.
//
// Reference: Student, "The probable error of a mean", Biometrika 6 (1908).
func PairedT(was, now []float64) float64 {
	if len(was) != len(now) {
		panic(fmt.Sprintf("gate: %d and %d errors", len(was), len(now)))
	}
	n := float64(len(was))
	mean := 0.0
	for i := range was {
		mean += (now[i] - was[i]) / n
	}
	if !(mean > 0) || n < 2 {
		return 1
	}
	square := 0.0
	for i := range was {
		d := now[i] - was[i] - mean
		square += float64(d * d)
	}
	if square == 0 {
		return 0
	}
	t := mean / math.Sqrt(square/(n-1)/n)
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Survival(t)
}

// squares are the squared errors of each sample, summed over its targets.
func squares(targets, values verify.Numbers, outputs int) []float64 {
	all := make([]float64, len(values)/outputs)
	for i, x := range values {
		e := float64(x) - float64(targets[i])
		all[i/outputs] += float64(e * e)
	}
	return all
}

// rmseNames are the checks of a regression's stages.
var rmseNames = []string{"rmse-float", "rmse-integer", "rmse-encrypted"}

// errors compares the errors of a regression, stage by stage.
func (c *checker) errors(paired bool) {
	if !paired {
		c.skip(c.unpaired(), rmseNames...)
		return
	}
	was, now := c.e.Predictions.Values, c.r.Answers.Values
	for i, stage := range []struct{ was, now verify.Numbers }{{was.Float, now.Float}, {was.Integer, now.Integer}, {was.Encrypted, now.Encrypted}} {
		switch {
		case stage.was == nil && stage.now == nil:
			c.skip("Neither the baseline nor the report has this stage.", rmseNames[i])
		case stage.was == nil:
			c.skip("The baseline has no such stage; gate update adds it.", rmseNames[i])
		case stage.now == nil:
			c.add(rmseNames[i], Fail, "values of this stage", "none",
				"The baseline has this stage and the report does not: keep the checkpoints beside the bundle.")
		default:
			c.rmse(rmseNames[i], stage.was[:len(stage.now)], stage.now)
		}
	}
}

// rmse is the paired test of one stage's errors on the same samples.
func (c *checker) rmse(name string, was, now verify.Numbers) {
	v, m, test := c.r.Answers.Values, task.RMSE, c.e.Test
	targets := v.Targets[:len(now)]
	before, _, _ := task.RegressionOf(targets, was, v.Outputs)
	after, _, _ := task.RegressionOf(targets, now, v.Outputs)
	loss := m.Loss(before, after)
	p := PairedT(squares(targets, was, v.Outputs), squares(targets, now, v.Outputs))
	fails := loss > test.MinEffect*before && p <= test.Alpha
	var why string
	switch {
	case slices.Equal(was, now):
		why = fmt.Sprintf("Every %s is answered as in the baseline.", c.noun.One)
	case !m.Better(before, after):
		why = fmt.Sprintf("The RMSE went from %s to %s: no loss.", m.Format(before), m.Format(after))
	case p > test.Alpha:
		why = fmt.Sprintf("The RMSE went from %s to %s: chance alone makes as much with probability %.2g, which is more than %v.", m.Format(before), m.Format(after), p, test.Alpha)
	default:
		why = fmt.Sprintf("The RMSE went from %s to %s, by %.2g of itself where %v is allowed, and chance alone makes as much with probability %.2g.", m.Format(before), m.Format(after), loss/before, test.MinEffect, p)
	}
	c.check(name, !fails, m.Format(before), m.Format(after), why, why)
}

// targets wants the right numbers to be the baseline's.
func (c *checker) targets() bool {
	got, want := c.r.Answers.Values.Targets, c.e.Predictions.Values.Targets
	if c.Sample && len(got) < len(want) {
		want = want[:len(got)]
	}
	outputs := c.r.Answers.Values.Outputs == c.e.Predictions.Values.Outputs
	return c.check("labels", outputs && slices.Equal(got, want), fmt.Sprintf("%d targets", len(want)), fmt.Sprintf("%d targets", len(got)),
		"The targets are the baseline's.",
		"The targets are not the baseline's: the test set is another or was altered.")
}

// valueLengths is what is wrong with the lists of values, "" for nothing.
func (c *checker) valueLengths() string {
	v, n := c.r.Answers.Values, c.answered()
	if n > c.r.TestImages {
		return fmt.Sprintf("answers.values has targets of %d for a test set of %s", n, c.noun.Count(c.r.TestImages))
	}
	if len(c.r.Answers.Labels) > 0 || len(c.r.Answers.Integer) > 0 {
		return "answers has labels, which a regression has not"
	}
	for _, list := range []struct {
		name     string
		x        verify.Numbers
		n        int
		optional bool
	}{
		{"targets", v.Targets, n, false}, {"float", v.Float, n, true}, {"quantized", v.Quantized, n, true},
		{"integer", v.Integer, n, false}, {"encrypted", v.Encrypted, c.r.Images, false},
	} {
		if (list.x != nil || !list.optional) && len(list.x) != list.n*v.Outputs {
			return fmt.Sprintf("answers.values.%s has %d values for %s of %d", list.name, len(list.x), c.noun.Count(list.n), v.Outputs)
		}
	}
	return ""
}

// sameValues wants the same bundle to answer with the same numbers.
func (c *checker) sameValues() {
	was, now := c.e.Predictions.Values, c.r.Answers.Values
	n := 0
	for _, pair := range [][2]verify.Numbers{{was.Integer, now.Integer}, {was.Float, now.Float}} {
		for i := range min(len(pair[0]), len(pair[1])) {
			if pair[0][i] != pair[1][i] {
				n++
			}
		}
	}
	c.check("predictions", n == 0, "0 other answers", fmt.Sprintf("%d other answers", n),
		"Every integer and float answer is the baseline's.",
		"The same bundle answers otherwise: the report or the baseline was altered, or the evaluation changed.")
}

// validateTask holds an entry's metrics to what they can be.
func (e *Entry) validateTask() error {
	if k := kindOf(e.Task); k != task.Classification && k != task.Regression || e.Task == task.Classification {
		return fmt.Errorf("task %q is unknown: want %q, or none for a classification", e.Task, task.Regression)
	}
	if _, ok := task.NounOf(e.Noun); e.Noun != "" && !ok {
		return fmt.Errorf("noun %q is unknown", e.Noun)
	}
	for name, row := range e.Metric {
		m, ok := task.MetricOf(name)
		if !ok || m == task.Accuracy {
			return fmt.Errorf("metric %q is unknown", name)
		}
		for _, stage := range verify.StageNames {
			if x := row.Stage(stage); x != nil {
				if err := m.Check(*x); err != nil {
					return fmt.Errorf("metric.%s.%s: %w", name, stage, err)
				}
			}
		}
	}
	return nil
}

// validateValues holds a regression's lists to the samples, and its metrics to the lists.
func (e *Entry) validateValues() error {
	v := e.Predictions.Values
	if v == nil || v.Outputs < 1 {
		return fmt.Errorf("predictions.values: a regression has none")
	}
	for _, list := range []struct {
		name     string
		x        verify.Numbers
		optional bool
	}{{"targets", v.Targets, false}, {"float", v.Float, true}, {"quantized", v.Quantized, true}, {"integer", v.Integer, false}, {"encrypted", v.Encrypted, false}} {
		if (list.x != nil || !list.optional) && len(list.x) != e.Images*v.Outputs {
			return fmt.Errorf("predictions.values.%s has %d values for %s of %d", list.name, len(list.x), e.unit().Count(e.Images), v.Outputs)
		}
	}
	answers := verify.Answers{Values: v}
	want := answers.Metrics(task.Task{Kind: task.Regression, Outputs: v.Outputs})
	for _, m := range []task.Metric{task.RMSE, task.MAE, task.R2} {
		for _, stage := range verify.StageNames {
			w, g := want[m.Name].Stage(stage), e.Metric[m.Name].Stage(stage)
			if (w == nil) != (g == nil) || w != nil && *w != *g {
				return fmt.Errorf("predictions.values gives metric.%s.%s %s, the entry says %s", m.Name, stage, stated(w), stated(g))
			}
		}
	}
	return nil
}
