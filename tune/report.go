package tune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"qtool/he/bgv"
	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/pipeline"
	"qtool/task"
	"qtool/tune/pareto"
)

// maxBytes caps search.json.
const maxBytes = 64 << 20

// schema is the version of search.json.
const schema = 2

// Report is search.json, and with candidates alone the state of a search.
type Report struct {
	Schema int    `json:"schema"`
	Recipe string `json:"recipe"`
	Seed   uint64 `json:"seed"`
	// Identity is what the candidates belong to.
	Identity Identity `json:"identity"`
	// Metric is the name of the metric that decides, "" for accuracy; see package task. The
	// figures that are called accuracies below are of this metric.
	Metric        string  `json:"metric,omitempty"`
	FloatAccuracy float64 `json:"float_accuracy"`
	// Machine is this machine's speed, which only predicted seconds depend on.
	Machine bgv.Speed `json:"machine"`
	// Chance is the accuracy of guessing, which tables of one entry reach for
	// nothing; 0 for networks without tables and for regressions.
	Chance float64 `json:"chance"`
	// Noun is what a sample is, "" for an image.
	Noun       string      `json:"noun,omitempty"`
	Axes       []Axis      `json:"axes"`
	Candidates []Candidate `json:"candidates"` // as they were tried
	Front      []Choice    `json:"front"`      // the cheapest first
}

// Identity is what the worth of a candidate depends on.
type Identity struct {
	RecipeSHA256  string `json:"recipe_sha256"`
	FloatSHA256   string `json:"float_sha256"`
	DatasetSHA256 string `json:"dataset_sha256"`
	Images        int    `json:"images"`      // held out
	TestImages    int    `json:"test_images"` // that costs are for
	LogN          int    `json:"log_n"`       // 0: chosen
	Version       string `json:"version"`
}

// Candidate is a choice of bits and what it is worth.
type Candidate struct {
	Point pareto.Point `json:"point"` // a value an axis
	// Accuracy is the metric of the integer program, quantized without training.
	Accuracy float64 `json:"proxy_accuracy"`
	// Needs are nil where nothing carries the program; Reason then says why.
	Needs  *Needs `json:"needs"`
	Reason string `json:"infeasible,omitempty"`
}

// aboveChance is how much more accurate than guessing a candidate with tables must
// be to count.
const aboveChance = 0.05

// Judge is the metric that decides.
func (r *Report) Judge() task.Metric {
	if m, ok := task.MetricOf(r.Metric); ok {
		return m
	}
	return task.Accuracy
}

// loss is what the search makes small, where the metric is x:
//
//	1 - x              of an accuracy
//	x / x of the float network   of an error, as it is where the float network has none
func (r *Report) loss(x float64) float64 {
	switch {
	case r.Judge().Higher:
		return 1 - x
	case r.FloatAccuracy > 0:
		return x / r.FloatAccuracy
	}
	return x
}

// worth is the candidate as the search weighs it.
func (r *Report) worth(c *Candidate) pareto.Candidate {
	w := pareto.Candidate{Point: c.Point, Loss: r.loss(c.Accuracy)}
	if c.Needs != nil && (r.Chance == 0 || c.Accuracy > r.Chance+aboveChance) {
		w.Feasible, w.Cost = true, c.Needs.Work
	}
	return w
}

// Choice is a point of the front, fine-tuned. Needs and Reason are of the
// fine-tuned program.
type Choice struct {
	Candidate
	Tuned            float64 `json:"accuracy"`
	PredictedSeconds float64 `json:"predicted_seconds"`
	// Best says that after fine-tuning nothing else is both cheaper and better.
	Best bool `json:"best"`
	// Folder is the point's run folder, below the search's.
	Folder string `json:"folder"`
	// Set are the overrides of the search's recipe that give this point.
	Set []string `json:"set"`
}

// Encode is the report as search.json has it.
func (r *Report) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// writeFile writes the report; the file appears only when complete.
func (r *Report) writeFile(path string) error {
	b, err := r.Encode()
	if err != nil {
		return err
	}
	return whole.WriteFile(path, b)
}

// knownCandidates are those that an interrupted search, or else a finished one,
// left in the folder.
func knownCandidates(w *pipeline.Workspace, identity Identity) ([]Candidate, error) {
	if !w.Resume {
		return nil, nil
	}
	for _, name := range []string{pipeline.StateSearch, pipeline.FileSearch} {
		b, err := whole.Bytes(w.Path(name), maxBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var r Report
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", w.Path(name), err)
		case r.Schema != schema || r.Identity != identity:
			return nil, hint.With(
				fmt.Errorf("%s: cannot resume: it is of another search (%+v, this is %+v)", w.Path(name), r.Identity, identity),
				"run without --resume to start afresh",
			)
		}
		return r.Candidates, nil
	}
	return nil, nil
}
