// Package compare sets the polynomials that different methods fit to a function side by
// side: coefficients, errors, and a line of text of each.
package compare

import (
	"fmt"
	"slices"

	"qtool/approx"
)

// Fit is a fitted polynomial, or why there is none: Figures is nil then.
type Fit struct {
	Method approx.Method `json:"method"`
	*Figures
	Error string `json:"error,omitempty"`

	Polynomial *approx.Polynomial `json:"-"`
}

// Figures are what is said of a polynomial: its coefficients from the constant on, the
// largest error on the interval and where it is, and the root of the mean square.
type Figures struct {
	Coefficients []float64 `json:"coefficients"`
	Worst        float64   `json:"worst_error"`
	WorstAt      float64   `json:"worst_at"`
	RMS          float64   `json:"rms_error"`
	// Least is of the minimax fit alone.
	Least *float64 `json:"least_possible_worst_error,omitempty"`
}

// Comparison is a function with its fits.
type Comparison struct {
	Activation string     `json:"activation"`
	Formula    string     `json:"formula"`
	Degree     int        `json:"degree"`
	Interval   [2]float64 `json:"interval"`
	Fits       []Fit      `json:"fits"`
}

// New fits polynomials to a function on an interval by all methods, or by the one that is
// named. A method that cannot fit says why, and one at least must fit.
func New(function string, degree int, interval []float64, method string) (*Comparison, error) {
	if len(interval) != 2 {
		return nil, fmt.Errorf("interval %v: want lo,hi", interval)
	}
	f, err := approx.Lookup(function)
	if err != nil {
		return nil, err
	}
	methods := approx.Methods()
	if method != "all" {
		methods = []approx.Method{approx.Method(method)}
	}
	iv := approx.Interval{Lo: interval[0], Hi: interval[1]}
	v := &Comparison{Activation: f.Name, Formula: f.Formula, Degree: degree, Interval: [2]float64{iv.Lo, iv.Hi}}
	var last error
	for _, m := range methods {
		p, err := approx.Fit(function, m, degree, iv)
		if err != nil {
			last = err
			v.Fits = append(v.Fits, Fit{Method: m, Error: err.Error()})
			continue
		}
		figures := &Figures{Coefficients: p.Coefficients, Worst: p.Worst, WorstAt: p.WorstAt, RMS: p.RMS}
		if m == approx.Minimax {
			figures.Least = &p.Least
		}
		v.Fits = append(v.Fits, Fit{Method: m, Figures: figures, Polynomial: p})
	}
	if !slices.ContainsFunc(v.Fits, func(f Fit) bool { return f.Polynomial != nil }) {
		return nil, last
	}
	return v, nil
}
