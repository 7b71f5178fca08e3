package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"qtool/internal/whole"
	"qtool/train"
)

// TrainingLog is the history of one training, kept in training.json; of ptq, which
// trains nothing, it has only Outside.
type TrainingLog struct {
	History []train.Epoch `json:"history"`
	Best    int           `json:"best"`
	Seconds float64       `json:"seconds"`
	// Outside says, for every polynomial with an interval, how its inputs lie to
	// it on the samples that OutsideOf names.
	Outside   []train.Outside `json:"outside,omitempty"`
	OutsideOf string          `json:"outside_of,omitempty"`
	Noun      string          `json:"noun,omitempty"` // what one of those is, "" for an image
}

// ReadTrainingLogs reads a training.json: a log a stage. It is empty where there is none.
func ReadTrainingLogs(path string) (map[string]TrainingLog, error) {
	logs := map[string]TrainingLog{}
	b, err := whole.Bytes(path, maxStateBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return logs, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &logs)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if logs == nil { // the file says null
		logs = map[string]TrainingLog{}
	}
	return logs, nil
}

func (w *Workspace) logTraining(stage string, log TrainingLog) error {
	w.training[stage] = log
	b, err := json.MarshalIndent(w.training, "", "  ")
	if err != nil {
		return err
	}
	return whole.WriteFile(w.Path(FileTraining), append(b, '\n'))
}

// forgetTraining drops what is known of the training of a float network that gives way to
// one from elsewhere.
func (w *Workspace) forgetTraining() error {
	w.training = map[string]TrainingLog{}
	for _, name := range []string{FileTraining, FileTeacher} {
		if err := os.Remove(w.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
