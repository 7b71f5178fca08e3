package gate

import (
	"fmt"

	"qtool/verify"
)

// stageNames are the accuracy checks.
var stageNames = []string{"accuracy-float", "accuracy-integer", "accuracy-encrypted"}

// stage is one list of answers beside the baseline's.
type stage struct {
	name     string
	was, now verify.Predictions
}

// stages are the stages of the ladder that are compared.
func (c *checker) stages() []stage {
	p, a := &c.e.Predictions, &c.r.Answers
	return []stage{{"float", p.Float, a.Float}, {"integer", p.Integer, a.Integer}, {"encrypted", p.encrypted(), a.Encrypted}}
}

func (c *checker) accuracies() {
	for i, r := range c.stages() {
		switch {
		case r.was == nil && r.now == nil:
			c.skip("Neither the baseline nor the report has this stage.", stageNames[i])
		case r.was == nil:
			c.skip("The baseline has no such stage; gate update adds it.", stageNames[i])
		case r.now == nil:
			c.add(stageNames[i], Fail, "answers of this stage", "none",
				"The baseline has this stage and the report does not: keep the checkpoints beside the bundle.")
		default:
			c.accuracy(stageNames[i], r.was, r.now)
		}
	}
}

// accuracy is the paired test of one stage; was may be longer than now.
func (c *checker) accuracy(name string, was, now verify.Predictions) {
	n := len(now)
	labels, was := c.r.Answers.Labels[:n], was[:n]
	lost, gained := discordant(labels, was, now)
	counts := fmt.Sprintf("%d %s lost and %d gained of %d", lost, c.noun.For(lost), gained, n)
	loss := 100 * float64(lost-gained) / float64(n)
	p, t := McNemar(lost, gained), c.e.Test
	var why string
	switch {
	case lost == 0 && gained == 0:
		why = fmt.Sprintf("Every %s is as right or wrong as in the baseline.", c.noun.One)
	case lost <= gained:
		why = counts + ": no loss."
	case p > t.Alpha:
		why = fmt.Sprintf("%s: chance alone loses as many with probability %.2g, which is more than %v.", counts, p, t.Alpha)
	case !t.Rejects(lost, gained, n):
		why = fmt.Sprintf("%s: a loss of %.2f points, which is not chance (probability %.2g) but within the %.2f allowed.", counts, loss, p, 100*t.MinEffect)
	default:
		why = fmt.Sprintf("%s: a loss of %.2f points, more than the %.2f allowed, and chance alone loses as many with probability %.2g, not above %v.",
			counts, loss, 100*t.MinEffect, p, t.Alpha)
	}
	got := percent(accuracy(labels, now))
	if lost+gained > 0 {
		got += fmt.Sprintf(", %d lost, %d gained", lost, gained)
	}
	c.check(name, !t.Rejects(lost, gained, n), percent(accuracy(labels, was)), got, why, why)
}

// discordant counts the samples that were right and are wrong, and the reverse.
func discordant(labels, was, now verify.Predictions) (lost, gained int) {
	for i, l := range labels {
		switch before, after := was[i] == l, now[i] == l; {
		case before && !after:
			lost++
		case after && !before:
			gained++
		}
	}
	return lost, gained
}

func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }
