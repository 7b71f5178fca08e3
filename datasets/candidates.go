package datasets

import (
	"os"
	"path/filepath"
	"strings"
)

// candidate is a folder or file that a path of the user's may stand for.
type candidate struct {
	label string // what the user knows the place as, "" for the path itself
	path  string
}

func (c candidate) String() string {
	if c.label == "" {
		return c.path
	}
	return c.label + " " + c.path
}

// candidates are what a path may stand for, in order: in the folder of --data, or
// that folder itself; relative to o.Base, the folder of the recipe; relative to the
// working folder; and in the folder of QTOOL_DATA, or that folder itself.
func (o Options) candidates(path string) (all []candidate) {
	seen := map[string]bool{}
	add := func(label, path string) {
		if path = filepath.Clean(path); !seen[path] {
			seen[path] = true
			all = append(all, candidate{label, path})
		}
	}
	in := func(label, dir string) {
		if dir == "" {
			return
		}
		if filepath.IsLocal(path) {
			add(label, filepath.Join(dir, path))
		}
		if base := filepath.Base(path); filepath.IsLocal(base) {
			add(label, filepath.Join(dir, base))
		}
		add(label, dir)
	}
	in("--data", o.Dir)
	if o.Base != "" && !filepath.IsAbs(path) {
		add("", filepath.Join(o.Base, path))
	}
	add("", path)
	in(dataEnv, os.Getenv(dataEnv))
	return all
}

// holdsAny reports whether the folder has one of the four files.
func (c candidate) holdsAny() bool {
	for _, file := range []string{trainImagesFile, trainLabelsFile, testImagesFile, testLabelsFile} {
		for _, name := range []string{file, file + ".gz"} {
			if _, err := os.Stat(filepath.Join(c.path, name)); err == nil {
				return true
			}
		}
	}
	return false
}

// File is the path of a file of the user's: the first of the places where it may be
// that has it, or path itself.
func (o Options) File(path string) string {
	for _, c := range o.candidates(path) {
		if info, err := os.Stat(c.path); err == nil && !info.IsDir() {
			return c.path
		}
	}
	if o.Base != "" && !filepath.IsAbs(path) {
		return filepath.Join(o.Base, path)
	}
	return path
}

// UserFolder is the folder in the name of a dataset of the user's own, as in
// idx:DIR.
func UserFolder(name string) (dir string, ok bool) { return strings.CutPrefix(name, idxPrefix) }

// WithFolder is the name of the dataset in another folder.
func WithFolder(dir string) string { return idxPrefix + dir }

// ShortName is a dataset's name without the path to its folder, which says where
// the data lay, not what they are.
func ShortName(name string) string {
	dir, ok := UserFolder(name)
	if base := filepath.Base(filepath.FromSlash(dir)); ok && filepath.IsLocal(base) && base != "." {
		return WithFolder(base)
	}
	return name
}
