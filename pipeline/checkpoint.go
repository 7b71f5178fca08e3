package pipeline

import (
	"errors"
	"fmt"
	"io/fs"

	"qtool/internal/hint"
	"qtool/model"
)

// ErrNoCheckpoint says that tensors are to be renamed, and of no checkpoint.
var ErrNoCheckpoint = errors.New("--map renames the tensors of --checkpoint, and there is none")

// ReadFloat reads the checkpoint that quantization is to start from: qtool's own or, of
// images, a safetensors file of another tool, whose tensors maps rename (theirs=ours).
func (w *Workspace) ReadFloat(path string, maps []string) (*model.Checkpoint, error) {
	renames, err := parseMaps(maps)
	if err != nil {
		return nil, err
	}
	if c, err := w.importWeights(path, renames); c != nil || err != nil {
		return c, err
	}
	if len(renames) > 0 {
		return nil, fmt.Errorf("--map: %s is a checkpoint of qtool: its tensors have the network's names", path)
	}
	c, err := model.ReadCheckpoint(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("no float checkpoint: %w", err), "qtool train makes one, or name one with --checkpoint")
	}
	if err != nil {
		return nil, err
	}
	if c.Quantizers != nil {
		return nil, fmt.Errorf("%s is quantized already: quantize starts from a float checkpoint", path)
	}
	return c, nil
}
