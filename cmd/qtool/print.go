package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"qtool/bundle"
	"qtool/he"
	"qtool/verify"
)

// newTable is a table in the style that every command prints.
func newTable() table.Writer {
	t := table.NewWriter()
	s := table.StyleLight
	s.Options = table.OptionsNoBordersAndSeparators
	s.Options.SeparateHeader = true
	s.Format.Header = text.FormatDefault
	s.Format.Footer = text.FormatDefault
	t.SetStyle(s)
	return t
}

// right aligns the columns with the given numbers, counted from 1.
func right(t table.Writer, columns ...int) {
	var c []table.ColumnConfig
	for _, n := range columns {
		c = append(c, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(c)
}

// print writes a report to stdout: as it is with --json, as tables otherwise.
// Where a folder was written, note says so at the end.
func (a *app) print(r *verify.Report, note string) error {
	if a.json {
		b, err := r.Encode()
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(b)
		return err
	}
	p := &printer{w: a.stdout}
	p.report(r)
	if note != "" {
		p.f("\n%s\n", note)
	}
	return p.err
}

// printer keeps the first error of a series of writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) report(r *verify.Report) {
	p.f("\n%s, seed %d, on %s\n\n", r.Recipe, r.Seed, r.Dataset)
	p.ladder(r)
	p.mismatches(r)
	p.domains(r.Domains)
	p.simulated(r)
	if r.Backend == nil {
		return
	}
	p.f("\n%s\n", layersTable(rowsOf(r.Layers)))
	p.cost(r)
	p.precision(r)
	p.lookups(r.Lookups, r.Unit())
	p.parameters(r)
}

// domains says what values used of the intervals that polynomials were fitted for.
func (p *printer) domains(all he.Domains) {
	if len(all) > 0 {
		p.f("\ndomains of the polynomials, over all steps of all sentences:\n")
	}
	for _, d := range all {
		p.f("  %s.%s  [%.3g, %.3g], values in [%.3g, %.3g]\n", d.Layer, d.Node, d.Lo, d.Hi, d.SeenLo, d.SeenHi)
	}
}

// mismatches says how the fake-quantized network's layers agree with the program's.
func (p *printer) mismatches(r *verify.Report) {
	exact, layers, beyond := 0, 0, 0
	differ := 0
	for _, l := range r.Layers {
		if l.QuantizedMismatches == nil {
			continue
		}
		layers++
		if *l.QuantizedMismatches == 0 {
			exact++
		}
		if !*l.Float32Exact {
			beyond++
		}
		differ += *l.QuantizedMismatches
	}
	if layers == 0 {
		return
	}
	p.f("\nquantized = integer, every element of every %s, in %d of %d layers", r.Unit().One, exact, layers)
	if beyond > 0 {
		p.f("; in %d layers integers may pass 2^24, which float32 rounds: %d elements differ there", beyond, differ)
	}
	p.f("\n")
}

// ladder is the table of the four stages, with the task's metrics.
func (p *printer) ladder(r *verify.Report) {
	t := newTable()
	metrics, noun := r.Asked().Metrics(), r.Unit()
	header := table.Row{""}
	for _, m := range metrics {
		header = append(header, m.Title)
	}
	t.AppendHeader(append(header, noun.Many, "against the stage above"))
	columns := make([]int, len(metrics)+1)
	for i := range columns {
		columns[i] = i + 2
	}
	right(t, columns...)
	answered := cmp.Or(r.Answers.Len(), r.Images, r.TestImages)
	encrypted := cmp.Or(r.Images, answered)
	notes := map[string]string{"encrypted": encryptedNote(r)}
	if r.Accuracy.Quantized != nil {
		notes["integer"] = fmt.Sprintf("%d answers differ", r.ArgmaxFlips.QuantizedInteger)
		if r.Accuracy.Float != nil {
			notes["quantized"] = fmt.Sprintf("%d answers differ", verify.CountFlips(r.Answers.Float, r.Answers.Quantized))
		}
	}
	for _, name := range verify.StageNames {
		ran, row := r.Judged(metrics[0]).Stage(name) != nil, table.Row{name}
		for _, m := range metrics {
			figure := "-"
			if x := r.Judged(m).Stage(name); x != nil {
				figure = m.Format(*x)
			}
			row = append(row, figure)
		}
		switch {
		case !ran:
			row = append(row, "-", "not run")
		case name == "encrypted":
			row = append(row, encrypted, notes[name])
		default:
			row = append(row, answered, notes[name])
		}
		t.AppendRow(row)
	}
	p.f("%s\n", t.Render())
	if answered < r.TestImages {
		p.f("Only the first %d of %d test %s were used.\n", answered, r.TestImages, noun.Many)
	}
	if r.Judged(metrics[0]).Encrypted != nil && encrypted < answered {
		p.f("Only the first %d of %d %s were encrypted.\n", encrypted, answered, noun.Many)
	}
}

// encryptedNote compares the encrypted stage with the integers: logit by logit
// where it is exact, else answer by answer. Where fewer images were encrypted, it
// says what the integers have on those.
func encryptedNote(r *verify.Report) string {
	note := fmt.Sprintf("%d logits differ", r.LogitMismatches)
	if r.Precision != nil {
		note = fmt.Sprintf("%d answers differ", r.ArgmaxFlips.IntegerEncrypted)
	} else if r.Explained > 0 {
		note += fmt.Sprintf(", %d of them by wrong entries", r.Explained)
	}
	m := r.Asked().Metric()
	if a := r.Judged(m).IntegerOnEncrypted; a != nil {
		note += fmt.Sprintf("; integer on these %d: %s", r.Images, m.Format(*a))
	}
	return note
}

// precision says how close approximate outputs came, and lists the flips.
func (p *printer) precision(r *verify.Report) {
	if x := r.Precision; x != nil {
		p.f("Approximate outputs: the worst error is 2^-%.1f of the largest logit, %.2g of the bound for inputs like calibration's (%d outside) and %.2g of that for any input (%d outside). Logits are not compared for equality.\n",
			x.Bits, x.WorstUsual, x.OutsideUsual, x.WorstShare, x.Outside)
		if x.Undecided > 0 {
			p.f("%s undecided: their largest logits lie closer than the error may be for inputs like calibration's.\n", r.Unit().Count(x.Undecided))
		}
		for _, f := range x.Flips {
			p.f("  %s %d: integer answers %d, encrypted %d; the integer margin is %.2g of the largest logit\n", r.Unit().One, f.Image, f.Integer, f.Encrypted, f.Margin)
		}
	}
	if l := r.Latency; l != nil {
		p.f("One %s: evaluate %.1f ms (median; predicted %.1f, first %.1f), encrypt %.1f ms, decrypt %.1f ms. Once: planned in %.2f s, weights encoded in %.2f s.\n",
			r.Unit().One,
			1000*l.Evaluate, 1000*l.Predicted, 1000*l.First, 1000*l.Encrypt, 1000*l.Decrypt, l.Plan, l.Encode)
	}
}

// layerRow is a layer as tables show it.
type layerRow struct {
	Name  string       `json:"name"`
	Op    bundle.Kind  `json:"op"`
	Bits  int          `json:"bits"`
	Range bundle.Range `json:"range"`
	Seen  bundle.Range `json:"seen"`
	SQNR  *float64     `json:"sqnr_db,omitempty"`
	// Inputs are the layers that it reads, none where that is the one before it.
	Inputs []string `json:"inputs,omitempty"`
}

func (l layerRow) cells() table.Row {
	bits, sqnr := "", ""
	if l.Bits > 0 {
		bits = fmt.Sprint(l.Bits)
	}
	if l.SQNR != nil {
		sqnr = fmt.Sprintf("%.1f", *l.SQNR)
	}
	return table.Row{l.Name, l.Op, strings.Join(l.Inputs, ", "), bits, shortRange(l.Range), l.Range.Bits(), l.Seen.Bits(), sqnr}
}

// shortRange is a range that fits a table: long bounds in powers of ten.
func shortRange(r bundle.Range) string {
	s := r.String()
	if len(s) <= 24 {
		return s
	}
	lo, hi := fmt.Sprintf("%.3g", approximate(r, false)), fmt.Sprintf("%.3g", approximate(r, true))
	return "[" + lo + ", " + hi + "]"
}

func approximate(r bundle.Range, upper bool) float64 {
	v := r.Lo
	if upper {
		v = r.Hi
	}
	f, _ := v.Float64()
	return f
}

// layerRows are a program's, the body of a Recurrent behind it.
func layerRows(p *bundle.Program, sqnr []float64) []layerRow {
	var rows []layerRow
	for i, row := range rowsOf(verify.Layers(p, nil, sqnr)) {
		rows = append(rows, row)
		if r, ok := p.Nodes[i].Op.(*bundle.Recurrent); ok {
			for _, n := range r.Body {
				rows = append(rows, layerRow{row.Name + "." + n.Name, n.Kind(), int(n.Bits), n.Range, n.Seen, nil, n.Inputs})
			}
		}
	}
	return rows
}

func rowsOf(layers []verify.Layer) []layerRow {
	var rows []layerRow
	for _, l := range layers {
		rows = append(rows, layerRow{l.Name, l.Op, int(l.Bits), l.Range, l.Seen, l.SQNR, l.Inputs})
	}
	return rows
}

func (p *printer) cost(r *verify.Report) {
	s := r.Seconds
	if s.Train > 0 {
		p.f("\nTraining %.1f s, quantization %.1f s, integer reference %.1f s.\n", s.Train, s.Quantize, s.Integer)
	}
	p.f("Encrypted: keygen %.2f s + encrypt %.1f s + evaluate %.1f s + decrypt %.1f s = %.1f s, %.2f ms %s.\n",
		s.Keygen, s.Encrypt, s.Evaluate, s.Decrypt, s.Encrypted(), 1000*s.Encrypted()/float64(max(r.Images, 1)), r.Unit().A())
	p.f("Bundle %s; ciphertexts of a full batch %s in, %s out; evaluation keys %s; peak memory %s.\n",
		size(r.Bytes.Bundle), size(r.Bytes.CiphertextIn), size(r.Bytes.CiphertextOut), size(r.Bytes.Keys), size(r.PeakRSSBytes))
}

func (p *printer) parameters(r *verify.Report) {
	b := r.Backend
	p.f("\nParameters (%s): N = 2^%d, log QP = %.1f, %d-bit security", b.Name, b.LogN, b.LogQP, b.SecurityBits)
	if !b.Approximate {
		p.f(", %.1f bits of noise budget left (%.1f predicted)", b.NoiseBitsLeft, b.PredictedBits)
	}
	p.f(".\n")
	for _, why := range b.Why {
		p.f("  - %s\n", why)
	}
	for _, l := range b.Tables {
		p.f("Tables of %s: %d look-ups %s of up to %d values, %.1f microseconds each on one core.\n", l.Layer, l.PerSample, r.Unit().A(), l.Domain, l.Microseconds)
	}
}

// size prints bytes in a unit a person can read.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

func layersTable(rows []layerRow) string {
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"layer", "operation", "inputs", "weight bits", "static bound", "bits", "calibration bits", "SQNR dB"})
	right(t, 4, 5, 6, 7, 8)
	for _, r := range rows {
		t.AppendRow(r.cells())
	}
	return t.Render()
}

func nonEmpty(v ...string) []string {
	var out []string
	for _, s := range v {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
