// Package folder is a run folder in which all that is there always belongs together,
// whatever ends up in it and whenever a command fails or is killed.
//
// One command at a time has a folder (see lock). A command that begins afresh where an
// earlier one has left results works in the folder Unfinished inside, so that the earlier
// results stay whole until the new ones are. Commit then replaces them in steps of which
// any may be the last one before a crash:
//
//  1. the list of the names to be replaced is written into Unfinished;
//  2. Unfinished is renamed to finished: from here on the new results count, and whoever
//     opens the folder next takes the remaining steps;
//  3. what the list names is removed from the folder;
//  4. the list is removed;
//  5. everything else in finished moves into the folder, and finished is removed.
//
// So the folder has results of the earlier run alone, or of the new one alone, after every
// step. Where there is nothing to protect, a command works in the folder itself.
package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"qtool/internal/lock"
	"qtool/internal/whole"
)

// Unfinished is the folder of new results beside which older ones are kept.
const Unfinished = ".unfinished"

const (
	finished = ".finished"
	listFile = ".replaces"
	maxList  = 1 << 20 // bytes of the list of names
)

// Folder is a locked run folder. It is not safe for concurrent use.
type Folder struct {
	dir, work string
	held      *lock.Held
}

// Open creates a folder where there is none, locks it, and completes a Commit that was
// interrupted. It returns an error that wraps lock.ErrHeld and names the folder and the
// process if another one has it.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return OpenExisting(dir)
}

// OpenExisting is Open of a folder that must be there: if it is not, the error wraps
// fs.ErrNotExist and nothing is created.
func OpenExisting(dir string) (*Folder, error) {
	held, err := lock.Folder(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, work: dir, held: held}
	if _, err := os.Stat(filepath.Join(dir, finished)); err == nil {
		err = f.apply()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// Close gives the folder free; what is unfinished stays.
func (f *Folder) Close() error {
	if f == nil {
		return nil
	}
	return f.held.Release()
}

// Path is where a file is read and written: in the folder, or in Unfinished until Commit.
func (f *Folder) Path(name string) string { return filepath.Join(f.work, name) }

// Staged reports whether new results are kept apart from older ones.
func (f *Folder) Staged() bool { return f.work != f.dir }

// Begin starts afresh. If any of results is in the folder, the work goes on apart from
// them, with copies of the files of inherits that are there; otherwise states, which are
// leftovers of unfinished work, are removed and the work goes on in the folder itself.
// Unfinished work that was kept apart is dropped.
func (f *Folder) Begin(results, states, inherits []string) error {
	apart := filepath.Join(f.dir, Unfinished)
	if err := os.RemoveAll(apart); err != nil {
		return err
	}
	f.work = f.dir
	if !slices.ContainsFunc(results, f.has) {
		for _, name := range states {
			if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
				return err
			}
		}
		return nil
	}
	if err := os.Mkdir(apart, 0o755); err != nil {
		return err
	}
	for _, name := range inherits {
		if err := copyFile(filepath.Join(f.dir, name), filepath.Join(apart, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f.work = apart
	return nil
}

// Resume goes on with unfinished work: with what is kept apart if fits accepts the folder
// that it is in, otherwise in the folder itself if fits accepts that. It returns the
// error of fits for the last one it was asked about.
func (f *Folder) Resume(fits func(dir string) error) error {
	apart := filepath.Join(f.dir, Unfinished)
	_, err := os.Stat(apart)
	if err == nil {
		if err = fits(apart); err == nil {
			f.work = apart
			return nil
		}
		if fits(f.dir) != nil || !f.hasAny() {
			return err
		}
	} else if err = fits(f.dir); err != nil {
		return err
	}
	f.work = f.dir
	return nil
}

// Replaced are the names of what Commit changed in the folder.
type Replaced struct {
	// Renewed are files that have other bytes now, Removed files that are gone.
	Renewed, Removed []string
}

// Commit puts new results in the place of older ones, and removes what else of names is in
// the folder: it belonged to what is replaced. Names are in the order of removal, what
// depends on others first. Where the work was done in the folder itself there is nothing
// to replace.
func (f *Folder) Commit(names []string) (Replaced, error) {
	var r Replaced
	if !f.Staged() {
		return r, nil
	}
	for _, name := range names {
		if !f.has(name) {
			continue
		}
		if _, err := os.Stat(f.Path(name)); err != nil {
			r.Removed = append(r.Removed, name)
		} else if !same(filepath.Join(f.dir, name), f.Path(name)) {
			r.Renewed = append(r.Renewed, name)
		}
	}
	b, err := json.Marshal(names)
	if err == nil {
		err = whole.WriteFile(f.Path(listFile), b)
	}
	if err == nil {
		err = os.Rename(f.work, filepath.Join(f.dir, finished))
	}
	if err != nil {
		return Replaced{}, err
	}
	f.work = f.dir
	return r, f.apply()
}

// apply takes the steps of Commit that are left once finished exists.
func (f *Folder) apply() error {
	from := filepath.Join(f.dir, finished)
	syncFolder(f.dir)
	b, err := whole.Bytes(filepath.Join(from, listFile), maxList)
	if err == nil {
		err = f.removeListed(b)
		syncFolder(f.dir)
	}
	if err == nil {
		err = os.Remove(filepath.Join(from, listFile))
		syncFolder(from)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = f.move(from)
	}
	if err != nil {
		return fmt.Errorf("%s: the new results are complete in %s, and could not be moved: %w", f.dir, from, err)
	}
	syncFolder(f.dir)
	return nil
}

// removeListed removes what a list names.
func (f *Folder) removeListed(list []byte) error {
	var names []string
	if err := json.Unmarshal(list, &names); err != nil {
		return fmt.Errorf("%s: %w", listFile, err)
	}
	for _, name := range names {
		if !filepath.IsLocal(name) || filepath.Clean(name) == "." {
			return fmt.Errorf("%s: %q is not a name in the folder", listFile, name)
		}
		if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// move moves everything out of a folder and removes it. What has the same name and is on
// nobody's list gives way.
func (f *Folder) move(from string) error {
	all, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range all {
		to := filepath.Join(f.dir, e.Name())
		if e.IsDir() {
			if err := os.RemoveAll(to); err != nil {
				return err
			}
		}
		if err := os.Rename(filepath.Join(from, e.Name()), to); err != nil {
			return err
		}
	}
	return os.Remove(from)
}

// has reports whether the folder itself has a file.
func (f *Folder) has(name string) bool {
	_, err := os.Stat(filepath.Join(f.dir, name))
	return err == nil
}

// hasAny reports whether the folder has anything beside what this package puts there.
func (f *Folder) hasAny() bool {
	all, _ := os.ReadDir(f.dir)
	return slices.ContainsFunc(all, func(e fs.DirEntry) bool { return e.Name()[0] != '.' })
}

// same reports whether two regular files have the same bytes.
func same(a, b string) bool {
	x, errA := readAll(a)
	y, errB := readAll(b)
	return errA == nil && errB == nil && string(x) == string(y)
}

// readAll reads a regular file. A pipe is refused and not waited for.
func readAll(path string) ([]byte, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// copyFile copies a regular file; the copy appears only when complete.
func copyFile(from, to string) error {
	b, err := readAll(from)
	if err != nil {
		return err
	}
	return whole.WriteFile(to, b)
}

// syncFolder asks that names of a folder arrive on the disk. Not every system can: a
// failure is none of the caller's.
func syncFolder(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}
