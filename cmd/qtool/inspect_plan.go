package main

import (
	"fmt"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/bundle"
	"qtool/he/packed"
)

// planView is a plan with what a run beside the bundle measured of it.
type planView struct {
	packed.Description
	// Measured is the seconds of each layer's evaluation in that run, an image;
	// nil where there was none with this back end.
	Measured []float64 `json:"measured_seconds,omitempty"`
	// MeasuredBits is the precision or noise budget of its outputs.
	MeasuredBits float64 `json:"measured_bits,omitempty"`
}

// inspectPlan prints how a packed back end would evaluate the bundle.
func inspectPlan(a *app, path string, f *bundle.File, o verifyOptions) error {
	if err := o.unused(); err != nil {
		return err
	}
	d, err := describePlan(f.Program, o)
	if err != nil {
		return packedHint(err)
	}
	v := planView{Description: d}
	if err := v.measure(path); err != nil {
		return err
	}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s: %s, N = 2^%d, log QP = %.1f, %d-bit security\n", path, v.Scheme, v.LogN, v.LogQP, v.SecurityBits)
	p.f("plan %s; %d rotation keys, %s with relinearisation\n\n", v.Hash[:16], v.Rotations, size(v.KeyBytes))
	t := newTable()
	t.SuppressEmptyColumns()
	t.AppendHeader(table.Row{"layer", "layout", "ciphertexts", "products", "rotations", "hoisted", "primes", "bits", "predicted ms", "measured ms"})
	right(t, 3, 4, 5, 6, 7, 8, 9, 10)
	for i, l := range v.Layers {
		measured := ""
		if v.Measured != nil {
			measured = fmt.Sprintf("%.1f", 1000*v.Measured[i])
		}
		t.AppendRow(table.Row{l.Name, l.Layout, fmt.Sprintf("%d to %d", l.In, l.Out), l.Products, l.Rotations, l.Hoisted, l.Limbs,
			fmt.Sprintf("%.1f", l.Bits), fmt.Sprintf("%.1f", 1000*l.Seconds), measured})
	}
	p.f("%s\n", t.Render())
	p.f("Predicted %.1f ms an image", 1000*v.Predicted)
	if v.Measured != nil {
		sum := 0.0
		for _, s := range v.Measured {
			sum += s
		}
		p.f("; measured %.1f ms (mean), %.1f bits at the output", 1000*sum, v.MeasuredBits)
	}
	p.f(".\n")
	for _, why := range v.Why {
		p.f("  - %s\n", why)
	}
	return p.err
}

func describePlan(p *bundle.Program, o verifyOptions) (packed.Description, error) {
	options := packed.Options{LogN: o.logN, Bits: o.bits, AllowInsecure: o.allowInsecure}
	switch o.backend {
	case "packed-ckks":
		plan, err := packed.NewPlan(p, options)
		if err != nil {
			return packed.Description{}, packedHint(err)
		}
		return plan.Describe(), nil
	case "packed-bgv":
		plan, err := packed.NewExactPlan(p, options)
		if err != nil {
			return packed.Description{}, packedHint(err)
		}
		return plan.Describe(), nil
	}
	return packed.Description{}, fmt.Errorf("backend %q has no plan of packed ciphertexts: want packed-ckks or packed-bgv", o.backend)
}

// measure looks for a report of this bundle and back end beside the bundle.
func (v *planView) measure(path string) error {
	r, err := readReport(filepath.Join(filepath.Dir(path), fileReport))
	if err != nil {
		return nil // no report, or of another version: nothing was measured
	}
	sum, _, err := fileSHA256(path)
	if err != nil {
		return err
	}
	if r.BundleSHA256 != sum || r.Backend == nil || r.Backend.Name != v.Scheme || r.Images == 0 {
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
