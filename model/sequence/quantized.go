package sequence

import (
	"fmt"
	"math"

	"qtool/model"
	"qtool/quant"
)

// Quantizers say what the integers of a network mean.
//
// The input x has codes of Input. A row r of [lstm.input, lstm.hidden] has one
// scale Rows[r], of weights that are multiplied by the scale of what they meet:
//
//	W_rd = quantize(lstm.input_rd * Input.Scale, Rows[r])
//	U_rj = quantize(lstm.hidden_rj * scale of h, Rows[r])
//	z_r  = Rows[r] * (W_r x + U_r h) + lstm.bias_r
//
// so that the accumulator is one integer. In the polynomial family neither is
// multiplied, all rows have one scale, and z is Rows[r] (Input.Scale W x + U h) +
// lstm.bias_r; these scales are powers of two, so that shifts are all that brings
// the terms together.
type Quantizers struct {
	Input      quant.Params   `json:"input"`
	WeightBits quant.BitWidth `json:"weight_bits"`
	Rows       []float32      `json:"rows,omitempty"`
	// Output is the scale of output.weight; its bias is an integer of the products'.
	Output float32 `json:"output"`
	// Family is "table", "polynomial" or "linear" (the cell mean).
	Family string `json:"family"`
	// StateBits is the width of gates, products, cell and hidden state of the table
	// family, CellRange the largest |c| that the cell state holds.
	StateBits quant.BitWidth `json:"state_bits,omitempty"`
	CellRange int            `json:"cell_range,omitempty"`
	// Fraction is the bits behind the point of the polynomial family's states.
	Fraction int `json:"fraction,omitempty"`
}

// The families.
const (
	TableFamily      = "table"
	PolynomialFamily = "polynomial"
	LinearFamily     = "linear"
)

// Quantized is a network with its quantizers. Params are the float master weights.
type Quantized struct {
	Network    *Network
	Params     model.Parameters
	Quantizers Quantizers
}

// Validate returns an error that names the field, the value and the limit.
func (q *Quantizers) Validate(n *Network) error {
	if err := q.Input.Validate(); err != nil {
		return fmt.Errorf("sequence: input quantizer: %w", err)
	}
	if err := quant.CheckBits(int(q.WeightBits), true); err != nil {
		return fmt.Errorf("sequence: weights: %w", err)
	}
	if !q.Input.Signed || q.Input.ZeroPoint != 0 || q.Input.Bits > 8 {
		return fmt.Errorf("sequence: input quantizer %+v: want a signed one of at most 8 bits around 0", q.Input)
	}
	if !positive(q.Output) {
		return fmt.Errorf("sequence: output scale %v is not finite and positive", q.Output)
	}
	if n.Cell == Mean {
		if q.Family != LinearFamily {
			return fmt.Errorf("sequence: family %q of the cell mean: want %s", q.Family, LinearFamily)
		}
		return nil
	}
	if len(q.Rows) != 4*n.Hidden {
		return fmt.Errorf("sequence: %d row scales, want %d", len(q.Rows), 4*n.Hidden)
	}
	for r, s := range q.Rows {
		if !positive(s) {
			return fmt.Errorf("sequence: scale %v of row %d is not finite and positive", s, r)
		}
	}
	if n.Mask {
		return fmt.Errorf("sequence: a network that masks padding needs the sentence's length: set mask to false")
	}
	switch {
	case q.Family == TableFamily && n.Gates == nil:
		if q.StateBits < 2 || q.StateBits > 6 {
			return fmt.Errorf("sequence: states of %d bits, want 2..6", q.StateBits)
		}
		if q.CellRange < 1 || q.CellRange > 16 || q.CellRange&(q.CellRange-1) != 0 {
			return fmt.Errorf("sequence: cell range %d is not a power of two in 1..16", q.CellRange)
		}
	case q.Family == PolynomialFamily && n.Gates != nil:
		if q.Fraction < 8 || q.Fraction > 24 {
			return fmt.Errorf("sequence: fraction of %d bits, want 8..24", q.Fraction)
		}
		for _, s := range append([]float32{q.Input.Scale}, q.Rows...) {
			if f, _ := math.Frexp(float64(s)); f != 0.5 || s > 1 || s < 1.0/256 {
				return fmt.Errorf("sequence: scale %v is not a power of two in 2^-8..1", s)
			}
			if s != q.Input.Scale && s != q.Rows[0] {
				return fmt.Errorf("sequence: scales %v and %v of rows differ", q.Rows[0], s)
			}
		}
	default:
		return fmt.Errorf("sequence: family %q does not fit the network's gates", q.Family)
	}
	return nil
}

func positive(s float32) bool { return s > 0 && !math.IsInf(float64(s), 0) }

// Weight is the quantizer of a weight scale.
func (q *Quantizers) Weight(scale float32) quant.Params {
	return quant.Params{Scale: scale, Bits: q.WeightBits, Signed: true, NarrowRange: true}
}

// HiddenScale is the real value of a hidden state of 1.
func (q *Quantizers) HiddenScale() float64 {
	if q.Family == PolynomialFamily {
		return math.Ldexp(1, -q.Fraction)
	}
	return q.grid().hidden()
}

// Folds are what weights are multiplied by that meet the input and the hidden state.
func (q *Quantizers) Folds() (input, hidden float32) {
	if q.Family == PolynomialFamily {
		return 1, 1
	}
	return q.Input.Scale, float32(q.HiddenScale())
}

// Folded writes the weights of all rows as their quantizer sees them, [4H, D+H]:
// multiplied by the scale of what they meet.
func (q *Quantized) Folded(dst []float32) {
	n := q.Network
	w, u := q.Params.Get("lstm.input"), q.Params.Get("lstm.hidden")
	sx, sh := q.Quantizers.Folds()
	row := n.Inputs + n.Hidden
	for r := range 4 * n.Hidden {
		for d := range n.Inputs {
			dst[r*row+d] = w[r*n.Inputs+d] * sx
		}
		for j := range n.Hidden {
			dst[r*row+n.Inputs+j] = u[r*n.Hidden+j] * sh
		}
	}
}

// Codes writes the integer weights W [4H, D] and U [4H, H] as float32.
func (q *Quantized) Codes(w, u []float32) {
	n := q.Network
	row := n.Inputs + n.Hidden
	folded := make([]float32, 4*n.Hidden*row)
	q.Folded(folded)
	for r := range 4 * n.Hidden {
		p := q.Quantizers.Weight(q.Quantizers.Rows[r])
		f := folded[r*row : (r+1)*row]
		p.Codes(w[r*n.Inputs:(r+1)*n.Inputs], f[:n.Inputs])
		p.Codes(u[r*n.Hidden:(r+1)*n.Hidden], f[n.Inputs:])
	}
}

// OutputCodes are the integer weights of the logit and its integer bias, for
// inputs of the given scale: the logit is Output * scale * (codes h + bias).
func (q *Quantized) OutputCodes() (codes []float32, bias float64) {
	w, b := q.Params.Of("output")
	codes = make([]float32, len(w))
	q.Quantizers.Weight(q.Quantizers.Output).Codes(codes, w)
	return codes, quant.Round24(math.RoundToEven(float64(b[0]) / q.LogitScale()))
}

// LogitScale is the real value of a logit of 1.
func (q *Quantized) LogitScale() float64 {
	s := float64(q.Quantizers.Output)
	if q.Quantizers.Family == LinearFamily {
		return s * float64(q.Quantizers.Input.Scale)
	}
	return s * q.Quantizers.HiddenScale()
}
