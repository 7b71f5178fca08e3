package model

import (
	"fmt"

	"qtool/approx"
)

// Gates are polynomials of pre-activations in [-Radius, Radius]:
//
//	gate_k(z) = sum_j gates[k, j] (z/Radius)^j,   k = i, f, g, o, output
//
// that training may change. They begin as the least-squares fits of what they
// replace.
type Gates struct {
	Degree int     `yaml:"degree" json:"degree"`
	Radius float64 `yaml:"radius" json:"radius"`
	// LinearOutput leaves out the activation of the cell state: h = o c.
	LinearOutput bool `yaml:"linear_output,omitempty" json:"linear_output,omitempty"`
	// Penalty weighs the squares by which pre-activations pass Inside * Radius.
	Penalty float64 `yaml:"penalty" json:"penalty"`
	Inside  float64 `yaml:"inside" json:"inside"`
}

// gateCount is how many polynomials there are: one for each of four gates, one for the output.
const gateCount = 5

// validate returns an error that names the key, the value and the limit.
func (g *Gates) validate() error {
	switch {
	case g.Degree < 1 || g.Degree > MaxDegree:
		return fmt.Errorf("degree: %d is outside 1..%d", g.Degree, MaxDegree)
	case !(g.Radius > 0 && g.Radius <= 100):
		return fmt.Errorf("radius: %v is outside 0..100 (0 itself excluded)", g.Radius)
	case !(g.Penalty >= 0 && g.Penalty <= 1e6):
		return fmt.Errorf("penalty: %v is outside 0..1e6", g.Penalty)
	case !(g.Inside > 0 && g.Inside <= 1):
		return fmt.Errorf("inside: %v is outside 0..1 (0 itself excluded)", g.Inside)
	}
	return nil
}

// fit writes the least-squares polynomials of what the gates replace, in powers of
// z/Radius.
func (g *Gates) fit(theta []float32) error {
	for k, name := range []string{"sigmoid", "sigmoid", "tanh", "sigmoid", "tanh"} {
		p, err := approx.Fit(name, approx.LeastSquares, g.Degree, approx.Interval{Lo: -g.Radius, Hi: g.Radius})
		if err != nil {
			return fmt.Errorf("gates: %w", err)
		}
		power := 1.0
		for j, a := range p.Coefficients {
			theta[k*(g.Degree+1)+j] = float32(a * power)
			power *= g.Radius
		}
	}
	return nil
}
