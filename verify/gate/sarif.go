package gate

import (
	"io"
	"net/url"
	"path/filepath"
)

// The part of SARIF 2.1.0 that a list of failed checks needs.
//
// Reference: OASIS, Static Analysis Results Interchange Format 2.1.0.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// writeSARIF writes a run with a rule for each check and a result for each that
// failed (error) or is noted (note), at the baseline file.
func (r *Result) writeSARIF(w io.Writer, baseline string) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "qtool gate", Rules: []sarifRule{}}
	for i, f := range r.Findings {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{f.Name})
		level := map[Status]string{Fail: "error", Info: "note"}[f.Status]
		if level == "" {
			continue
		}
		text := r.Recipe + ": " + f.Why
		if f.Status == Fail {
			text += " Want " + f.Want + ", got " + f.Got + "."
		}
		var at sarifLocation
		at.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(baseline)}).String()
		at.Physical.Region.StartLine = 1
		run.Results = append(run.Results, sarifResult{f.Name, i, level, sarifMessage{text}, []sarifLocation{at}})
	}
	return encodeJSON(w, sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}
