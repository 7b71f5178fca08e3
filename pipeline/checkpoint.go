package pipeline

import (
	"errors"
	"fmt"
	"io/fs"

	"qtool/internal/hint"
	"qtool/model"
	"qtool/model/sequence"
)

// Checkpoint is a network as a stage leaves it, of images or of sentences.
type Checkpoint interface {
	// Encode is the checkpoint file's bytes: the same checkpoint gives the same bytes.
	Encode() ([]byte, error)
	// WriteFile writes the file, which appears only when complete.
	WriteFile(path string) error

	origin() *model.Provenance
	parameters() *model.Parameters
	quantized() bool
}

type imageCheckpoint struct{ *model.Checkpoint }

func (c imageCheckpoint) origin() *model.Provenance     { return &c.Provenance }
func (c imageCheckpoint) parameters() *model.Parameters { return &c.Params }
func (c imageCheckpoint) quantized() bool               { return c.Quantizers != nil }

type sentenceCheckpoint struct{ *sequence.Checkpoint }

func (c sentenceCheckpoint) origin() *model.Provenance     { return &c.Provenance }
func (c sentenceCheckpoint) parameters() *model.Parameters { return &c.Params }
func (c sentenceCheckpoint) quantized() bool               { return c.Quantizers != nil }

// ErrNoCheckpoint says that tensors are to be renamed, and of no checkpoint.
var ErrNoCheckpoint = errors.New("--map renames the tensors of --checkpoint, and there is none")

// ReadFloat reads the checkpoint that quantization is to start from: qtool's own or, of
// images, a safetensors file of another tool, whose tensors maps rename (theirs=ours).
func (w *Workspace) ReadFloat(path string, maps []string) (Checkpoint, error) {
	renames, err := parseMaps(maps)
	if err != nil {
		return nil, err
	}
	m, err := w.kind.images("--map")
	if err != nil && len(renames) > 0 {
		return nil, err
	}
	if err == nil {
		if c, err := m.importWeights(path, renames); c != nil || err != nil {
			return c, err
		}
	}
	if len(renames) > 0 {
		return nil, fmt.Errorf("--map: %s is a checkpoint of qtool: its tensors have the network's names", path)
	}
	c, err := w.kind.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("no float checkpoint: %w", err), "qtool train makes one, or name one with --checkpoint")
	}
	if err != nil {
		return nil, err
	}
	if c.quantized() {
		return nil, fmt.Errorf("%s is quantized already: quantize starts from a float checkpoint", path)
	}
	return c, nil
}
