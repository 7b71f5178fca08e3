package gate

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"qtool/task"
)

// Formats are the names that Write knows.
var Formats = []string{"text", "json", "markdown", "junit", "sarif"}

// CheckFormat refuses a name that Write does not know.
func CheckFormat(name string) error {
	for _, f := range Formats {
		if f == name {
			return nil
		}
	}
	return fmt.Errorf("format %q is unknown: want one of %s", name, strings.Join(Formats, ", "))
}

// Write writes the result in a format. baseline is the path of the baseline
// file, to which SARIF pins what it finds.
func (r *Result) Write(w io.Writer, format, baseline string) error {
	switch format {
	case "text":
		return r.writeText(w)
	case "json":
		return r.writeJSON(w)
	case "markdown":
		return r.writeMarkdown(w)
	case "junit":
		return r.writeJUnit(w)
	case "sarif":
		return r.writeSARIF(w, baseline)
	}
	return CheckFormat(format)
}

func (r *Result) writeJSON(w io.Writer) error { return encodeJSON(w, r) }

func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

var longHash = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{52}\b`)

// short is a value that fits a table: hashes by their first 12 digits, and at
// most 60 characters.
func short(s string) string {
	s = longHash.ReplaceAllString(s, "$1")
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:57]) + "..."
	}
	return s
}

// shownFlips is how many flipped images tables for people list.
const shownFlips = 20

// worst are the flips to show, and a line about the others, "" for none.
func (r *Result) worst() ([]Flip, string) {
	if n := len(r.Flips) - shownFlips; n > 0 {
		return r.Flips[:shownFlips], fmt.Sprintf("%d more are in the JSON format.", n)
	}
	return r.Flips, ""
}

// have is "images have", or "image has" for one.
func have(n task.Noun, count int) string {
	if count == 1 {
		return n.One + " has"
	}
	return n.Many + " have"
}

// flipHeader and cells are a flip's columns.
func (r *Result) flipHeader() []string {
	return []string{r.unit().One, "label", "was", "is", "effect", "margin", "stages"}
}

func (f Flip) cells() []string {
	margin := "-"
	if f.Margin != nil {
		margin = fmt.Sprintf("%.4f", *f.Margin)
	}
	return []string{fmt.Sprint(f.Image), fmt.Sprint(f.Label), fmt.Sprint(f.Was), fmt.Sprint(f.Is), f.Effect(), margin, strings.Join(f.Stages, ", ")}
}
