package committed

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"qtool/bench"
)

// section is a place in a document: what is between the two comments is written from the
// committed figures of a class.
//
//	<!-- figures CLASS PART -->
//	...
//	<!-- end of figures -->
var section = regexp.MustCompile(`(?s)(<!-- figures (\S+) (\S+) -->\n).*?(<!-- end of figures -->\n)`)

// Document is text with what its sections say of the committed figures. A part is machine,
// a sentence on what was measured where, or a kind of figures, for a table of them: kernel
// (with the peaks), training, batch, look-up or image. It returns an error for a section of
// a class or part that there is not, and if there is no section at all.
func Document(text string) (string, error) {
	var failed error
	n := 0
	out := section.ReplaceAllStringFunc(text, func(all string) string {
		n++
		m := section.FindStringSubmatch(all)
		r, err := Of(m[2])
		var body string
		if err == nil {
			body, err = part(r, m[3])
		}
		if err != nil && failed == nil {
			failed = err
		}
		return m[1] + body + m[4]
	})
	if n == 0 && failed == nil {
		failed = fmt.Errorf("the document has no section for committed figures")
	}
	if failed != nil {
		return "", failed
	}
	return out, nil
}

// part is the text of a section, with a line feed at its end.
func part(r *bench.Result, name string) (string, error) {
	if name == "machine" {
		return machine(r), nil
	}
	head, ok := heads[bench.Kind(name)]
	if !ok {
		return "", fmt.Errorf("figures of %q are not known: want machine, kernel, training, batch, look-up or image", name)
	}
	rows := []string{head}
	for _, f := range r.Figures {
		kind := f.Kind
		if kind == bench.Peak {
			kind = bench.Kernel
		}
		if kind == bench.Kind(name) && f.Active != nil {
			rows = append(rows, row(&f))
		}
	}
	if len(rows) == 1 {
		return "", fmt.Errorf("the committed result of %s has no figure of %q", r.Machine.Kernels, name)
	}
	return strings.Join(rows, "\n") + "\n", nil
}

// heads are the tables' first two lines.
var heads = map[bench.Kind]string{
	bench.Kernel:   "| one core | | portable | times | of peak |\n| --- | ---: | ---: | ---: | ---: |",
	bench.Training: "| recipe | an epoch | | portable | times | spread |\n| --- | --- | ---: | ---: | ---: | ---: |",
	bench.Batch:    "| recipe | keys, encryption, evaluation, decryption | | portable | times | spread |\n| --- | --- | ---: | ---: | ---: | ---: |",
	bench.Lookup:   "| recipe | look-up | | portable | times | spread |\n| --- | --- | ---: | ---: | ---: | ---: |",
	bench.Image:    "| recipe | evaluation | | portable | times | spread |\n| --- | --- | ---: | ---: | ---: | ---: |",
}

// row is a figure's line.
func row(f *bench.Figure) string {
	name, portable, times, last := f.Name, "", "", ""
	if f.Active.Note != "" {
		name += ", " + f.Active.Note
	}
	if f.Faster > 0 {
		times = fmt.Sprintf("%.1f", f.Faster)
	}
	spread := fmt.Sprintf("%.0f %%", 100*f.Active.Spread)
	if f.Portable != nil {
		portable = Number(f.Portable.Median)
		spread = fmt.Sprintf("%.0f / %.0f %%", 100*f.Active.Spread, 100*f.Portable.Spread)
	}
	cells := []string{"`" + f.Recipe + "`", strings.TrimPrefix(name, "training, ")}
	switch f.Kind {
	case bench.Peak:
		cells = []string{"*" + name + "*"}
	case bench.Kernel:
		cells = []string{name}
		if f.PeakShare > 0 {
			last = fmt.Sprintf("%.0f %%", 100*f.PeakShare)
		}
	default:
		last = spread
	}
	return "| " + strings.Join(append(cells, Number(f.Active.Median)+" "+f.Unit, portable, times, last), " | ") + " |"
}

// machine is a sentence on where and how a result was measured.
func machine(r *bench.Result) string {
	m := r.Machine
	memory := ""
	if m.Memory > 0 {
		memory = fmt.Sprintf(", %.0f GiB", float64(m.Memory)/(1<<30))
	}
	restricted := ""
	if m.Reduced {
		restricted = fmt.Sprintf(", which has %s", m.Has)
	}
	return fmt.Sprintf("All below with kernels `%s` is from %d cores of an %s%s%s, Go %s. Load %.1f as it began, %.0f s in all; medians of\n%d rounds, with their spread.\n",
		m.Kernels, m.Cores, m.CPU, restricted, memory, strings.TrimPrefix(m.Go, "go"), m.Load, r.Seconds, r.Rounds)
}

// Number is x in three or four digits, with commas between thousands.
func Number(x float64) string {
	switch {
	case x >= 100:
		s := strconv.FormatFloat(x, 'f', 0, 64)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case x >= 1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'f', 3, 64)
}
