package gate

import (
	"fmt"
	"slices"

	"qtool/task"
	"qtool/verify"
)

// Options change what a gate demands.
type Options struct {
	// AllowSample lets a report pass that has fewer images than the test set, or
	// encrypted fewer: each stage's images are compared with the first of the
	// baseline's. The result says so.
	AllowSample bool
}

// Check compares a report with the baseline's entry of its recipe. It changes
// neither, and always returns a result; what cannot be compared fails or is
// skipped with a reason, and something that is skipped for a report's fault
// stands behind a check that failed.
func Check(r *verify.Report, b *Baseline, o Options) *Result {
	c := &checker{
		Result: &Result{
			Schema: ResultSchema, Recipe: r.Recipe, Dataset: r.Dataset, Images: r.Images, TestImages: r.TestImages,
			Noun: r.Unit().One, Sample: o.AllowSample && r.Images < r.TestImages, Flips: []Flip{},
		},
		r: r, e: b.Entry(r.Recipe), noun: r.Unit(),
	}
	if c.report() && c.recipe(b) {
		c.compare()
	}
	c.Passed = len(c.Failed()) == 0
	return c.Result
}

// unpaired says why answers are not compared.
func (c *checker) unpaired() string {
	return fmt.Sprintf("The answers cannot be paired %s by %s, for the reason above.", c.noun.One, c.noun.One)
}

func (c *checker) compare() {
	paired := c.dataset()
	paired = c.images() && paired
	paired = c.labels() && paired
	paired = c.consistency() && paired
	c.mismatches()
	c.lookups()
	c.precision()
	c.modulus()
	c.exact(paired)
	switch {
	case c.regression():
		c.errors(paired)
	case paired:
		c.accuracies()
		c.listFlips()
	default:
		c.skip(c.unpaired(), stageNames...)
	}
	c.aucs()
	c.budgets()
}

// report wants a report of this schema in which encryption really happened.
func (c *checker) report() bool {
	r, want := c.r, fmt.Sprintf("schema %d, integer and encrypted stages", verify.ReportSchema)
	switch {
	case r.Schema != verify.ReportSchema:
		c.add("report", Fail, want, fmt.Sprintf("schema %d", r.Schema), "The report has another schema.")
	case kindOf(r.Task) != task.Classification && (!c.regression() || r.Asked().Outputs < 1):
		c.add("report", Fail, want, fmt.Sprintf("task %q", r.Task), "The report is of a task that this version does not know, or without its values.")
	case c.judged().Integer == nil || c.integerAnswers() == 0:
		c.add("report", Fail, want, "no integer stage", "The integer program was not run.")
	case c.judged().Encrypted == nil || c.encryptedAnswers() == 0 || r.Backend == nil:
		c.add("report", Fail, want, "no encrypted stage", "Nothing was evaluated under encryption.")
	default:
		c.add("report", Pass, want, want, "The report is complete.")
		return true
	}
	return false
}

func (c *checker) recipe(b *Baseline) bool {
	known := c.check("recipe", c.e != nil, "one of "+b.names(), c.r.Recipe,
		"The baseline has an entry for the recipe.",
		"The baseline has no entry for this recipe: add one with qtool gate update, or gate the right report.")
	return known && c.sameTask()
}

func (c *checker) dataset() bool {
	return c.check("dataset", c.r.Dataset == c.e.Dataset && c.r.DatasetSHA256 == c.e.DatasetSHA256,
		c.e.Dataset+" "+c.e.DatasetSHA256, c.r.Dataset+" "+c.r.DatasetSHA256,
		"It is the baseline's dataset, byte for byte.",
		"The report is of another dataset.")
}

// images wants the whole test set, or with AllowSample a part of it.
func (c *checker) images() bool {
	r, want := c.r, fmt.Sprint(c.e.Images)
	if c.Sample && r.TestImages == c.e.Images && r.Images > 0 {
		why := fmt.Sprintf("Only a sample was run: every comparison of answers below is of the first %d of %d %s.", r.Images, r.TestImages, c.noun.Many)
		if n := c.answered(); n > r.Images {
			why = fmt.Sprintf("Only a sample was encrypted: comparisons of encrypted answers below are of the first %d of %d %s, comparisons of other stages of the first %d.", r.Images, r.TestImages, c.noun.Many, n)
		}
		c.add("images", Info, want, fmt.Sprint(r.Images), why)
		return true
	}
	return c.check("images", r.Images == r.TestImages && r.Images == c.e.Images,
		want, fmt.Sprintf("%d of %d", r.Images, r.TestImages),
		"The whole test set was encrypted, evaluated and decrypted.",
		fmt.Sprintf("A partial run does not pass: %d %s were encrypted of %d in the test set, and the baseline has %d.", r.Images, c.noun.Many, r.TestImages, c.e.Images))
}

func (c *checker) labels() bool {
	if c.regression() {
		return c.targets()
	}
	got, want := c.r.Answers.Labels, c.e.Predictions.Labels
	if c.Sample && len(got) < len(want) {
		want = want[:len(got)]
	}
	differ := 0
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			differ++
		}
	}
	return c.check("labels", slices.Equal(got, want), fmt.Sprintf("%d labels", len(want)), fmt.Sprintf("%d labels, %d others", len(got), differ),
		"The labels are the baseline's.",
		"The labels are not the baseline's: the test set is another or was altered.")
}
