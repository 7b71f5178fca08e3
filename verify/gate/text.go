package gate

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// writeText writes tables for a terminal: the checks, then a sentence for each
// that did not simply pass, then the flipped images.
func (r *Result) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s\n\n", r.Recipe, r.Dataset)
	checks := newTable("check", "status", "want", "got")
	for _, f := range r.Findings {
		status := string(f.Status)
		if f.Status == Fail {
			status = "FAIL"
		}
		checks.AppendRow(table.Row{f.Name, status, short(f.Want), short(f.Got)})
	}
	b.WriteString(checks.Render() + "\n")
	for _, group := range []struct {
		status Status
		title  string
	}{{Fail, "Failed"}, {Info, "Noted"}, {Skip, "Not checked"}} {
		r.sentences(&b, group.status, group.title)
	}
	if flips, more := r.worst(); len(flips) > 0 {
		fmt.Fprintf(&b, "\n%d %s other answers than in the baseline, worst margins first:\n\n", len(r.Flips), have(r.unit(), len(r.Flips)))
		t := newTable(r.flipHeader()...)
		t.SetColumnConfigs(rightAligned(1, 2, 3, 4, 6))
		for _, f := range flips {
			t.AppendRow(row(f.cells()))
		}
		b.WriteString(t.Render() + "\n")
		if more != "" {
			b.WriteString(more + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.Verdict())
	_, err := io.WriteString(w, trimLines(b.String()))
	return err
}

func (r *Result) sentences(b *strings.Builder, status Status, title string) {
	for _, f := range r.Findings {
		if f.Status != status {
			continue
		}
		if title != "" {
			fmt.Fprintf(b, "\n%s:\n", title)
			title = ""
		}
		fmt.Fprintf(b, "  %s: %s\n", f.Name, f.Why)
	}
}

func newTable(header ...string) table.Writer {
	t := table.NewWriter()
	s := table.StyleLight
	s.Options = table.OptionsNoBordersAndSeparators
	s.Options.SeparateHeader = true
	s.Format.Header = text.FormatDefault
	t.SetStyle(s)
	t.AppendHeader(row(header))
	return t
}

func row(cells []string) table.Row {
	out := make(table.Row, len(cells))
	for i, c := range cells {
		out[i] = c
	}
	return out
}

func rightAligned(columns ...int) []table.ColumnConfig {
	var c []table.ColumnConfig
	for _, n := range columns {
		c = append(c, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	return c
}

// trimLines drops the blanks with which tables fill their last column.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
