// Package sequence describes networks that read a sentence step by step: the
// vectors of its words, a projection, an LSTM (or just the average of the words),
// and one logit. It has their float parameters, the integers that they become, and
// the checkpoint files that hold them.
package sequence

import (
	"fmt"
	"math"
	"math/rand/v2"

	"qtool/approx"
	"qtool/model"
)

// Network maps the steps of a sentence to the logit of "positive":
//
//	x_t   = P sum over the words w of step t of E_w     (client, in the clear)
//	h_T   = LSTM(x_1 .. x_T)      or, for the cell "mean", x_1 / number of words
//	logit = output.weight h_T + output.bias
//
// with the parameters embedding E [words, Embedding], projection P [Inputs,
// Embedding], lstm.input [4 Hidden, Inputs], lstm.hidden [4 Hidden, Hidden],
// lstm.bias [4 Hidden] (gates i, f, g, o), output.weight [1, Hidden] and
// output.bias [1]; with polynomial gates lstm.gates [5, Degree+1] too.
type Network struct {
	Cell      string `yaml:"cell" json:"cell"`
	Embedding int    `yaml:"embedding" json:"embedding"`
	Inputs    int    `yaml:"inputs" json:"inputs"`
	Hidden    int    `yaml:"hidden,omitempty" json:"hidden,omitempty"`
	// Mask keeps the state at 0 while a short sentence has not begun. It needs the
	// sentence's length, which an encrypted input does not tell.
	Mask bool `yaml:"mask,omitempty" json:"mask,omitempty"`
	// Gates makes every activation a trainable polynomial; nil: sigmoids and
	// hyperbolic tangents.
	Gates *Gates `yaml:"gates,omitempty" json:"gates,omitempty"`
	// Steps is the number of steps, which the selection says.
	Steps int `yaml:"-" json:"steps"`
}

// Gates are polynomials of pre-activations in [-Radius, Radius]:
//
//	gate_k(z) = sum_j lstm.gates[k, j] (z/Radius)^j,   k = i, f, g, o, output
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

// The cells.
const (
	LSTM = "lstm"
	Mean = "mean"
)

// Validate returns an error that names the key, the value and the limit.
func (n *Network) Validate() error {
	recurrent := n.Cell == LSTM
	switch {
	case n.Cell != LSTM && n.Cell != Mean:
		return fmt.Errorf("cell: %q is unknown: want lstm or mean", n.Cell)
	case n.Embedding < 1 || n.Embedding > 1024:
		return fmt.Errorf("embedding: %d is outside 1..1024", n.Embedding)
	case n.Inputs < 1 || n.Inputs > 1024:
		return fmt.Errorf("inputs: %d is outside 1..1024", n.Inputs)
	case recurrent && (n.Hidden < 1 || n.Hidden > 1024):
		return fmt.Errorf("hidden: %d is outside 1..1024", n.Hidden)
	case !recurrent && (n.Hidden != 0 || n.Mask || n.Gates != nil):
		return fmt.Errorf("cell mean takes no hidden, mask or gates")
	case !recurrent && n.Steps > 1:
		return fmt.Errorf("cell mean needs one step, the selection makes %d", n.Steps)
	}
	if g := n.Gates; g != nil {
		switch {
		case g.Degree < 1 || g.Degree > 15:
			return fmt.Errorf("gates.degree: %d is outside 1..15", g.Degree)
		case !(g.Radius > 0 && g.Radius <= 100):
			return fmt.Errorf("gates.radius: %v is outside 0..100 (0 itself excluded)", g.Radius)
		case !(g.Penalty >= 0 && g.Penalty <= 1e6):
			return fmt.Errorf("gates.penalty: %v is outside 0..1e6", g.Penalty)
		case !(g.Inside > 0 && g.Inside <= 1):
			return fmt.Errorf("gates.inside: %v is outside 0..1 (0 itself excluded)", g.Inside)
		}
	}
	return nil
}

// Shapes are the tensors of a network over a vocabulary of that many words.
func (n *Network) shapes(words int) model.Parameters {
	p := model.Parameters{
		{Name: "embedding", Shape: []int{words, n.Embedding}},
		{Name: "projection", Shape: []int{n.Inputs, n.Embedding}},
	}
	out := n.Inputs
	if n.Cell == LSTM {
		out = n.Hidden
		p = append(p,
			model.Tensor{Name: "lstm.input", Shape: []int{4 * n.Hidden, n.Inputs}},
			model.Tensor{Name: "lstm.hidden", Shape: []int{4 * n.Hidden, n.Hidden}},
			model.Tensor{Name: "lstm.bias", Shape: []int{4 * n.Hidden}})
		if n.Gates != nil {
			p = append(p, model.Tensor{Name: "lstm.gates", Shape: []int{5, n.Gates.Degree + 1}})
		}
	}
	return append(p, model.Tensor{Name: "output.weight", Shape: []int{1, out}}, model.Tensor{Name: "output.bias", Shape: []int{1}})
}

// deviation is that of the vectors of words without a pre-trained one.
const deviation = 0.4

// Initialise draws the parameters from a PCG stream that depends on seed alone:
// embeddings normal with deviation 0.4, everything else uniform in +-1/sqrt(fan
// in); the forget gates' bias begins at 1. The caller overwrites the embeddings
// that it has.
func (n *Network) Initialise(words int, seed uint64) (model.Parameters, error) {
	if err := n.Validate(); err != nil {
		return nil, fmt.Errorf("sequence: %w", err)
	}
	p := n.shapes(words)
	r := rand.New(rand.NewPCG(seed, 0x73657175)) // "sequ"
	for i := range p {
		t := &p[i]
		size := 1
		for _, d := range t.Shape {
			size *= d
		}
		t.Data = make([]float32, size)
		if t.Name == "embedding" {
			for k := range t.Data {
				t.Data[k] = float32(deviation * r.NormFloat64())
			}
			continue
		}
		fan := n.Embedding
		switch t.Name {
		case "lstm.input", "lstm.hidden", "lstm.bias":
			fan = n.Hidden
		case "output.weight", "output.bias":
			fan = p[len(p)-2].Shape[1]
		}
		bound := 1 / math.Sqrt(float64(fan))
		for k := range t.Data {
			t.Data[k] = float32(bound * (2*float64(r.Float64()) - 1))
		}
		switch t.Name {
		case "lstm.bias":
			for k := n.Hidden; k < 2*n.Hidden; k++ {
				t.Data[k]++
			}
		case "lstm.gates":
			if err := n.Gates.fit(t.Data); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// fit writes the least-squares polynomials of what the gates replace, in powers of
// z/Radius.
func (g *Gates) fit(theta []float32) error {
	for k, name := range []string{"sigmoid", "sigmoid", "tanh", "sigmoid", "tanh"} {
		p, err := approx.Fit(name, approx.LeastSquares, g.Degree, approx.Interval{Lo: -g.Radius, Hi: g.Radius})
		if err != nil {
			return fmt.Errorf("sequence: gates: %w", err)
		}
		power := 1.0
		for j, a := range p.Coefficients {
			theta[k*(g.Degree+1)+j] = float32(a * power)
			power *= g.Radius
		}
	}
	return nil
}

// Check refuses parameters that are not the network's, for their own vocabulary.
func (n *Network) Check(p model.Parameters) error {
	if err := n.Validate(); err != nil {
		return fmt.Errorf("sequence: %w", err)
	}
	if len(p) == 0 || len(p[0].Shape) != 2 {
		return fmt.Errorf("sequence: no embedding")
	}
	want := n.shapes(p[0].Shape[0])
	if len(p) != len(want) {
		return fmt.Errorf("sequence: %d parameter tensors, the network has %d", len(p), len(want))
	}
	for i, t := range p {
		if t.Name != want[i].Name || fmt.Sprint(t.Shape) != fmt.Sprint(want[i].Shape) {
			return fmt.Errorf("sequence: tensor %q of shape %v, want %q of shape %v", t.Name, t.Shape, want[i].Name, want[i].Shape)
		}
		size := 1
		for _, d := range t.Shape {
			size *= d
		}
		if len(t.Data) != size {
			return fmt.Errorf("sequence: tensor %q has %d elements for shape %v", t.Name, len(t.Data), t.Shape)
		}
		for k, x := range t.Data {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("sequence: tensor %q: element %d is %v", t.Name, k, x)
			}
		}
	}
	return nil
}
