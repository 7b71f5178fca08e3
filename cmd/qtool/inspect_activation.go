package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"qtool/approx"
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

// fitView is a fitted polynomial, or why there is none.
type fitView struct {
	Method approx.Method `json:"method"`
	*fitFigures
	Error string `json:"error,omitempty"`

	polynomial *approx.Polynomial
}

type fitFigures struct {
	Coefficients []float64 `json:"coefficients"`
	Worst        float64   `json:"worst_error"`
	WorstAt      float64   `json:"worst_at"`
	RMS          float64   `json:"rms_error"`
	// Least is of the minimax fit alone.
	Least *float64 `json:"least_possible_worst_error,omitempty"`
}

type activationView struct {
	Activation string     `json:"activation"`
	Formula    string     `json:"formula"`
	Degree     int        `json:"degree"`
	Interval   [2]float64 `json:"interval"`
	Fits       []fitView  `json:"fits"`
}

func runInspectActivation(a *app, o activationOptions) error {
	v, err := o.fit()
	if err != nil {
		return err
	}
	if o.plot != "" {
		if err := plotActivation(v, o.plot); err != nil {
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

// fit runs the methods; a method that cannot fit says why, and one at least must fit.
func (o activationOptions) fit() (*activationView, error) {
	if len(o.interval) != 2 {
		return nil, fmt.Errorf("interval %v: want lo,hi", o.interval)
	}
	f, err := approx.Lookup(o.function)
	if err != nil {
		return nil, err
	}
	methods := approx.Methods()
	if o.method != "all" {
		methods = []approx.Method{approx.Method(o.method)}
	}
	iv := approx.Interval{Lo: o.interval[0], Hi: o.interval[1]}
	v := &activationView{Activation: f.Name, Formula: f.Formula, Degree: o.degree, Interval: [2]float64{iv.Lo, iv.Hi}}
	var last error
	for _, m := range methods {
		p, err := approx.Fit(o.function, m, o.degree, iv)
		if err != nil {
			last = err
			v.Fits = append(v.Fits, fitView{Method: m, Error: err.Error()})
			continue
		}
		figures := &fitFigures{Coefficients: p.Coefficients, Worst: p.Worst, WorstAt: p.WorstAt, RMS: p.RMS}
		if m == approx.Minimax {
			figures.Least = &p.Least
		}
		v.Fits = append(v.Fits, fitView{Method: m, fitFigures: figures, polynomial: p})
	}
	if !slices.ContainsFunc(v.Fits, func(f fitView) bool { return f.polynomial != nil }) {
		return nil, last
	}
	return v, nil
}

// activation prints the table, the coefficients and the errors over the interval.
func (p *printer) activation(v *activationView) {
	p.f("%s = %s on [%v, %v], polynomials of degree %d\n\n", v.Activation, v.Formula, v.Interval[0], v.Interval[1], v.Degree)
	t := newTable()
	t.AppendHeader(table.Row{"method", "worst error", "at x =", "RMS error", "error from lo to hi"})
	right(t, 2, 3, 4)
	scale := 0.0
	for _, f := range v.Fits {
		if f.polynomial != nil && f.Method != approx.Taylor {
			scale = max(scale, f.Worst)
		}
	}
	for _, f := range v.Fits {
		if f.polynomial == nil {
			t.AppendRow(table.Row{f.Method, "-", "-", "-", f.Error})
			continue
		}
		if scale == 0 {
			scale = f.Worst
		}
		t.AppendRow(table.Row{f.Method, sixDigits(f.Worst, math.Ceil), fmt.Sprintf("%.4f", f.WorstAt), fmt.Sprintf("%.6g", f.RMS), sparkline(f.polynomial, scale)})
	}
	p.f("%s\n\n", t.Render())
	for _, f := range v.Fits {
		if f.polynomial != nil {
			p.f("%-12s %s\n", f.Method, formatPolynomial(f.Coefficients))
		}
	}
	for _, f := range v.Fits {
		if f.Method == approx.Minimax && f.polynomial != nil {
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

// sparkline draws p - f over the interval in 48 columns: the middle of the
// column is 0, its ends are -scale and scale, and ! is beyond them.
func sparkline(p *approx.Polynomial, scale float64) string {
	f, err := approx.Lookup(p.Function)
	if err != nil || scale == 0 {
		return ""
	}
	const columns = 48
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for i := range columns {
		x := p.Interval.Lo + (p.Interval.Hi-p.Interval.Lo)*float64(i)/(columns-1)
		e := (p.Eval(x) - f.Eval(x)) / scale
		if math.Abs(e) > 1+1e-9 {
			b.WriteByte('!')
			continue
		}
		b.WriteRune(levels[min(max(int((e+1)/2*float64(len(levels))), 0), len(levels)-1)])
	}
	return b.String()
}

// formatPolynomial writes a_0 + a_1 x + ... to nine digits, zeros left out.
func formatPolynomial(a []float64) string {
	var b strings.Builder
	for k, c := range a {
		if c == 0 {
			continue
		}
		term := fmt.Sprintf("%.9g", math.Abs(c))
		switch k {
		case 0:
		case 1:
			term += " x"
		default:
			term += fmt.Sprintf(" x^%d", k)
		}
		switch {
		case b.Len() > 0 && c < 0:
			b.WriteString(" - ")
		case b.Len() > 0:
			b.WriteString(" + ")
		case c < 0:
			b.WriteString("-")
		}
		b.WriteString(term)
	}
	if b.Len() == 0 {
		return "0"
	}
	return b.String()
}
