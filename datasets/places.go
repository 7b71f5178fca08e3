package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"qtool/internal/whole"
)

// dataEnv is the environment variable that names the folder of input data.
const dataEnv = "QTOOL_DATA"

// place is somewhere that data is looked for.
type place struct {
	label string   // what the user knows it as
	dirs  []string // folders looked at, in order
	note  string   // why there are none
}

func (p place) String() string {
	switch len(p.dirs) {
	case 0:
		return p.label + " " + p.note
	case 1:
		return p.label + " " + p.dirs[0]
	}
	return p.label + " " + p.dirs[0] + " and " + p.dirs[1]
}

// places returns where to look for the files of dataset, in order, and the
// folder for downloads ("" if there is no cache).
func (o Options) places(dataset string) (all []place, cache string) {
	in := func(label, dir string) place {
		if dir == "" {
			return place{label: label, note: "(not set)"}
		}
		return place{label: label, dirs: []string{filepath.Join(dir, dataset), dir}}
	}
	last := place{label: "cache"}
	root := o.CacheDir
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			last.note = "(" + err.Error() + ")"
		} else {
			root = filepath.Join(user, "qtool")
		}
	}
	if root != "" {
		last = in("cache", root)
		cache = last.dirs[0]
	}
	return []place{in("--data", o.Dir), in(dataEnv, os.Getenv(dataEnv)), last}, cache
}

// find returns the path of the first file of that name in places, "" if there
// is none. A file or folder that cannot be looked at is an error.
func find(places []place, file string) (string, error) {
	for _, p := range places {
		for _, dir := range p.dirs {
			path := filepath.Join(dir, file)
			info, err := os.Stat(path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return "", fmt.Errorf("datasets: %s: %w", p.label, err)
			case !info.Mode().IsRegular():
				return "", fmt.Errorf("datasets: %s: %s is not a file", p.label, path)
			default:
				return path, nil
			}
		}
	}
	return "", nil
}

// checkFile reports whether the file at path has f's hash. Its errors do not
// name the package.
func checkFile(path string, f remoteFile) error {
	r, err := whole.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.sha256 {
		return fmt.Errorf("%s (%d bytes) has sha256 %s, want %s (%d bytes)", path, n, got, f.sha256, f.size)
	}
	return nil
}
