package main

import (
	"fmt"
	"math/bits"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/he"
	"qtool/internal/whole"
	"qtool/kernel/cpu"
	"qtool/pipeline"
)

// planView is a plan with what a run beside the bundle measured of it.
type planView struct {
	Bundle string `json:"bundle"`
	// Scheme is the back end, by the name that inspect --plan has for it.
	Scheme string `json:"scheme"`
	he.Description
	// Tuned says that timings of this machine chose among plans, Processor whose
	// kernels the predicted seconds are for.
	Tuned     bool   `json:"tuned_timings"`
	Processor string `json:"processor"`
	// Measured is the seconds of each layer's evaluation in that run, an image;
	// nil where there was none with this back end.
	Measured []float64 `json:"measured_seconds,omitempty"`
	// MeasuredBits is the precision or noise budget of its outputs.
	MeasuredBits float64 `json:"measured_bits,omitempty"`
	// Halves are what was written; nil for nothing.
	Halves *halvesView `json:"halves,omitempty"`
}

func newPlanView(path string, d he.Description, tuned bool) planView {
	return planView{Bundle: path, Scheme: d.Backend, Description: d, Tuned: tuned, Processor: cpu.Active.String()}
}

// printPlan prints a plan for people, or as JSON.
func (a *app) printPlan(v planView) error {
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s: %s, N = 2^%d, log QP = %.1f, %d-bit security\n", v.Bundle, v.Backend, v.LogN, v.LogQP, v.SecurityBits)
	p.f("plan %s\n\n", v.Hash)
	p.f("ciphertext primes  %s\n", primes(v.CiphertextModuli))
	if len(v.SpecialModuli) > 0 {
		p.f("special primes     %s\n", primes(v.SpecialModuli))
	}
	if len(v.PlaintextModuli) > 0 {
		p.f("plaintext primes   %s\n", primes(v.PlaintextModuli))
	}
	if w := v.LWE; w != nil {
		p.f("LWE ciphertexts    dimension %d, log q = %d; digits of %s\n", w.Dimension, w.LogQ, w.Digits)
	}
	switch {
	case v.Rotations > 0:
		p.f("evaluation keys    %d rotation keys, %s with relinearisation\n", v.Rotations, size(v.KeyBytes))
	case v.KeyBytes > 0:
		p.f("evaluation keys    %s\n", size(v.KeyBytes))
	default:
		p.f("evaluation keys    none\n")
	}
	p.f("\n%s\n", v.layers().Render())
	p.f("%s", v.cost())
	for _, why := range v.Why {
		p.f("  - %s\n", why)
	}
	if v.Halves != nil {
		p.halves(v.Halves)
	}
	return p.err
}

// layers are the rows of the plan's table.
func (v *planView) layers() table.Writer {
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"layer", "layout", "ciphertexts", "products", "rotations", "hoisted", "primes", "bits", "predicted ms", "measured ms"})
	right(t, 3, 4, 5, 6, 7, 8, 9, 10)
	// A count that is zero in every layer leaves its column out.
	count := func(of func(he.LayerDescription) int) func(he.LayerDescription) string {
		used := false
		for _, l := range v.Layers {
			used = used || of(l) != 0
		}
		return func(l he.LayerDescription) string {
			if !used {
				return ""
			}
			return fmt.Sprint(of(l))
		}
	}
	products := count(func(l he.LayerDescription) int { return l.Products })
	rotations := count(func(l he.LayerDescription) int { return l.Rotations })
	hoisted := count(func(l he.LayerDescription) int { return l.Hoisted })
	limbs := count(func(l he.LayerDescription) int { return l.Limbs })
	for i, l := range v.Layers {
		measured, predicted, left := "", "", ""
		if v.Measured != nil {
			measured = fmt.Sprintf("%.1f", 1000*v.Measured[i])
		}
		if v.Predicted > 0 {
			predicted = fmt.Sprintf("%.1f", 1000*l.Seconds)
		}
		if l.Bits != 0 {
			left = fmt.Sprintf("%.1f", l.Bits)
		}
		t.AppendRow(table.Row{l.Name, l.Layout, fmt.Sprintf("%d to %d", l.In, l.Out), products(l), rotations(l), hoisted(l), limbs(l), left, predicted, measured})
	}
	return t
}

// cost is a sentence about time.
func (v *planView) cost() string {
	if v.Predicted == 0 {
		return ""
	}
	what := fmt.Sprintf("%d samples", v.Samples)
	if v.Samples == 1 {
		what = "a sample"
	}
	s := fmt.Sprintf("Predicted %.3g s %s on this machine (%s), %.3g core seconds on the reference processor", v.Predicted, "for "+what, v.Processor, v.Work)
	if v.Measured != nil {
		sum := 0.0
		for _, m := range v.Measured {
			sum += m
		}
		s += fmt.Sprintf("; measured %.1f ms (mean), %.1f bits at the output", 1000*sum, v.MeasuredBits)
	}
	return s + ".\n"
}

// primes are the lengths of primes in bits.
func primes(all []uint64) string {
	var lengths []string
	for _, q := range all {
		lengths = append(lengths, fmt.Sprint(bits.Len64(q)))
	}
	return fmt.Sprintf("%d of %s bits", len(all), strings.Join(lengths, ", "))
}

// measure looks for a report of this bundle and back end beside the bundle.
func (v *planView) measure(path string) error {
	r, err := pipeline.ReadReport(filepath.Join(filepath.Dir(path), pipeline.FileReport))
	if err != nil {
		return nil // no report, or of another version: nothing was measured
	}
	sum, _, err := whole.SHA256(path)
	if err != nil {
		return err
	}
	if r.BundleSHA256 != sum || r.Backend == nil || r.Backend.Name != v.Backend || r.Images == 0 {
		return nil
	}
	for _, l := range v.Layers {
		s := 0.0
		for i := l.First; i <= l.Last && i < len(r.Layers); i++ {
			s += r.Layers[i].Seconds
		}
		v.Measured = append(v.Measured, s/float64(r.Images))
	}
	if v.MeasuredBits = r.Backend.NoiseBitsLeft; r.Precision != nil {
		v.MeasuredBits = r.Precision.Bits
	}
	return nil
}
