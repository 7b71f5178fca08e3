package model

import (
	"fmt"
	"slices"

	"qtool/internal/safetensors"
	"qtool/quant"
)

// Earlier versions had checkpoints of their own for networks that read sentences, known by
// this key of their metadata. They are read as what they are by now: a network of layers.
const sequenceKey = "sequence"

// sequenceNetwork is how such a file describes its network.
type sequenceNetwork struct {
	Cell      string `json:"cell"`
	Embedding int    `json:"embedding"`
	Inputs    int    `json:"inputs"`
	Hidden    int    `json:"hidden,omitempty"`
	Mask      bool   `json:"mask,omitempty"`
	Gates     *Gates `json:"gates,omitempty"`
	Steps     int    `json:"steps"`
}

// sequenceQuantizers is how such a file describes its quantizers.
type sequenceQuantizers struct {
	Input      quant.Params   `json:"input"`
	WeightBits quant.BitWidth `json:"weight_bits"`
	Rows       []float32      `json:"rows,omitempty"`
	Output     float32        `json:"output"`
	Family     string         `json:"family"`
	StateBits  quant.BitWidth `json:"state_bits,omitempty"`
	CellRange  int            `json:"cell_range,omitempty"`
	Fraction   int            `json:"fraction,omitempty"`
}

// decodeSequence reads a checkpoint of an earlier version's network that reads sentences.
func decodeSequence(f *safetensors.File) (*Checkpoint, error) {
	c, err := readSequence(f)
	if err != nil {
		return nil, fmt.Errorf("model: checkpoint of an earlier version: %w", err)
	}
	return c, nil
}

func readSequence(f *safetensors.File) (*Checkpoint, error) {
	if err := f.CheckSeal(); err != nil {
		return nil, err
	}
	var n sequenceNetwork
	var z *sequenceQuantizers
	c := &Checkpoint{}
	if err := f.Description(map[string]any{sequenceKey: &n, "provenance": &c.Provenance, "quantizers": &z}); err != nil {
		return nil, err
	}
	c.Network = n.layers()
	if err := c.takeVocabulary(f); err != nil {
		return nil, err
	}
	c.Network.Layers[0].Words = len(c.Words)
	want, err := c.Network.parameters()
	if err != nil {
		return nil, err
	}
	for _, w := range want {
		name := w.Name
		if l := c.Network.Layers[0].Name; name == l+".weight" {
			name = "embedding"
		} else if name == SentenceNames.Projection+".weight" {
			name = "projection"
		}
		t, ok := f.Get(name)
		if !ok {
			return nil, fmt.Errorf("tensor %q is missing", name)
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		c.Params = append(c.Params, Tensor{w.Name, t.Shape, data})
	}
	if z != nil {
		c.Quantizers = z.layers(&n)
		if _, err := c.Quantized(); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

// layers is the network as layers, without dropout, of which such a file says nothing.
func (n *sequenceNetwork) layers() *Network {
	names := SentenceNames
	out := &Network{Input: []int{n.Steps}, Layers: []Layer{
		{Type: Embedding, Name: names.Embedding, Units: n.Embedding},
		{Type: Projection, Name: names.Projection, Units: n.Inputs},
	}}
	if n.Cell == "mean" {
		out.Layers[0].Combine = Mean
		out.Layers = append(out.Layers, Layer{Type: Flatten, Name: names.Flatten})
	} else {
		out.Layers = append(out.Layers, Layer{Type: LSTM, Name: names.LSTM, Units: n.Hidden, Mask: n.Mask, Gates: n.Gates})
	}
	out.Layers = append(out.Layers, Layer{Type: Dense, Name: names.Output, Units: 1})
	return out
}

// layers is the same quantizers in the form of quantizers of layers.
func (z *sequenceQuantizers) layers(n *sequenceNetwork) *Quantizers {
	q := &Quantizers{Input: z.Input}
	if n.Cell != "mean" {
		rows := z.Rows
		if n.Gates != nil {
			rows = slices.Clone(rows[:min(len(rows), 1)])
		}
		q.Weights = append(q.Weights, WeightQuantizer{Layer: SentenceNames.LSTM, Bits: z.WeightBits, Scales: rows})
		q.Recurrent = []RecurrentQuantizer{{Layer: SentenceNames.LSTM, StateBits: z.StateBits, CellRange: z.CellRange, Fraction: z.Fraction}}
	}
	q.Weights = append(q.Weights, WeightQuantizer{Layer: SentenceNames.Output, Bits: z.WeightBits, Scales: []float32{z.Output}})
	return q
}

// SentenceNames are the names of the layers of networks that are described by the section
// sentence of a recipe, as earlier versions had them all.
var SentenceNames = struct{ Embedding, Projection, Flatten, LSTM, Dropout, Output string }{
	"embedding", "projection", "flatten", "lstm", "dropout", "output",
}
