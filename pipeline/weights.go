package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"qtool/internal/hint"
	"qtool/internal/safetensors"
	"qtool/internal/whole"
	"qtool/model"
)

// parseMaps reads renames of the form theirs=ours.
func parseMaps(flags []string) (map[string]string, error) {
	m := map[string]string{}
	for _, f := range flags {
		theirs, ours, ok := strings.Cut(f, "=")
		if !ok || theirs == "" || ours == "" {
			return nil, fmt.Errorf("--map %q: want theirs=ours, names of tensors or what they begin with before a point", f)
		}
		if m[theirs] != "" {
			return nil, fmt.Errorf("--map %s: it is given twice", theirs)
		}
		m[theirs] = ours
	}
	return m, nil
}

// importWeights reads the checkpoint that quantization is to start from where another tool
// wrote it: the tensors of a safetensors file are the network's by name. It is nil where
// the file is none of another tool's.
func (w *Workspace) importWeights(path string, renames map[string]string) (*model.Checkpoint, error) {
	r := w.recipe
	if r.ReadsWords() && len(renames) > 0 {
		return nil, fmt.Errorf("recipe %s reads sentences: --map is for the weights of another tool, which say no words", r.Name)
	}
	tensors, err := readForeign(path)
	if tensors == nil || err != nil {
		return nil, err
	}
	if r.ReadsWords() {
		return nil, fmt.Errorf("%s: the weights of another tool say no words, and recipe %s reads sentences", path, r.Name)
	}
	n, err := r.Build()
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	p, err := n.Import(tensors, renames)
	if err != nil {
		return nil, hint.With(fmt.Errorf("%s does not fit recipe %s: %w", path, r.Name, err), "--map theirs=ours renames a tensor, or all whose names begin so: --map features.0=conv1")
	}
	return &model.Checkpoint{Network: n, Params: p}, nil
}

// readForeign are the tensors of a safetensors file that another tool wrote, nil
// where the file is none, which reading it as a checkpoint then explains.
func readForeign(path string) ([]safetensors.Foreign, error) {
	b, err := whole.Bytes(path, safetensors.DefaultLimits.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(b), "PK\x03\x04") || strings.HasPrefix(string(b), "\x80\x02") {
		return nil, hint.With(fmt.Errorf("%s is no safetensors file: it begins as the files of torch.save do", path), "save the weights with safetensors.torch.save_file(model.state_dict(), PATH)")
	}
	if tensors, ok := model.Foreign(b); ok {
		return tensors, nil
	}
	return nil, nil
}
