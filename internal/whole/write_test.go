package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Where a file cannot be written, the error names it and not what it was to be renamed
// from, and what was there stays.
func TestWriteErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "kept"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing", "file"), folder} {
		err := WriteFile(path, []byte("x"))
		var e *fs.PathError
		if !errors.As(err, &e) || e.Path != path {
			t.Errorf("error %v, want one of %s", err, path)
		}
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 1 || all[0].Name() != "folder" {
		t.Errorf("%v and error %v, want the folder alone", all, err)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, want := range []string{"first", "second, and longer", ""} {
		if err := WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%q and error %v, want %q", got, err, want)
		}
	}
}
