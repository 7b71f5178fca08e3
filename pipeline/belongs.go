package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/pipeline/folder"
	"qtool/verify"
)

// holdChecked locks the folder that the report of a bundle is for, if it is there
// already. It refuses the folder of a run of another bundle, whose report would not belong
// to the files beside it. It is nil for no folder.
func holdChecked(out, bundlePath string) (*folder.Folder, error) {
	if out == "" {
		return nil, nil
	}
	held, err := HoldFolder(out)
	if held == nil {
		return nil, err
	}
	if err := belongs(out, bundlePath); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held, nil
}

// belongs refuses a folder with a run of another bundle.
func belongs(out, bundlePath string) error {
	if whole.Same(bundlePath, filepath.Join(out, FileBundle)) {
		return nil
	}
	for _, name := range trainedResults() {
		if slices.Contains([]string{FileReport, FileHTML}, name) {
			continue
		}
		if _, err := os.Stat(filepath.Join(out, name)); err == nil {
			return hint.With(
				fmt.Errorf("--out %s: %s there is of a run whose bundle %s is not: a report of the one would stand beside the other", out, name, bundlePath),
				"name another folder with --out",
			)
		}
	}
	return nil
}

// replaceReport writes a report in the place of an earlier one, whose page goes with it.
func (e *Env) replaceReport(out string, r *verify.Report) error {
	_, err := os.Stat(filepath.Join(out, FileHTML))
	if err := writeReport(out, r, nil); err != nil {
		return err
	}
	if err == nil {
		e.Note(fmt.Sprintf("%s was of the report before and is removed; qtool report draws it again", filepath.Join(out, FileHTML)))
	}
	path := func(name string) string { return filepath.Join(out, name) }
	if _, err := os.Stat(path(recordsFile)); errors.Is(err, fs.ErrNotExist) {
		return nil // not the folder of a run
	}
	return keep(path, verifyStage)
}
