package sequence

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"qtool/internal/safetensors"
	"qtool/internal/whole"
	"qtool/model"
)

// Checkpoint is what a checkpoint file holds: a network, its float parameters, the
// words and scores of its client and, where it has been quantized, its quantizers.
// On disk it is a safetensors file whose metadata has "sequence", "provenance" and
// where present "quantizers", each as JSON, and "sha256", the hash of the tensors.
type Checkpoint struct {
	Network    *Network
	Params     model.Parameters
	Words      []string  // of the embedding's rows
	Scores     []float32 // how telling each word is
	Quantizers *Quantizers
	Provenance model.Provenance
}

// Quantized joins the network and its quantizers.
func (c *Checkpoint) Quantized() (*Quantized, error) {
	if c.Quantizers == nil {
		return nil, fmt.Errorf("sequence: this checkpoint (stage %q) has no quantizers", c.Provenance.Stage)
	}
	return &Quantized{Network: c.Network, Params: c.Params, Quantizers: *c.Quantizers}, c.Quantizers.Validate(c.Network)
}

func (c *Checkpoint) check() error {
	if err := c.Network.Check(c.Params); err != nil {
		return err
	}
	if n := c.Params[0].Shape[0]; len(c.Words) != n || len(c.Scores) != n {
		return fmt.Errorf("sequence: %d words and %d scores, the embedding has %d rows", len(c.Words), len(c.Scores), n)
	}
	if c.Quantizers != nil {
		return c.Quantizers.Validate(c.Network)
	}
	return nil
}

// Encode is the checkpoint file's bytes: the same checkpoint gives the same bytes.
func (c *Checkpoint) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	words := strings.Join(c.Words, "\n")
	f := &safetensors.File{Tensors: []safetensors.Tensor{
		{Name: "words", DType: safetensors.U8, Shape: []int{len(words)}, Data: []byte(words)},
		safetensors.FromFloat32("scores", []int{len(c.Scores)}, c.Scores),
	}}
	describe := map[string]any{"sequence": c.Network, "provenance": c.Provenance}
	if c.Quantizers != nil {
		describe["quantizers"] = c.Quantizers
	}
	if err := f.Describe(describe); err != nil {
		return nil, fmt.Errorf("sequence: encode checkpoint: %w", err)
	}
	for _, t := range c.Params {
		f.Tensors = append(f.Tensors, safetensors.FromFloat32(t.Name, t.Shape, t.Data))
	}
	f.Seal()
	return safetensors.Encode(f)
}

// DecodeCheckpoint reads a checkpoint strictly: it accepts only what Encode
// writes, byte for byte.
func DecodeCheckpoint(b []byte) (*Checkpoint, error) {
	c, err := decodeCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("sequence: checkpoint: %w", err)
	}
	return c, nil
}

func decodeCheckpoint(b []byte) (*Checkpoint, error) {
	f, err := safetensors.Decode(b, safetensors.DefaultLimits)
	if err != nil {
		return nil, err
	}
	if err := f.CheckSeal(); err != nil {
		return nil, err
	}
	c := &Checkpoint{Network: &Network{}}
	if err := f.Description(map[string]any{"sequence": c.Network, "provenance": &c.Provenance, "quantizers": &c.Quantizers}); err != nil {
		return nil, err
	}
	if err := c.Network.Validate(); err != nil {
		return nil, err
	}
	words, ok := f.Get("words")
	if !ok || words.DType != safetensors.U8 || !utf8.Valid(words.Data) {
		return nil, fmt.Errorf("no words, or not UTF-8")
	}
	c.Words = strings.Split(string(words.Data), "\n")
	want := append(model.Parameters{{Name: "scores"}}, c.Network.shapes(len(c.Words))...)
	for i, w := range want {
		t, ok := f.Get(w.Name)
		if !ok {
			return nil, fmt.Errorf("tensor %q is missing", w.Name)
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			c.Scores = data
			continue
		}
		c.Params = append(c.Params, model.Tensor{Name: t.Name, Shape: t.Shape, Data: data})
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := whole.Canonical(b, c.Encode); err != nil {
		return nil, err
	}
	return c, nil
}

// WriteFile writes the checkpoint; the file appears only when complete.
func (c *Checkpoint) WriteFile(path string) error { return whole.Write(path, c.Encode) }

// ReadCheckpoint reads a checkpoint file.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	return whole.Read(path, safetensors.DefaultLimits.MaxBytes, DecodeCheckpoint)
}

// IsCheckpoint reports whether a safetensors file says that it is of this kind, by
// the metadata at its beginning.
func IsCheckpoint(path string) (bool, error) {
	f, err := whole.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 1<<16))
	return bytes.Contains(head, []byte(`"sequence":"`)), err
}
