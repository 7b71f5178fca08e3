package gate

import (
	"encoding/xml"
	"fmt"
	"io"
)

// The part of JUnit's XML that CI systems read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
		Skipped *junitSkipped `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// writeJUnit writes one test suite with a test case for each check.
func (r *Result) writeJUnit(w io.Writer) error {
	s := junitSuite{Name: "qtool gate: " + r.Recipe, Tests: len(r.Findings), Failures: len(r.Failed())}
	for _, f := range r.Findings {
		c := junitCase{Class: "gate." + r.Recipe, Name: f.Name}
		switch f.Status {
		case Fail:
			c.Failure = &junitFailure{Type: f.Name, Message: f.Why, Text: fmt.Sprintf("want %s\ngot  %s", f.Want, f.Got)}
		case Skip:
			s.Skipped++
			c.Skipped = &junitSkipped{f.Why}
		default:
			c.Out = f.Why
		}
		s.Cases = append(s.Cases, c)
	}
	b, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{s}}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	return err
}
