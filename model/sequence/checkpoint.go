package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/google/renameio/v2/maybe"

	"qtool/internal/safetensors"
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
	meta := map[string]string{}
	for key, v := range map[string]any{"sequence": c.Network, "provenance": c.Provenance, "quantizers": c.Quantizers} {
		if key == "quantizers" && c.Quantizers == nil {
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("sequence: encode checkpoint: %w", err)
		}
		meta[key] = string(b)
	}
	words := strings.Join(c.Words, "\n")
	f := &safetensors.File{Metadata: meta, Tensors: []safetensors.Tensor{
		{Name: "words", DType: safetensors.U8, Shape: []int{len(words)}, Data: []byte(words)},
		safetensors.FromFloat32("scores", []int{len(c.Scores)}, c.Scores),
	}}
	for _, t := range c.Params {
		f.Tensors = append(f.Tensors, safetensors.FromFloat32(t.Name, t.Shape, t.Data))
	}
	meta["sha256"] = f.Sum()
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
	if got, want := f.Sum(), f.Metadata["sha256"]; got != want {
		return nil, fmt.Errorf("altered or damaged: the tensors have SHA-256 %s, the metadata says %q", got, want)
	}
	c := &Checkpoint{Network: &Network{}}
	for key, text := range f.Metadata {
		var into any
		switch key {
		case "sha256":
			continue
		case "sequence":
			into = c.Network
		case "provenance":
			into = &c.Provenance
		case "quantizers":
			c.Quantizers = &Quantizers{}
			into = c.Quantizers
		default:
			return nil, fmt.Errorf("unknown metadata key %q", key)
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
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
	again, err := c.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("not in canonical form: something was added or rewritten")
	}
	return c, nil
}

// WriteFile writes the checkpoint; the file appears only when complete.
func (c *Checkpoint) WriteFile(path string) error {
	b, err := c.Encode()
	if err != nil {
		return err
	}
	return maybe.WriteFile(path, b, 0o644)
}

// ReadCheckpoint reads a checkpoint file.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	b, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := DecodeCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// IsCheckpoint reports whether a safetensors file says that it is of this kind, by
// the metadata at its beginning.
func IsCheckpoint(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 1<<16))
	return bytes.Contains(head, []byte(`"sequence":"`)), err
}
