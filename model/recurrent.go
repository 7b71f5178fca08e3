package model

import (
	"fmt"
	"math"

	"qtool/quant"
)

// RecurrentQuantizer says in which integers a recurrent layer carries its gates and
// states, beside the quantizer of its weights.
type RecurrentQuantizer struct {
	Layer string `json:"layer"`
	// StateBits is the width of gates, products and states where the gates are tables,
	// CellRange the largest |c| that the cell state of an LSTM holds.
	StateBits quant.BitWidth `json:"state_bits,omitempty"`
	CellRange int            `json:"cell_range,omitempty"`
	// Fraction is the bits behind the point of the states where the gates are polynomials.
	Fraction int `json:"fraction,omitempty"`
}

// TableCell reports whether the layer is recurrent and its activations are tables.
func (l Layer) TableCell() bool { return l.Recurrent() && l.Gates == nil }

// Tables reports whether the network has activations that only lookup tables can express
// exactly.
func (n *Network) Tables() bool {
	for _, l := range n.Layers {
		if l.LookupTable() || l.TableCell() {
			return true
		}
	}
	return false
}

// Recurrence is a quantized recurrent layer with all that its integers depend on.
//
// Its input x has codes of Input. Row r of [L.input, L.hidden] has one scale s_r, of
// weights that are multiplied by the scale of what they meet:
//
//	W_rd = quantize(L.input_rd * Input.Scale, s_r)
//	U_rj = quantize(L.hidden_rj * scale of h, s_r)
//	z_r  = s_r * (W_r x + U_r h) + L.bias_r
//
// so that the accumulator is one integer. Where the gates are polynomials neither is
// multiplied, all rows share one scale, and z is s (Input.Scale W x + U h) + L.bias_r;
// these scales are powers of two, so that shifts are all that brings the terms together.
type Recurrence struct {
	Layer     Layer
	Size      int          // of a step's vector
	Input     quant.Params // of its numbers
	Quantizer RecurrentQuantizer
	Weights   *WeightQuantizer
	// The float master weights: [rows, Size], [rows, Units] and [rows]; of polynomial gates
	// their coefficients, see Gates.
	InputWeights, HiddenWeights, Bias, Theta []float32
}

// Recurrence is the recurrent layer i of the network. The error names the layer.
func (q *Quantized) Recurrence(i int) (*Recurrence, error) {
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	sources, err := q.Network.Sources()
	if err != nil {
		return nil, err
	}
	in := shapeOf(q.Network, shapes, sources[i][0])
	r, err := q.recurrence(q.Network.Layers[i], in[1])
	if err == nil {
		err = r.check()
	}
	if err != nil {
		l := q.Network.Layers[i]
		return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
	}
	return r, nil
}

// recurrence is layer l on vectors of the given size; its scales are not checked.
func (q *Quantized) recurrence(l Layer, size int) (*Recurrence, error) {
	get := func(part string) []float32 { return q.Params.Get(l.Name + "." + part) }
	r := &Recurrence{
		Layer: l, Size: size, Input: q.Input,
		InputWeights: get("input"), HiddenWeights: get("hidden"), Bias: get("bias"), Theta: get("gates"),
	}
	for k := range q.Weights {
		if q.Weights[k].Layer == l.Name {
			r.Weights = &q.Weights[k]
		}
	}
	found := false
	for _, z := range q.Recurrent {
		if z.Layer == l.Name {
			r.Quantizer, found = z, true
		}
	}
	if r.Weights == nil || !found {
		return nil, fmt.Errorf("it has no quantizer of its weights, or none of its states")
	}
	return r, l.CheckStates(r.Quantizer)
}

// Rows is how many rows the weights have.
func (r *Recurrence) Rows() int { return r.Layer.gateRows() }

// CheckStates refuses widths of states that the recurrent layer cannot have.
func (l Layer) CheckStates(q RecurrentQuantizer) error {
	switch {
	case l.Mask:
		return fmt.Errorf("a network that masks padding needs the sentence's length: set mask to false")
	case l.Gates != nil:
		if q.Fraction < 8 || q.Fraction > 24 {
			return fmt.Errorf("fraction of %d bits, want 8..24", q.Fraction)
		}
	case q.StateBits < 2 || q.StateBits > 6:
		return fmt.Errorf("states of %d bits, want 2..6", q.StateBits)
	case l.Type == GRU:
	case q.CellRange < 1 || q.CellRange > 16 || q.CellRange&(q.CellRange-1) != 0:
		return fmt.Errorf("cell range %d is not a power of two in 1..16", q.CellRange)
	}
	return nil
}

// check refuses scales that the layer cannot have.
func (r *Recurrence) check() error {
	n := len(r.Weights.Scales)
	if want := r.Rows(); r.Layer.Gates == nil && n != want || r.Layer.Gates != nil && n != 1 {
		return fmt.Errorf("%d scales for %d rows of weights", n, want)
	}
	for o := range r.Weights.Scales {
		if err := r.Weights.Params(o).Validate(); err != nil {
			return err
		}
	}
	if r.Layer.Gates == nil {
		return nil
	}
	for _, s := range []float32{r.Input.Scale, r.Weights.Scales[0]} {
		if f, _ := math.Frexp(float64(s)); f != 0.5 || s > 1 || s < 1.0/256 {
			return fmt.Errorf("scale %v is not a power of two in 2^-8..1", s)
		}
	}
	return nil
}

// HiddenScale is the real value of a hidden state of 1.
func (r *Recurrence) HiddenScale() float64 {
	if r.Layer.Gates != nil {
		return math.Ldexp(1, -r.Quantizer.Fraction)
	}
	if r.Layer.Type == GRU {
		return 1 / float64(r.unitGrid().state)
	}
	return r.grid().hidden()
}

// hiddenMost is the largest magnitude that a hidden state is known to have.
func (r *Recurrence) hiddenMost() float64 {
	if r.Layer.Gates != nil {
		return math.Ldexp(1, r.Quantizer.Fraction+16)
	}
	return float64(int(1)<<(r.Quantizer.StateBits-1) - 1)
}

// Folds are what weights of row k are multiplied by that meet the input and the hidden
// state: of the candidate of a GRU the product of that and the reset gate.
func (r *Recurrence) Folds(k int) (input, hidden float32) {
	switch {
	case r.Layer.Gates != nil:
		return 1, 1
	case r.Layer.Type == GRU && k >= 2*r.Layer.Units:
		return r.Input.Scale, float32(r.unitGrid().resetScale())
	}
	return r.Input.Scale, float32(r.HiddenScale())
}

// Folded are the weights of all rows as their quantizer sees them, [rows, Size+Units]:
// multiplied by the scale of what they meet.
func (r *Recurrence) Folded() []float32 {
	units := r.Layer.Units
	all := make([]float32, 0, r.Rows()*(r.Size+units))
	for row := range r.Rows() {
		sx, sh := r.Folds(row)
		for _, w := range r.InputWeights[row*r.Size : (row+1)*r.Size] {
			all = append(all, w*sx)
		}
		for _, u := range r.HiddenWeights[row*units : (row+1)*units] {
			all = append(all, u*sh)
		}
	}
	return all
}

// Codes writes the integer weights W [rows, Size] and U [rows, Units] as float32.
func (r *Recurrence) Codes(w, u []float32) {
	units, row := r.Layer.Units, r.Size+r.Layer.Units
	folded := r.Folded()
	for k := range r.Rows() {
		p := r.Weights.Params(k)
		f := folded[k*row : (k+1)*row]
		p.Codes(w[k*r.Size:(k+1)*r.Size], f[:r.Size])
		p.Codes(u[k*units:(k+1)*units], f[r.Size:])
	}
}

// recur makes the scaling of the recurrent layer i.
func (w *walker) recur(i int, l Layer, s *LayerScaling, t *tensor) error {
	in := w.tensor(w.sources[i][0])
	r, err := w.q.recurrence(l, in.shape[1])
	if err != nil {
		return err
	}
	if w.observe != nil {
		o := Observation{
			Layer: l, Index: i, Folded: r.Folded(), Outputs: r.Rows(), Bits: r.Weights.Bits, Scales: r.Weights.Scales, Window: 1, InScale: 1,
		}
		if w.ranges {
			for k := range r.Size + l.Units {
				lo, hi := in.lo[0], in.hi[0]
				if k >= r.Size {
					hi = r.hiddenMost()
					lo = -hi
				}
				o.Lo, o.Hi = append(o.Lo, lo), append(o.Hi, hi)
			}
		}
		scales, err := w.observe(o)
		if err != nil {
			return err
		}
		if l.Gates != nil {
			scales = []float32{PowerOfTwo(scales[0])}
		}
		if len(scales) == len(r.Weights.Scales) {
			copy(r.Weights.Scales, scales) // learned scales are shared
		} else {
			r.Weights.Scales = scales
		}
	}
	if err := r.check(); err != nil {
		return err
	}
	s.Out, s.weights = []float64{r.HiddenScale()}, r.Weights
	t.offset, t.lo, t.hi = nil, []float64{-r.hiddenMost()}, []float64{r.hiddenMost()}
	return nil
}

// PowerOfTwo is the least power of two that is at least s.
func PowerOfTwo(s float32) float32 {
	f, e := math.Frexp(float64(s))
	if f == 0.5 {
		e--
	}
	return float32(math.Ldexp(1, e))
}
