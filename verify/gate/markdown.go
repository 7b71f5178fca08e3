package gate

import (
	"fmt"
	"io"
	"strings"
)

// writeMarkdown writes GitHub's dialect, for a step summary or a comment.
func (r *Result) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	mark := "✅"
	if !r.Passed {
		mark = "❌"
	}
	fmt.Fprintf(&b, "## %s %s\n\n%s\n\n", mark, cell("Accuracy gate: "+r.Recipe), cell(r.Verdict()))
	markdownRow(&b, "check", "status", "want", "got", "why")
	markdownRow(&b, "---", "---", "---", "---", "---")
	for _, f := range r.Findings {
		status := string(f.Status)
		if f.Status == Fail {
			status = "**FAIL**"
		}
		markdownRow(&b, cell(f.Name), status, cell(short(f.Want)), cell(short(f.Got)), cell(f.Why))
	}
	if flips, more := r.worst(); len(flips) > 0 {
		fmt.Fprintf(&b, "\n<details><summary>%d %s other answers than in the baseline</summary>\n\n", len(r.Flips), have(r.unit(), len(r.Flips)))
		markdownRow(&b, r.flipHeader()...)
		markdownRow(&b, "---:", "---:", "---:", "---:", "---", "---:", "---")
		for _, f := range flips {
			markdownRow(&b, f.cells()...)
		}
		if more != "" {
			fmt.Fprintf(&b, "\n%s\n", more)
		}
		b.WriteString("\n</details>\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownRow(b *strings.Builder, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// escape keeps names that come out of a file from being markup.
var escape = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "@", "&#64;",
)

func cell(s string) string { return escape.Replace(s) }
