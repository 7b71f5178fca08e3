package model

import "fmt"

// Limits of layers on sequences.
const (
	MaxSteps = 256
	MaxUnits = 1024
)

// ReadsWords reports whether the network's input is the words of a sentence, which an
// embedding looks up.
func (n *Network) ReadsWords() bool { return len(n.Layers) > 0 && n.Layers[0].Type == Embedding }

// Steps is how many steps the sentences of a network have that reads words.
func (n *Network) Steps() int { return n.Input[0] }

// Entry is the layer whose tensor enters what is quantized, or Input: of a network that
// reads words its embedding, or the projection behind that. These are linear maps of what
// the client looks up in the clear, and become a part of its encoder.
func (n *Network) Entry() int {
	if !n.ReadsWords() {
		return Input
	}
	if len(n.Layers) > 1 && n.Layers[1].Type == Projection {
		return 1
	}
	return 0
}

// Recurrent reports whether the layer reads a sequence step by step, with a state.
func (l Layer) Recurrent() bool { return l.Type == LSTM || l.Type == GRU }

// gateRows is how many rows the weights of a recurrent layer have: of an LSTM the rows of the
// gates i, f, g and o, of a GRU the rows of the update z, the reset r and the candidate n.
func (l Layer) gateRows() int {
	if l.Type == GRU {
		return 3 * l.Units
	}
	return 4 * l.Units
}

// readsSequence reports whether the layer can read a tensor of shape [steps, size].
func (l Layer) readsSequence(in []int) bool {
	return l.Type == Projection || l.Recurrent() || l.Type == Flatten && in[0] == 1
}

// sequenceShape is the checked output shape of an embedding, a projection or a recurrent
// layer.
func (l Layer) sequenceShape(in []int) ([]int, error) {
	if l.Units < 1 || l.Units > MaxUnits {
		return nil, fmt.Errorf("units %d is outside 1..%d", l.Units, MaxUnits)
	}
	if l.Type == Embedding {
		switch {
		case len(in) != 1:
			return nil, fmt.Errorf("input shape %v, want [steps] of a sentence", in)
		case in[0] > MaxSteps:
			return nil, fmt.Errorf("%d steps are more than %d", in[0], MaxSteps)
		case l.Combine != "" && l.Combine != "sum" && l.Combine != Mean:
			return nil, fmt.Errorf("combine %q is unknown: want sum or mean", l.Combine)
		}
		for _, k := range []struct {
			name string
			rate float64
		}{{"rate", l.Rate}, {"word_dropout", l.WordDropout}} {
			if !(k.rate >= 0 && k.rate < 1) {
				return nil, fmt.Errorf("%s %v is outside 0..1 (1 itself excluded)", k.name, k.rate)
			}
		}
		return []int{in[0], l.Units}, nil
	}
	if len(in) != 2 {
		return nil, fmt.Errorf("input shape %v, want the [steps, size] of an embedding", in)
	}
	if l.Type == Projection {
		return []int{in[0], l.Units}, nil
	}
	if l.Gates != nil {
		if err := l.Gates.validate(); err != nil {
			return nil, fmt.Errorf("gates.%w", err)
		}
	}
	return []int{l.Units}, nil
}

// checkEntry refuses embeddings and projections elsewhere than at the beginning, where the
// client computes them, and layers that read around them.
func (n *Network) checkEntry(sources [][]int) error {
	entry := n.Entry()
	for i, l := range n.Layers {
		var err error
		switch {
		case l.Type == Embedding && i > 0:
			err = fmt.Errorf("it is layer %d: an embedding is the first layer", i+1)
		case l.Type == Projection && i != 1 || l.Type == Projection && entry != 1:
			err = fmt.Errorf("it is layer %d: a projection stands right behind the embedding", i+1)
		case entry == Input:
		case i <= entry:
			if sources[i][0] != i-1 {
				err = fmt.Errorf("it reads another tensor than the one before it")
			}
		default:
			for _, from := range sources[i] {
				if from < entry {
					err = fmt.Errorf("it reads what stands before %q: what is encrypted is that layer's output alone", n.Layers[entry].Name)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
	}
	return nil
}

// Server is the network behind the entry, on the entry's tensor: what is quantized, and
// what an encrypted program computes. It is n itself where the input is the entry.
func (n *Network) Server() (*Network, error) {
	entry := n.Entry()
	if entry == Input {
		return n, nil
	}
	shapes, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	s := &Network{Input: shapes[entry]}
	for _, l := range n.Layers[entry+1:] {
		names := make(Names, len(l.From))
		for k, name := range l.From {
			if names[k] = name; name == n.Layers[entry].Name {
				names[k] = InputName
			}
		}
		if l.From != nil {
			l.From = names
		}
		s.Layers = append(s.Layers, l)
	}
	return s, nil
}

// Entered writes the vectors of a sentence's steps as they enter what is quantized, in
// float32, [steps, size] of the entry. Words are rows of the embedding.
func (n *Network) Entered(p Parameters, steps [][]int32) [][]float32 {
	embedding := n.Layers[0]
	table := p.Get(embedding.Name + ".weight")
	all := make([][]float32, len(steps))
	for t, words := range steps {
		row := make([]float32, embedding.Units)
		for _, w := range words {
			for d, x := range table[int(w)*embedding.Units : (int(w)+1)*embedding.Units] {
				row[d] += x
			}
		}
		if embedding.Combine == Mean && len(words) > 1 {
			factor := 1 / float32(len(words))
			for d := range row {
				row[d] *= factor
			}
		}
		if all[t] = row; n.Entry() == 1 {
			all[t] = n.projected(p, row)
		}
	}
	return all
}

// projected is the projection of one step's vector.
func (n *Network) projected(p Parameters, row []float32) []float32 {
	l := n.Layers[1]
	w := p.Get(l.Name + ".weight")
	y := make([]float32, l.Units)
	for d := range y {
		for k, v := range row {
			y[d] += float32(w[d*len(row)+k] * v)
		}
	}
	return y
}
