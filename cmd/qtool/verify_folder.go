package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"qtool/pipeline/folder"
	"qtool/verify"
)

// holdChecked locks the folder that the report of a bundle is for, if it is there
// already. It refuses the folder of a run of another bundle, whose report would not belong
// to the files beside it. It is nil for no folder.
func (a *app) holdChecked(out, bundlePath string) (*folder.Folder, error) {
	if out == "" {
		return nil, nil
	}
	held, err := folder.OpenExisting(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, lockHint(err)
	}
	if err := belongs(out, bundlePath); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held, nil
}

// belongs refuses a folder with a run of another bundle.
func belongs(out, bundlePath string) error {
	if sameBytes(bundlePath, filepath.Join(out, fileBundle)) {
		return nil
	}
	for _, name := range trainedResults() {
		if slices.Contains([]string{fileReport, fileHTML}, name) {
			continue
		}
		if _, err := os.Stat(filepath.Join(out, name)); err == nil {
			return hinted{
				fmt.Errorf("--out %s: %s there is of a run whose bundle %s is not: a report of the one would stand beside the other", out, name, bundlePath),
				"name another folder with --out",
			}
		}
	}
	return nil
}

// replaceReport writes a report in the place of an earlier one, whose page goes with it.
func (a *app) replaceReport(out string, r *verify.Report) error {
	_, err := os.Stat(filepath.Join(out, fileHTML))
	if err := writeReport(out, r, nil); err != nil {
		return err
	}
	if err == nil {
		a.note(fmt.Sprintf("%s was of the report before and is removed; qtool report draws it again", filepath.Join(out, fileHTML)))
	}
	return nil
}
