package gate

import (
	"fmt"
	"slices"

	"qtool/verify"
)

// consistency recomputes what the report says of its own answers: a report that
// was altered in one place contradicts itself.
func (c *checker) consistency() bool {
	const want = "figures that follow from the answers"
	problem := c.counts()
	if problem == "" && c.regression() {
		problem = c.valueLengths()
	} else if problem == "" {
		problem = c.lengths()
	}
	if problem == "" && !c.regression() {
		problem = c.figures()
	}
	if problem == "" {
		problem = c.metrics()
	}
	if problem == "" {
		problem = c.account()
	}
	return c.check("consistency", problem == "", want, orElse(problem, want),
		"Every accuracy and flip count was computed anew from the answers and is as stated.",
		"The report contradicts itself: it was altered, or cut, after it was written.")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// lengths is what is wrong with the answers' lists, "" for nothing: one for each
// image that was encrypted, and where the other stages answered more, one for each
// label on all of those.
func (c *checker) lengths() string {
	a, n := &c.r.Answers, c.answered()
	if n > c.r.TestImages {
		return fmt.Sprintf("answers.labels has %d entries for a test set of %s", n, c.noun.Count(c.r.TestImages))
	}
	for _, list := range []struct {
		name     string
		p        verify.Predictions
		n        int
		optional bool
	}{
		{"labels", a.Labels, n, false}, {"float", a.Float, n, c.r.Accuracy.Float == nil}, {"quantized", a.Quantized, n, c.r.Accuracy.Quantized == nil},
		{"integer", a.Integer, n, false}, {"encrypted", a.Encrypted, c.r.Images, false},
	} {
		if list.p == nil && list.optional {
			continue
		}
		if len(list.p) != list.n {
			return fmt.Sprintf("answers.%s has %d entries for %s", list.name, len(list.p), c.noun.Count(list.n))
		}
		if list.n > 0 && slices.Min(list.p) < 0 {
			return fmt.Sprintf("answers.%s has the negative class %d", list.name, slices.Min(list.p))
		}
	}
	if v := a.Values; v != nil {
		for _, list := range []struct {
			name string
			x    verify.Numbers
			n    int
		}{
			{"targets", v.Targets, 0}, {"float", v.Float, n}, {"quantized", v.Quantized, n}, {"integer", v.Integer, n}, {"encrypted", v.Encrypted, c.r.Images},
		} {
			if list.x != nil && len(list.x) != list.n || v.Outputs != 1 {
				return fmt.Sprintf("answers.values.%s has %d scores for %s", list.name, len(list.x), c.noun.Count(list.n))
			}
		}
	}
	if m := len(a.Margins); m != 0 && m != n {
		return fmt.Sprintf("answers.margins has %d entries for %s", m, c.noun.Count(n))
	}
	return ""
}

// answered is how many samples the stages that are not encrypted answered: as many
// as there are labels, and no fewer than were encrypted.
func (c *checker) answered() int { return max(c.r.Answers.Len(), c.r.Images) }

// figures is the first stated figure that is not the computed one. The lists'
// lengths are right.
func (c *checker) figures() string {
	a, s, f := &c.r.Answers, &c.r.Accuracy, &c.r.ArgmaxFlips
	compared := a.Integer[:len(a.Encrypted)]
	var onEncrypted verify.Predictions
	if len(compared) < len(a.Integer) {
		onEncrypted = compared
	} else if s.IntegerOnEncrypted != nil {
		return fmt.Sprintf("accuracy.integer_on_encrypted is stated as %v, though every %s was encrypted", *s.IntegerOnEncrypted, c.noun.One)
	}
	for _, stage := range []struct {
		name    string
		answers verify.Predictions
		stated  *float64
	}{
		{"float", a.Float, s.Float}, {"quantized", a.Quantized, s.Quantized}, {"integer", a.Integer, s.Integer}, {"encrypted", a.Encrypted, s.Encrypted},
		{"integer_on_encrypted", onEncrypted, s.IntegerOnEncrypted},
	} {
		if stage.answers == nil {
			continue
		}
		if want := accuracy(a.Labels, stage.answers); stage.stated == nil || *stage.stated != want {
			return fmt.Sprintf("accuracy.%s is stated as %s, the answers give %v", stage.name, stated(stage.stated), want)
		}
	}
	for _, pair := range []struct {
		name   string
		a, b   verify.Predictions
		stated int
	}{
		{"float_integer", a.Float, a.Integer, f.FloatInteger}, {"quantized_integer", a.Quantized, a.Integer, f.QuantizedInteger},
		{"integer_encrypted", compared, a.Encrypted, f.IntegerEncrypted},
	} {
		want := 0
		if pair.a != nil {
			want = differences(pair.a, pair.b)
		}
		if pair.stated != want {
			return fmt.Sprintf("argmax_flips.%s is stated as %d, the answers give %d", pair.name, pair.stated, want)
		}
	}
	if c.approximate() {
		return c.listedFlips()
	}
	if c.r.LogitMismatches == 0 && f.IntegerEncrypted != 0 {
		return fmt.Sprintf("no logit differs, yet %d encrypted answers do", f.IntegerEncrypted)
	}
	return ""
}

// account is what is wrong with the account of look-ups, which excuses mismatches:
// failed images must be some of the report's, each with a wrong entry, and
// hold every answer that differs. The lists' lengths are right.
func (c *checker) account() string {
	r, l := c.r, c.r.Lookups
	if l == nil {
		if r.Explained != 0 {
			return fmt.Sprintf("%d mismatches are explained by wrong entries, of which the report has no account", r.Explained)
		}
		return ""
	}
	if l.Failed < 0 || l.Missed < 0 || l.Missed > l.Done || l.Failed > l.Done || len(l.FailedSamples) > l.Failed {
		return fmt.Sprintf("lookups has %d done, %d decryption failures and %d wrong entries in %s", l.Done, l.Missed, l.Failed, c.noun.Count(len(l.FailedSamples)))
	}
	failed := map[int]bool{}
	for _, i := range l.FailedSamples {
		if i < 0 || i >= r.Images || failed[i] {
			return fmt.Sprintf("lookups.failed_images has %d, beyond %s or twice", i, c.noun.Count(r.Images))
		}
		failed[i] = true
	}
	if r.Explained < 0 || r.Explained > r.LogitMismatches || r.Explained > 0 && len(failed) == 0 {
		return fmt.Sprintf("%d of %d mismatches are explained by wrong entries in %s", r.Explained, r.LogitMismatches, c.noun.Count(len(failed)))
	}
	if r.Explained < r.LogitMismatches {
		return ""
	}
	for i, answer := range r.Answers.Encrypted {
		if answer != r.Answers.Integer[i] && !failed[i] {
			return fmt.Sprintf("the encrypted answer of %s %d differs, in which no entry was wrong", c.noun.One, i)
		}
	}
	return ""
}

// differences counts the images of two lists, of one length, that differ.
func differences(a, b verify.Predictions) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
