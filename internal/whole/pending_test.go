package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// entries are the names in a folder.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// A file appears when it is committed, and nothing else stays.
func TestPending(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, want := range []string{"first", "second"} {
		p, err := Create(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(path)
		if _, err := p.Write([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if now, _ := os.ReadFile(path); string(now) != string(before) {
			t.Errorf("%q is there before it is complete", now)
		}
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		p.Discard()
		if now, err := os.ReadFile(path); err != nil || string(now) != want {
			t.Errorf("%q, %v, want %q", now, err, want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	p, err := Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p.Discard()
	if names := entries(t, dir); len(names) != 1 {
		t.Errorf("%v are left", names)
	}
}

// CommitNew overwrites nothing, not even what a link points to.
func TestPendingNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	write := func(path, text string) error {
		p, err := Create(path, 0o600)
		if err != nil {
			return err
		}
		defer p.Discard()
		if _, err := p.Write([]byte(text)); err != nil {
			return err
		}
		return p.CommitNew()
	}
	if err := write(path, "one"); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "nothing"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, link} {
		if err := write(path, "two"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: error %v, want that it exists", path, err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "one" {
		t.Errorf("%q, %v", b, err)
	}
	other := filepath.Join(dir, "other")
	if err := copyNew(path, other); err != nil {
		t.Error(err)
	}
	if err := copyNew(path, other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a copy over a file: %v", err)
	}
	if names := entries(t, dir); len(names) != 3 {
		t.Errorf("%v are there", names)
	}
}

// What is no regular file is not replaced, and an error names the path asked for.
func TestPendingRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, os.DevNull} {
		if _, err := Create(path, 0o600); !errors.Is(err, ErrNotRegular) {
			t.Errorf("%s: error %v", path, err)
		}
	}
	path := filepath.Join(dir, "missing", "file")
	_, err := Create(path, 0o600)
	var e *fs.PathError
	if !errors.As(err, &e) || e.Path != path {
		t.Errorf("error %v, want one of %s", err, path)
	}
}
