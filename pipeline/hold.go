package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qtool/internal/hint"
	"qtool/internal/lock"
	"qtool/internal/whole"
	"qtool/pipeline/folder"
	"qtool/recipe"
)

// HoldFolder locks a run's folder, if it is there: nobody else writes there until it is
// closed. It is nil, which can be closed too, where there is none.
func HoldFolder(dir string) (*folder.Folder, error) {
	f, err := folder.OpenExisting(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, lockHint(err)
	}
	return f, nil
}

// Hold locks the folder for the whole command, if it is there already: what the command
// reads from it must not change under its hands. The caller calls Leave.
func (w *Workspace) Hold() (err error) {
	w.folder, err = HoldFolder(w.Dir)
	return err
}

// Leave gives the folder free, and says where new results are that did not get complete
// beside older ones.
func (w *Workspace) Leave() {
	if w.folder != nil && w.folder.Staged() {
		w.Note(fmt.Sprintf("%s still has the results of an earlier run; what this one has made is kept apart in %s, where --resume goes on", w.Dir, w.Path("")))
	}
	if err := w.folder.Close(); err != nil {
		w.Note(err.Error())
	}
	w.folder = nil
}

// lockHint says what to do about a folder that another command has.
func lockHint(err error) error {
	if errors.Is(err, lock.ErrHeld) {
		return hint.With(err, "wait for the other command, or name another folder with --out")
	}
	return err
}

// resumable refuses a folder with unfinished work of another recipe.
func (w *Workspace) resumable(dir string) error {
	there, err := whole.Bytes(filepath.Join(dir, FileRecipe), recipe.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	here, err := w.recipe.At(w.Dir).Encode()
	if err != nil || string(there) == string(here) {
		return err
	}
	return hint.With(
		fmt.Errorf("%s: cannot resume: %s there is of another recipe: %s", w.Dir, FileRecipe, firstDifference(there, here)),
		"run with the same -c and --set, or without --resume to start afresh",
	)
}

// Commit puts the new results in the place of an earlier run's, and tells of what
// was replaced. A search stays where neither its float network nor its recipe changed.
func (w *Workspace) Commit() error {
	if !w.folder.Staged() {
		return nil
	}
	names := append(slices.Clone(trainedFiles), FileRecipe, recordsFile)
	if w.keepsSearch() {
		names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(searchedFiles, name) })
	}
	r, err := w.folder.Commit(names)
	if err != nil {
		return err
	}
	untold := func(name string) bool { return slices.Contains(unfinishedFiles, name) }
	r.Renewed, r.Removed = slices.DeleteFunc(r.Renewed, untold), slices.DeleteFunc(r.Removed, untold)
	var told []string
	if len(r.Renewed) > 0 {
		told = append(told, "replaced "+strings.Join(r.Renewed, ", "))
	}
	if len(r.Removed) > 0 {
		told = append(told, "removed "+strings.Join(r.Removed, ", "))
	}
	if told != nil {
		w.Note(fmt.Sprintf("%s had results of an earlier run: %s", w.Dir, strings.Join(told, "; ")))
	}
	return nil
}

// keepsSearch reports whether an earlier search in the folder is still one of its recipe
// and float network.
func (w *Workspace) keepsSearch() bool {
	if _, err := os.Stat(w.Path(FileSearch)); err == nil {
		return false // there is a new one
	}
	for _, name := range []string{FileRecipe, FileFloat} {
		if !whole.Same(filepath.Join(w.Dir, name), w.Path(name)) {
			return false
		}
	}
	return true
}
