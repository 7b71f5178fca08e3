package gate

import (
	"fmt"
	"slices"

	"qtool/task"
	"qtool/verify"
)

// regression reports whether the report answers with numbers.
func (c *checker) regression() bool { return c.r.Task == task.Regression }

// judged is the report's deciding metric on each stage.
func (c *checker) judged() verify.Accuracy { return c.r.Judged(c.r.Asked().Metric()) }

// judged is the entry's deciding metric on each stage.
func (e *Entry) judged() verify.Accuracy {
	if e.Task == task.Regression {
		return e.Metric[task.RMSE.Name]
	}
	return e.Accuracy
}

// integerAnswers and encryptedAnswers are how many answers, or values, the stages have.
func (c *checker) integerAnswers() int {
	if c.regression() {
		return len(c.r.Answers.Values.Integer)
	}
	return len(c.r.Answers.Integer)
}

func (c *checker) encryptedAnswers() int {
	if c.regression() {
		return len(c.r.Answers.Values.Encrypted)
	}
	return len(c.r.Answers.Encrypted)
}

// kindOf is a task's kind, which reports and entries may leave out.
func kindOf(k task.Kind) task.Kind {
	if k == "" {
		return task.Classification
	}
	return k
}

// sameTask wants the entry to be of the report's task, and adds nothing where it is.
func (c *checker) sameTask() bool {
	want, got := kindOf(c.e.Task), kindOf(c.r.Task)
	return want == got || c.check("task", false, string(want), string(got), "", "The report is of another task: remove the entry to start it anew.")
}

// counts is what is wrong with how often the report states its number of samples, "" for
// nothing.
func (c *checker) counts() string {
	if s := c.r.Samples; s != 0 && s != c.r.Images {
		return fmt.Sprintf("samples is stated as %d, images as %d", s, c.r.Images)
	}
	return ""
}

// metrics is the first metric beside accuracy that is not what the values give, "" for
// none.
func (c *checker) metrics() string {
	if v := c.r.Answers.Values; v != nil && c.r.LogitMismatches == 0 && !c.approximate() && len(v.Encrypted) <= len(v.Integer) &&
		!slices.Equal(v.Encrypted, v.Integer[:len(v.Encrypted)]) {
		return "no logit differs, yet encrypted values do"
	}
	want := c.r.Answers.Metrics(c.r.Asked())
	for _, m := range []task.Metric{task.AUC, task.RMSE, task.MAE, task.R2} {
		for _, stage := range append([]string{"integer_on_encrypted"}, verify.StageNames...) {
			w, g := want[m.Name].Stage(stage), c.r.Metric[m.Name].Stage(stage)
			if (w == nil) != (g == nil) || w != nil && *w != *g {
				return fmt.Sprintf("metric.%s.%s is stated as %s, the answers give %s", m.Name, stage, stated(g), stated(w))
			}
		}
	}
	for name := range c.r.Metric {
		if _, ok := want[name]; !ok {
			return fmt.Sprintf("metric.%s is stated, the answers do not give it", name)
		}
	}
	return ""
}

// defaultAUCLoss is what a new entry allows.
const defaultAUCLoss = 0.005

// aucs compares the area under the curve of each stage with the baseline's, where either
// has one. Of a part of the samples it says nothing.
func (c *checker) aucs() {
	m := task.AUC
	was, now, limit := c.e.Metric[m.Name], c.r.Metric[m.Name], c.e.Budgets.MaxAUCLoss
	for _, stage := range []string{"float", "integer", "encrypted"} {
		name, a, b := m.Name+"-"+stage, was.Stage(stage), now.Stage(stage)
		switch {
		case a == nil && b == nil:
		case a == nil:
			c.skip("The baseline has no AUC of this stage; gate update adds it.", name)
		case c.Sample:
			c.skip("The baseline's AUC is of the whole test set, and only a sample was run.", name)
		case b == nil:
			c.add(name, Fail, m.Format(*a), "none", "The baseline has the AUC of this stage and the report does not.")
		case limit == nil:
			c.add(name, Skip, m.Format(*a), m.Format(*b), noBudget)
		default:
			loss := m.Loss(*a, *b)
			why := fmt.Sprintf("The AUC is %s, where %s less than the baseline's %s are allowed.", m.Format(*b), m.Format(*limit), m.Format(*a))
			c.check(name, loss <= *limit, m.Format(*a), m.Format(*b), why, why)
		}
	}
}
