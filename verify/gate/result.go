package gate

import (
	"fmt"
	"strings"

	"qtool/task"
	"qtool/verify"
)

// ResultSchema is the version of a Result's JSON.
const ResultSchema = 1

// Result is what a gate found, in the order in which it looked.
type Result struct {
	Schema     int       `json:"schema"`
	Recipe     string    `json:"recipe"`
	Dataset    string    `json:"dataset"`
	Passed     bool      `json:"passed"`
	Images     int       `json:"images"`      // of the report
	Noun       string    `json:"noun"`        // what one of them is: "image", "sentence"
	TestImages int       `json:"test_images"` // of the whole test set
	Sample     bool      `json:"sample"`      // fewer than all, by permission
	Findings   []Finding `json:"checks"`
	Flips      []Flip    `json:"flips"` // the worst margin first
}

// Status is how a check ended. Skip is a check that could not be made or that
// nobody asked for; Info is a fact that decides nothing. Both say why.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Fail Status = "fail"
	Skip Status = "skip"
	Info Status = "info"
)

// Finding is one check. Names are stable: other tools key on them.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Want   string `json:"want"`
	Got    string `json:"got"`
	Why    string `json:"why"`
}

// Flip is a sample whose answer is not the baseline's.
type Flip struct {
	Image  int      `json:"image"`
	Stages []string `json:"rungs"`
	Label  int      `json:"label"`
	Was    int      `json:"was"`
	Is     int      `json:"is"`
	// Margin is how sure the integer stage of the report is of its answer; see
	// verify.Answers. It is nil where the report has none.
	Margin *float32 `json:"margin"`
}

// What a flip does to accuracy.
const (
	lost   = "lost"
	wrong  = "wrong both times"
	gained = "gained"
)

// Effect says what a flip does to accuracy: whether the sample was lost, gained,
// or is wrong in another way.
func (f Flip) Effect() string {
	switch f.Label {
	case f.Was:
		return lost
	case f.Is:
		return gained
	}
	return wrong
}

// Failed are the names of the checks that failed.
func (r *Result) Failed() []string {
	var names []string
	for _, f := range r.Findings {
		if f.Status == Fail {
			names = append(names, f.Name)
		}
	}
	return names
}

// Err is nil if the gate passed, and wraps ErrFailed otherwise.
func (r *Result) Err() error {
	if r.Passed {
		return nil
	}
	return fmt.Errorf("%w: %d of %d checks: %s", ErrFailed, len(r.Failed()), len(r.Findings), strings.Join(r.Failed(), ", "))
}

// Updatable reports whether all that failed is a difference from the baseline
// that a person may accept by updating it. Everything else is wrong against any
// baseline, or against the same bundle; and a sample makes no baseline.
func (r *Result) Updatable() bool {
	for _, name := range r.Failed() {
		switch name {
		case "recipe", "bundle", "ranges", "accuracy-float", "accuracy-integer", "accuracy-encrypted",
			"auc-float", "auc-integer", "auc-encrypted", "rmse-float", "rmse-integer", "rmse-encrypted":
		default:
			return false
		}
	}
	return !r.Passed && !r.Sample
}

// Verdict is the result in one sentence.
func (r *Result) Verdict() string {
	on := fmt.Sprintf("on %d of %d %s", r.Images, r.TestImages, r.unit().Many)
	if r.Sample {
		on = "on a sample, " + on[len("on "):]
	}
	if r.Passed {
		return fmt.Sprintf("The gate passed %s.", on)
	}
	return fmt.Sprintf("The gate failed %s: %s.", on, strings.Join(r.Failed(), ", "))
}

// unit is the word for the samples.
func (r *Result) unit() task.Noun { return task.Named(r.Noun) }

// checker makes the checks of one report against one entry.
type checker struct {
	*Result
	r    *verify.Report
	e    *Entry
	noun task.Noun
}

func (c *checker) add(name string, status Status, want, got, why string) {
	c.Findings = append(c.Findings, Finding{name, status, want, got, why})
}

// check adds a pass or a failure, each with its sentence, and says which.
func (c *checker) check(name string, ok bool, want, got, pass, fail string) bool {
	if ok {
		c.add(name, Pass, want, got, pass)
	} else {
		c.add(name, Fail, want, got, fail)
	}
	return ok
}

func (c *checker) skip(why string, names ...string) {
	for _, n := range names {
		c.add(n, Skip, "", "", why)
	}
}
