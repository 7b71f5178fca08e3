package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"qtool/approx"
	"qtool/approx/compare"
	"qtool/approx/compare/picture"
)

// activationOptions are what inspect --activation takes.
type activationOptions struct {
	function string
	degree   int
	interval []float64
	method   string
	plot     string
}

func (o *activationOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.function, "activation", "", "function to approximate: "+strings.Join(approx.Names(), ", "))
	f.IntVar(&o.degree, "degree", 3, fmt.Sprintf("degree of the polynomials, 1 to %d", approx.MaxDegree))
	f.Float64SliceVar(&o.interval, "interval", []float64{-4, 4}, "lo,hi")
	f.StringVar(&o.method, "method", "all", "taylor, chebyshev, leastsquares, minimax, or all")
	f.StringVar(&o.plot, "plot", "", "also draw the functions and their errors: FILE.svg or FILE.png")
}

func runInspectActivation(a *app, o activationOptions) error {
	v, err := compare.New(o.function, o.degree, o.interval, o.method)
	if err != nil {
		return err
	}
	if o.plot != "" {
		if err := picture.Write(o.plot, v); err != nil {
			return err
		}
	}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.activation(v)
	if o.plot != "" {
		p.f("\nwrote %s\n", o.plot)
	}
	return p.err
}

// activation prints the table, the coefficients and the errors over the interval.
func (p *printer) activation(v *compare.Comparison) {
	p.f("%s = %s on [%v, %v], polynomials of degree %d\n\n", v.Activation, v.Formula, v.Interval[0], v.Interval[1], v.Degree)
	t := newTable()
	t.AppendHeader(table.Row{"method", "worst error", "at x =", "RMS error", "error from lo to hi"})
	right(t, 2, 3, 4)
	scale := 0.0
	for _, f := range v.Fits {
		if f.Polynomial != nil && f.Method != approx.Taylor {
			scale = max(scale, f.Worst)
		}
	}
	for _, f := range v.Fits {
		if f.Polynomial == nil {
			t.AppendRow(table.Row{f.Method, "-", "-", "-", f.Error})
			continue
		}
		if scale == 0 {
			scale = f.Worst
		}
		t.AppendRow(table.Row{f.Method, sixDigits(f.Worst, math.Ceil), fmt.Sprintf("%.4f", f.WorstAt), fmt.Sprintf("%.6g", f.RMS), compare.Sparkline(f.Polynomial, scale)})
	}
	p.f("%s\n\n", t.Render())
	for _, f := range v.Fits {
		if f.Polynomial != nil {
			p.f("%-12s %s\n", f.Method, compare.Polynomial(f.Coefficients))
		}
	}
	for _, f := range v.Fits {
		if f.Method == approx.Minimax && f.Polynomial != nil {
			p.f("\nNo polynomial of degree %d has a worst error below %s.\n", v.Degree, sixDigits(*f.Least, math.Floor))
		}
	}
}

// sixDigits writes a bound with six digits, rounded so that it stays one.
func sixDigits(v float64, round func(float64) float64) string {
	if v == 0 {
		return "0"
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-5)
	return fmt.Sprintf("%.6g", round(v/unit)*unit)
}
