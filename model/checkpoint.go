package model

import (
	"fmt"
	"strconv"

	"qtool/internal/safetensors"
	"qtool/internal/whole"
	"qtool/quant"
)

// Schema is the version of the checkpoint format.
const Schema = 1

// Checkpoint is what a checkpoint file holds: a network, its float parameters
// and, where it has been quantized, its quantizers. On disk it is a safetensors
// file whose metadata has "schema", "network", "provenance", where present
// "quantizers", each as JSON, and "sha256", the hash of the tensors. Of a network that
// reads words it also has the tensors "words", in UTF-8 with a line feed between, and
// "scores".
type Checkpoint struct {
	Network *Network
	Params  Parameters
	// Words are the words of the embedding's rows, and Scores say how telling each is; both
	// are empty where the network reads no words.
	Words      []string
	Scores     []float32
	Quantizers *Quantizers
	Provenance Provenance
}

// Quantizers are the quantizers of a Quantized network without the network.
type Quantizers struct {
	Input   quant.Params      `json:"input"`
	Weights []WeightQuantizer `json:"weights"`
	// Activations are left out where there are none.
	Activations []ActivationQuantizer `json:"activations,omitempty"`
	// Recurrent are left out where there are none.
	Recurrent []RecurrentQuantizer `json:"recurrent,omitempty"`
}

// Provenance says where a checkpoint comes from.
type Provenance struct {
	Recipe        string `json:"recipe"`
	RecipeSHA256  string `json:"recipe_sha256"`
	Dataset       string `json:"dataset"`
	DatasetSHA256 string `json:"dataset_sha256"`
	Seed          uint64 `json:"seed"`
	Stage         string `json:"stage"` // "float", "qat" or "ptq"
	Version       string `json:"version"`
}

// Quantized joins the network and its quantizers.
func (c *Checkpoint) Quantized() (*Quantized, error) {
	if c.Quantizers == nil {
		return nil, fmt.Errorf("model: this checkpoint (stage %q) has no quantizers", c.Provenance.Stage)
	}
	z := c.Quantizers
	q := &Quantized{Network: c.Network, Params: c.Params, Input: z.Input, Weights: z.Weights, Activations: z.Activations, Recurrent: z.Recurrent}
	if _, err := q.Scaling(); err != nil {
		return nil, err
	}
	return q, nil
}

// Encode is the checkpoint file's bytes: the same checkpoint gives the same
// bytes.
func (c *Checkpoint) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f := &safetensors.File{Tensors: c.vocabulary()}
	describe := map[string]any{"schema": Schema, "network": c.Network, "provenance": c.Provenance}
	if c.Quantizers != nil {
		describe["quantizers"] = c.Quantizers
	}
	if err := f.Describe(describe); err != nil {
		return nil, fmt.Errorf("model: encode checkpoint: %w", err)
	}
	for _, t := range c.Params {
		f.Tensors = append(f.Tensors, safetensors.FromFloat32(t.Name, t.Shape, t.Data))
	}
	f.Seal()
	return safetensors.Encode(f)
}

// DecodeCheckpoint reads a checkpoint strictly: it accepts only what Encode
// writes, byte for byte. An unknown schema, key or tensor, a wrong shape or a
// value that is not finite gives an error and no checkpoint.
func DecodeCheckpoint(b []byte) (*Checkpoint, error) {
	f, err := safetensors.Decode(b, safetensors.DefaultLimits)
	if err != nil {
		return nil, fmt.Errorf("model: checkpoint: %w", err)
	}
	if _, old := f.Metadata[sequenceKey]; old {
		return decodeSequence(f)
	}
	if s := f.Metadata["schema"]; s != strconv.Itoa(Schema) {
		return nil, fmt.Errorf("model: checkpoint: %w: schema %q, this version reads %d", ErrVersion, s, Schema)
	}
	if err := f.CheckSeal(); err != nil {
		return nil, fmt.Errorf("model: checkpoint: %w", err)
	}
	c := &Checkpoint{Network: &Network{}}
	err = f.Description(map[string]any{"schema": new(int), "network": c.Network, "provenance": &c.Provenance, "quantizers": &c.Quantizers})
	if err != nil {
		return nil, fmt.Errorf("model: checkpoint: %w", err)
	}
	want, err := c.Network.parameters()
	if err != nil {
		return nil, err
	}
	for _, w := range want {
		t, ok := f.Get(w.Name)
		if !ok {
			return nil, fmt.Errorf("model: checkpoint: tensor %q is missing", w.Name)
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("model: checkpoint: %w", err)
		}
		c.Params = append(c.Params, Tensor{t.Name, t.Shape, data})
	}
	if err := c.takeVocabulary(f); err != nil {
		return nil, fmt.Errorf("model: checkpoint: %w", err)
	}
	if got, want := len(f.Tensors), len(want)+len(c.vocabulary()); got != want {
		return nil, fmt.Errorf("model: checkpoint: %d tensors, the network has %d", got, want)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Quantizers != nil {
		if _, err := c.Quantized(); err != nil {
			return nil, err
		}
	}
	if err := whole.Canonical(b, c.Encode); err != nil {
		return nil, fmt.Errorf("model: checkpoint: %w", err)
	}
	return c, nil
}

// ErrVersion marks a file of a version that this program does not read.
var ErrVersion = fmt.Errorf("unsupported version")

// WriteFile writes the checkpoint; the file appears only when complete.
func (c *Checkpoint) WriteFile(path string) error { return whole.Write(path, c.Encode) }

// ReadCheckpoint reads a checkpoint file.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	return whole.Read(path, safetensors.DefaultLimits.MaxBytes, DecodeCheckpoint)
}
