package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"qtool/internal/hint"
	"qtool/internal/whole"
)

// Stage is a step of a run with the files of its folder that it reads and makes. A run
// whose recipe has no use for a file is without it.
type Stage struct {
	Name            string
	Inputs, Outputs []string
}

// The stages of a run.
var (
	dataStage      = Stage{"data", nil, []string{FileRecipe}}
	teacherStage   = Stage{"teacher", nil, []string{FileTeacher}}
	trainStage     = Stage{"train", []string{FileTeacher}, []string{FileFloat}}
	calibrateStage = Stage{"calibrate", []string{FileFloat}, []string{FileRecipe}}
	quantizeStage  = Stage{"quantize", []string{FileTeacher, FileFloat}, []string{FileQuantized}}
	exportStage    = Stage{"export", []string{FileFloat, FileQuantized}, []string{FileBundle}}
	verifyStage    = Stage{"verify", []string{FileFloat, FileQuantized, FileBundle}, []string{FileReport}}
)

// Stages are the stages of a run in their order; calibrate is only done where calibrations
// are compared. When a stage that trains, quantizes, exports or verifies is complete, the
// folder keeps a record of what it read and made, by hash.
var Stages = []Stage{dataStage, teacherStage, trainStage, calibrateStage, quantizeStage, exportStage, verifyStage}

// recordsFile has the records of a folder's stages.
const recordsFile = ".stages.json"

// record is what a complete stage read and made, SHA-256 in hex by the name of the file.
type record struct {
	Inputs  map[string]string `json:"inputs"`
	Outputs map[string]string `json:"outputs"`
}

// readRecords reads the records of a folder; there are none where the file is not there,
// as in folders of earlier versions.
func readRecords(path string) (map[string]record, error) {
	all := map[string]record{}
	b, err := whole.Bytes(path, maxStateBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		return nil, hint.With(fmt.Errorf("%s: %w", path, err), "remove it: stages are then taken by what their checkpoints say of themselves")
	}
	if all == nil { // the file says null
		all = map[string]record{}
	}
	return all, nil
}

// sums are the hashes of the named files that are there.
func sums(path func(name string) string, names []string) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range names {
		sum, _, err := whole.SHA256(path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all[name] = sum
	}
	return all, nil
}

// keep records that a stage is complete, in the folder that path leads into. What later
// stages made of its outputs before is of something else by now, so their records go.
func keep(path func(name string) string, s Stage) error {
	all, err := readRecords(path(recordsFile))
	if err != nil {
		return err
	}
	var r record
	if r.Inputs, err = sums(path, s.Inputs); err != nil {
		return err
	}
	if r.Outputs, err = sums(path, s.Outputs); err != nil {
		return err
	}
	for _, later := range Stages[slices.IndexFunc(Stages, func(o Stage) bool { return o.Name == s.Name })+1:] {
		delete(all, later.Name)
	}
	all[s.Name] = r
	return writeRecords(path(recordsFile), all)
}

func writeRecords(path string, all map[string]record) error {
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return whole.WriteFile(path, append(b, '\n'))
}

// belongs compares the files that a stage read and made with their recorded hashes, and
// refuses what the stage made if one of them is another file by now. A stage without a
// record passes, and so do files that are gone, as a teacher may be that is not needed any
// more.
func (w *Workspace) belongs(s Stage) error {
	all, err := readRecords(w.Path(recordsFile))
	if err != nil {
		return err
	}
	r, ok := all[s.Name]
	if !ok {
		return nil
	}
	for _, part := range []struct {
		names []string
		sums  map[string]string
		did   string
	}{{s.Inputs, r.Inputs, "read"}, {s.Outputs, r.Outputs, "made"}} {
		now, err := sums(w.Path, part.names)
		if err != nil {
			return err
		}
		for _, name := range part.names {
			if was, is := part.sums[name], now[name]; was != is && was != "" && is != "" {
				return hint.With(
					fmt.Errorf("%s: cannot resume: %s is not what stage %s %s: its SHA-256 is %s, it was %s", w.Dir, name, s.Name, part.did, is, was),
					"run without --resume to start afresh")
			}
		}
	}
	return nil
}

// forgetRecords drops all records: a float network from elsewhere takes the place of the
// one that they are of.
func (w *Workspace) forgetRecords() error {
	if err := os.Remove(w.Path(recordsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
