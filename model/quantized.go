package model

import "qtool/quant"

// Quantized is a network with a quantizer for its input, for the weights of every
// weighted or recurrent layer, for the outputs of every lookup-table activation and for the
// states of every recurrent layer. Params are the float master weights, from which the
// integers follow. Of a network that reads words the input is the tensor of its entry,
// and its quantizer is signed around 0.
//
// A polynomial activation is applied to the accumulator's integers, which grow:
// nothing is rounded. A lookup-table activation turns them into the codes of its quantizer.
type Quantized struct {
	Network     *Network
	Params      Parameters
	Input       quant.Params
	Weights     []WeightQuantizer     // one a layer with weights or a recurrent one, in order
	Activations []ActivationQuantizer // one a lookup-table activation, in order
	Recurrent   []RecurrentQuantizer  // one a recurrent layer, in order
}

// ActivationQuantizer is the quantizer of a lookup-table activation's outputs. Shift
// is how many low bits of the accumulator the table's index leaves out.
type ActivationQuantizer struct {
	Layer  string       `json:"layer"`
	Shift  uint8        `json:"shift"`
	Params quant.Params `json:"params"`
}

// WeightQuantizer is the symmetric, narrow-range quantizer of a layer's folded
// weights (see LayerScaling): one scale for the layer or one an output channel.
type WeightQuantizer struct {
	Layer  string         `json:"layer"`
	Bits   quant.BitWidth `json:"bits"`
	Scales []float32      `json:"scales"`
}

// Params is the quantizer of output channel o.
func (w WeightQuantizer) Params(o int) quant.Params {
	return quant.Params{Scale: w.Scales[o%len(w.Scales)], Bits: w.Bits, Signed: true, NarrowRange: true}
}

// LayerScaling is what a layer's integers mean. A tensor's integer n of channel
// c stands for the real Out[c]*n (Out has one element where all channels share
// it).
//
// For a weighted layer with input scales s_i:
//
//	S      = max |s_i|,  Fold_i = s_i / S
//	m_oi   = quantize(w_oi * Fold_i, scale_o)     integer weights
//	beta_o = round(b_o / Out_o)                   integer bias
//	Out_o  = scale_o * S
//
// so that sum_i m_oi n_i + beta_o at scale Out_o approximates the real
// pre-activation even where the scales differ between input channels. Of a layer
// whose scale is tied (see Tie), Out is what the tie says, which is scale_o * S but
// for the rounding of scale_o to float32.
type LayerScaling struct {
	Out []float64
	// Fold has a factor for each input channel; it is nil where the input has one
	// scale (all factors 1).
	Fold []float32
	// Coeffs are a polynomial activation's integer coefficients, one row for the
	// tensor or one a channel; see quant.IntegerPolynomial.
	Coeffs [][]float64
	// PoolSize is the area of an average pool's kernel; its integer form is a sum.
	PoolSize int
	// Weights are the whole numbers k_i of a sum, one for each tensor that it reads:
	// its integer form is sum k_i n_i, where each input's scale is k_i Out.
	Weights []float64
	// Deferred marks a weighted layer that leaves its bias to the table after it.
	Deferred bool
	// Slope and Offset, of one element or one a channel, are what a table makes
	// of its accumulator n before the activation: Slope n + Offset. Offset is also
	// set for the layers between a deferred bias and its table.
	Slope, Offset []float64
	// Table is a lookup-table activation's quantizer.
	Table   *ActivationQuantizer
	weights *WeightQuantizer
	groups  int // of a weighted layer's inputs; see Layer.Groups
}

// Server is the part of q behind the entry; see Network.Server. It shares q's quantizers
// and parameters.
func (q *Quantized) Server() (*Quantized, error) {
	entry := q.Network.Entry()
	if entry == Input {
		return q, nil
	}
	n, err := q.Network.Server()
	if err != nil {
		return nil, err
	}
	s := *q
	s.Network, s.Params = n, nil
	for _, t := range q.Params {
		client := false
		for _, l := range q.Network.Layers[:entry+1] {
			client = client || t.layer() == l.Name
		}
		if !client {
			s.Params = append(s.Params, t)
		}
	}
	return &s, nil
}
