package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/renameio/v2/maybe"

	"qtool/he/bgv"
	"qtool/internal/whole"
	"qtool/search"
)

// searchSchema is the version of search.json.
const searchSchema = 2

// searchReport is search.json, and with candidates alone the state of a search.
type searchReport struct {
	Schema int    `json:"schema"`
	Recipe string `json:"recipe"`
	Seed   uint64 `json:"seed"`
	// Identity is what the candidates belong to.
	Identity      searchIdentity `json:"identity"`
	FloatAccuracy float64        `json:"float_accuracy"`
	// Machine is this machine's speed, which only predicted seconds depend on.
	Machine bgv.Speed `json:"machine"`
	// Chance is the accuracy of guessing, which tables of one entry reach for
	// nothing; 0 for networks without tables.
	Chance     float64           `json:"chance"`
	Axes       []searchAxis      `json:"axes"`
	Candidates []searchCandidate `json:"candidates"` // as they were tried
	Front      []searchChoice    `json:"front"`      // the cheapest first
}

// searchIdentity is what the worth of a candidate depends on.
type searchIdentity struct {
	RecipeSHA256  string `json:"recipe_sha256"`
	FloatSHA256   string `json:"float_sha256"`
	DatasetSHA256 string `json:"dataset_sha256"`
	Images        int    `json:"images"`      // held out
	TestImages    int    `json:"test_images"` // that costs are for
	LogN          int    `json:"log_n"`       // 0: chosen
	Version       string `json:"version"`
}

// searchCandidate is a choice of bits and what it is worth.
type searchCandidate struct {
	Point search.Point `json:"point"` // a value an axis
	// Accuracy is of the integer program, quantized without training.
	Accuracy float64 `json:"proxy_accuracy"`
	// Needs are nil where nothing carries the program; Reason then says why.
	Needs  *searchNeeds `json:"needs"`
	Reason string       `json:"infeasible,omitempty"`
}

// aboveChance is how much more accurate than guessing a candidate with tables must
// be to count.
const aboveChance = 0.05

// worth is the candidate as the search weighs it.
func (r *searchReport) worth(c *searchCandidate) search.Candidate {
	w := search.Candidate{Point: c.Point, Accuracy: c.Accuracy}
	if c.Needs != nil && (r.Chance == 0 || c.Accuracy > r.Chance+aboveChance) {
		w.Feasible, w.Cost = true, c.Needs.Work
	}
	return w
}

// searchChoice is a point of the front, fine-tuned. Needs and Reason are of the
// fine-tuned program.
type searchChoice struct {
	searchCandidate
	Tuned            float64 `json:"accuracy"`
	PredictedSeconds float64 `json:"predicted_seconds"`
	// Best says that after fine-tuning nothing else is both cheaper and better.
	Best bool `json:"best"`
	// Folder is the point's run folder, below the search's.
	Folder string `json:"folder"`
	// Set are the overrides of the search's recipe that give this point.
	Set []string `json:"set"`
}

func (r *searchReport) encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// writeFile writes the report; the file appears only when complete.
func (r *searchReport) writeFile(path string) error {
	b, err := r.encode()
	if err != nil {
		return err
	}
	return maybe.WriteFile(path, b, 0o644)
}

// knownCandidates are those that an interrupted search, or else a finished one,
// left in the folder.
func (w *workspace) knownCandidates(identity searchIdentity) ([]searchCandidate, error) {
	if !w.resume {
		return nil, nil
	}
	for _, name := range []string{stateSearch, fileSearch} {
		b, err := whole.Bytes(w.path(name), maxStateBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var r searchReport
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", w.path(name), err)
		case r.Schema != searchSchema || r.Identity != identity:
			return nil, hinted{
				fmt.Errorf("%s: cannot resume: it is of another search (%+v, this is %+v)", w.path(name), r.Identity, identity),
				"run without --resume to start afresh",
			}
		}
		return r.Candidates, nil
	}
	return nil, nil
}
