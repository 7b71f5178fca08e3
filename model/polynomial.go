package model

import (
	"fmt"
	"math"
	"slices"
)

// MaxDegree bounds a polynomial activation.
const MaxDegree = 15

// Function is what an activation computes: its type or, for a polynomial that
// has no coefficients yet, the function that it is to approximate.
func (l Layer) Function() Kind {
	if l.Type == Polynomial && l.Coefficients == nil {
		return l.Approximates
	}
	return l.Type
}

// Unfitted is the network with every polynomial that has no coefficients yet
// written as the function that it is: two networks that are the same so compute
// the same, whatever the polynomials will be.
func (n *Network) Unfitted() *Network {
	out := &Network{Input: n.Input, Layers: slices.Clone(n.Layers)}
	for i, l := range out.Layers {
		if f := l.Function(); f != l.Type {
			out.Layers[i] = Layer{Type: f, Name: l.Name, From: l.From}
		}
	}
	return out
}

// Undropped is the network as it answers: without what is left out in training alone.
func (n *Network) Undropped() *Network {
	sources, err := n.Sources()
	if err != nil {
		return n
	}
	out := &Network{Input: n.Input}
	stands := map[string]string{} // which tensor stands for a dropout's
	for i, l := range n.Layers {
		l.Rate, l.WordDropout = 0, 0
		l = l.reads(n, sources[i], stands, out)
		if l.Type != Dropout {
			out.Layers = append(out.Layers, l)
			continue
		}
		stands[l.Name] = InputName
		if from := sources[i][0]; from != Input {
			name := n.Layers[from].Name
			if s, ok := stands[name]; ok {
				name = s
			}
			stands[l.Name] = name
		}
	}
	return out
}

// PolynomialCoefficients is a_0..a_d of a polynomial activation, or false for
// any other layer and for a polynomial that has none yet.
func (l Layer) PolynomialCoefficients() ([]float64, bool) {
	switch l.Function() {
	case Square:
		return []float64{0, 0, 1}, true
	case Polynomial:
		return l.Coefficients, true
	}
	return nil, false
}

// checkPolynomial checks the keys of a polynomial together.
func (l Layer) checkPolynomial() error {
	if l.Approximates != "" {
		if err := l.checkApproximation(); err != nil {
			return err
		}
	} else {
		if l.Degree != 0 || l.Method != "" || l.Percentile != 0 {
			return fmt.Errorf("degree, method and percentile need approximates, the function to fit")
		}
	}
	if l.Interval != nil && (len(l.Interval) != 2 || !(l.Interval[0] < l.Interval[1]) || !finite(l.Interval)) {
		return fmt.Errorf("interval %v: want [lo, hi], finite, lo below hi", l.Interval)
	}
	if l.Approximates != "" && l.Coefficients == nil {
		return nil
	}
	d := len(l.Coefficients) - 1
	if d < 1 || d > MaxDegree || l.Coefficients[d] == 0 {
		return fmt.Errorf("coefficients %v: want 2..%d of them (constant first), the last not 0", l.Coefficients, MaxDegree+1)
	}
	for _, c := range l.Coefficients {
		if c-c != 0 {
			return fmt.Errorf("coefficient %v is not finite", c)
		}
	}
	return nil
}

func (l Layer) checkApproximation() error {
	if l.Degree < 1 || l.Degree > MaxDegree {
		return fmt.Errorf("degree %d is outside 1..%d", l.Degree, MaxDegree)
	}
	if l.Method == "" {
		return fmt.Errorf("approximates %s: method is missing", l.Approximates)
	}
	if p := l.Percentile; p != 0 && !(p > 50 && p <= 100) {
		return fmt.Errorf("percentile %v is outside (50, 100]", p)
	}
	switch {
	case l.Coefficients != nil:
		if n := len(l.Coefficients); n != l.Degree+1 || l.Interval == nil {
			return fmt.Errorf("%d coefficients on interval %v for degree %d of %s", n, l.Interval, l.Degree, l.Approximates)
		}
	case l.Interval != nil:
		return fmt.Errorf("an approximation on %v without its coefficients", l.Interval)
	case l.Percentile == 0:
		return fmt.Errorf("approximates %s: want interval or percentile", l.Approximates)
	case !slices.Contains([]Kind{Tanh, Sigmoid, ReLU, SiLU}, l.Approximates):
		return fmt.Errorf("approximates %q: want tanh, sigmoid, relu or silu: the network is trained with it until the interval is measured", l.Approximates)
	}
	return nil
}

func finite(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return x-x != 0 })
}

// Radius is the R of a trainable polynomial's parameters
//
//	theta_k = a_k R^k,   p(x) = sum theta_k (x/R)^k
//
// the largest magnitude in its interval, or 1 where it has none. In them all
// coefficients are of one size, as an optimiser that steps alike in each needs.
func (l Layer) Radius() float64 {
	if l.Interval == nil {
		return 1
	}
	return math.Max(math.Abs(l.Interval[0]), math.Abs(l.Interval[1]))
}

// coefficientTensor is the parameter tensor of a trainable polynomial at the
// layer's own coefficients.
func (l Layer) coefficientTensor() Tensor {
	t := Tensor{Name: l.Name + ".coefficients", Shape: []int{len(l.Coefficients)}}
	power := 1.0
	for _, a := range l.Coefficients {
		t.Data = append(t.Data, float32(a*power))
		power *= l.Radius()
	}
	return t
}

// Trained is the layer with its trained coefficients, where it is a trainable polynomial
// and p holds some; any other layer stays as it is.
func (p Parameters) Trained(l Layer) Layer {
	if !l.Trainable {
		return l
	}
	if theta := p.Coefficients(l.Name); theta != nil {
		l.Coefficients = l.FromParameters(theta)
	}
	return l
}

// FromParameters turns parameters theta into coefficients a; see Radius.
func (l Layer) FromParameters(theta []float32) []float64 {
	a := make([]float64, len(theta))
	power := 1.0
	for k, v := range theta {
		a[k] = float64(v) / power
		power *= l.Radius()
	}
	return a
}

// Coefficients is the parameter tensor of the named trainable polynomial, or nil.
func (p Parameters) Coefficients(layer string) []float32 { return p.Get(layer + ".coefficients") }
