package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"qtool/internal/hint"
	"qtool/internal/safetensors"
	"qtool/internal/whole"
	"qtool/model"
)

// groups are the tensors of a state file: parameters and scales, the best epoch's, the
// average of parameters where there is one, and the optimisers' moments of those that
// gradients change.
func (f *fitter) groups() map[string]model.Parameters {
	nodes := f.shards[0].params
	trained := make(model.Parameters, len(nodes))
	for i, n := range nodes {
		trained[i] = model.Tensor{Name: n.Name(), Shape: n.Shape(), Data: n.Value().Data().([]float32)}
	}
	if f.adam.M == nil {
		f.adam.M, f.adam.V = zerosLike(flat(trained)), zerosLike(flat(trained))
	}
	moments := func(data [][]float32) model.Parameters {
		m := slices.Clone(trained)
		for i := range m {
			m[i].Data = data[i]
		}
		return m
	}
	all := map[string]model.Parameters{
		"params": f.params, "best": f.best, "scales": f.scales, "best-scales": f.bestScales,
		"adam.m": moments(f.adam.M), "adam.v": moments(f.adam.V),
	}
	if f.task.Config.Average > 0 {
		all["average"] = f.average
	}
	if f.words != nil {
		all["words.m"], all["words.v"] = f.words.moments(f.params)
	}
	return all
}

// save writes the state file; the old one stays until the new one is complete.
func (f *fitter) save() error {
	if f.task.State == "" {
		return nil
	}
	c := f.counters
	c.Spent = f.seconds()
	progress, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("train: state: %w", err)
	}
	file := &safetensors.File{Metadata: map[string]string{"identity": f.task.Identity, "progress": string(progress)}}
	for group, tensors := range f.groups() {
		for _, t := range tensors {
			file.Tensors = append(file.Tensors, safetensors.FromFloat32(group+"/"+t.Name, []int{len(t.Data)}, t.Data))
		}
	}
	file.Seal()
	b, err := safetensors.Encode(file)
	if err != nil {
		return fmt.Errorf("train: state: %w", err)
	}
	return whole.WriteFile(f.task.State, b)
}

// load restores a state file; where there is none, the run starts afresh.
func (f *fitter) load() error {
	b, err := whole.Bytes(f.task.State, safetensors.DefaultLimits.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.decode(b)
	}
	if err != nil {
		return fmt.Errorf("train: resume from %s: %w", f.task.State, err)
	}
	f.freeze() // before Refresh, so that it keeps the state's scales
	if f.task.Quantizer != nil {
		return f.task.Quantizer.Refresh(f.params)
	}
	return nil
}

// decode checks the whole state before it changes anything.
func (f *fitter) decode(b []byte) error {
	file, err := safetensors.Decode(b, safetensors.DefaultLimits)
	if err != nil {
		return err
	}
	if got := file.Metadata["identity"]; got != f.task.Identity {
		return hint.With(fmt.Errorf("it belongs to another run: %q, this one is %q", got, f.task.Identity),
			"another recipe or an earlier version began it: remove "+f.task.State+", and training starts afresh")
	}
	if err := file.CheckSeal(); err != nil {
		return err
	}
	var c counters
	if err := json.Unmarshal([]byte(file.Metadata["progress"]), &c); err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	if c.Epoch < 0 || c.Epoch > f.task.Config.Epochs || c.Step < 0 || c.Step > f.stepsPerEpoch() || len(c.History) != c.Epoch {
		return fmt.Errorf("progress: epoch %d, step %d of %d epochs of %d steps", c.Epoch, c.Step, f.task.Config.Epochs, f.stepsPerEpoch())
	}
	if f.delayed() && c.Epoch >= f.task.Config.StartQuantization {
		f.Epoch = c.Epoch
		if err := f.build(); err != nil {
			return err
		}
	}
	groups := f.groups()
	read := map[string][][]float32{}
	for group, tensors := range groups {
		for _, to := range tensors {
			name := group + "/" + to.Name
			t, ok := file.Get(name)
			if !ok {
				return fmt.Errorf("tensor %q is missing", name)
			}
			data, err := t.Float32s()
			if err != nil {
				return err
			}
			if len(data) != len(to.Data) {
				return fmt.Errorf("tensor %q has %d elements, want %d", name, len(data), len(to.Data))
			}
			read[group] = append(read[group], data)
		}
	}
	for group, tensors := range groups {
		for i := range tensors {
			copy(tensors[i].Data, read[group][i])
		}
	}
	f.counters, f.adam.Steps = c, c.Steps
	return nil
}
