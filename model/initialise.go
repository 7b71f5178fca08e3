package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// The second words of the streams that parameters are drawn from: networks that read
// words have one of their own.
const (
	initialStream  = 0x696e6974 // "init"
	sentenceStream = 0x73657175 // "sequ"
)

// wordDeviation is the standard deviation of the vectors of words that have no
// pre-trained one.
const wordDeviation = 0.4

// Initialise draws the parameters from a PCG stream that depends on seed alone, tensor
// by tensor: weights and biases uniformly from +-1/sqrt(fan in), where the fan in of an
// LSTM is its units; the vectors of words normally with deviation 0.4. A batch norm
// begins with weight and variance 1, bias and mean 0, a trainable polynomial with its
// own coefficients, polynomial gates as the fits of what they replace, and the bias of
// an LSTM's forget gates has 1 added. The caller overwrites the vectors that it has.
//
// Reference: He et al., arXiv 1502.01852, with a = sqrt(5), the default of
// PyTorch's linear and convolution layers.
func (n *Network) Initialise(seed uint64) (Parameters, error) {
	p, err := n.parameters()
	if err != nil {
		return nil, err
	}
	stream := uint64(initialStream)
	if n.ReadsWords() {
		stream = sentenceStream
	}
	r := rand.New(rand.NewPCG(seed, stream))
	at := 0
	for _, l := range n.Layers {
		first := at
		for at < len(p) && p[at].layer() == l.Name {
			at++
		}
		if err := l.initialise(p[first:at], r); err != nil {
			return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
	}
	return p, nil
}

// initialise fills the layer's tensors p from r.
func (l Layer) initialise(p Parameters, r *rand.Rand) error {
	for i := range p {
		t := &p[i]
		if t.Data != nil {
			continue // a polynomial has its own coefficients
		}
		t.Data = make([]float32, size(t.Shape))
		switch {
		case l.Type == BatchNorm:
			if strings.HasSuffix(t.Name, ".weight") || strings.HasSuffix(t.Name, ".variance") {
				for k := range t.Data {
					t.Data[k] = 1
				}
			}
			continue
		case l.Type == Embedding:
			for k := range t.Data {
				t.Data[k] = float32(wordDeviation * r.NormFloat64())
			}
			continue
		}
		fan := l.Units
		if !l.Recurrent() {
			fan = size(p[0].Shape[1:])
		}
		bound := 1 / math.Sqrt(float64(fan))
		for k := range t.Data {
			t.Data[k] = float32(bound * (2*float64(r.Float64()) - 1))
		}
		switch t.Name {
		case l.Name + ".gates":
			if err := l.Gates.fit(t.Data); err != nil {
				return err
			}
		case l.Name + ".bias":
			if l.Type == LSTM {
				for k := l.Units; k < 2*l.Units; k++ {
					t.Data[k]++
				}
			}
		}
	}
	return nil
}
