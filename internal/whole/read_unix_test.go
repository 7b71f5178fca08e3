//go:build unix

package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe without a writer is refused and not waited for; a device, however small
// it says it is, is not read.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{pipe: "a pipe", link: "a pipe", dir: "a folder", "/dev/zero": "a device", os.DevNull: "a device"} {
		b, err := Bytes(path, 1<<20)
		if b != nil || !errors.Is(err, ErrNotRegular) || err.Error() != path+" is not a regular file, it is "+kind {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
	}
}

// What is not a folder is refused by name; nothing at all stays fs.ErrNotExist.
func TestOnlyFoldersAreFolders(t *testing.T) {
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "file")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{pipe: "a pipe", file: "a file", os.DevNull: "a device"} {
		if err := Folder(path); !errors.Is(err, ErrNotFolder) || err.Error() != path+" is not a folder, it is "+kind {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := Folder(dir); err != nil {
		t.Errorf("a folder: %v", err)
	}
	if err := Folder(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// A file that says nothing of its size, as those of /proc do, is read up to the
// limit and not past it.
func TestSizeIsNotTrusted(t *testing.T) {
	const path = "/proc/self/environ"
	want, err := os.ReadFile(path)
	if info, statErr := os.Stat(path); err != nil || statErr != nil || info.Size() != 0 || len(want) < 2 {
		t.Skipf("no file here hides its size: %v", err)
	}
	if b, err := Bytes(path, int64(len(want))); err != nil || string(b) != string(want) {
		t.Errorf("%d of %d bytes, %v", len(b), len(want), err)
	}
	if b, err := Bytes(path, int64(len(want)-1)); b != nil || err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("past the limit: %d bytes, %v", len(b), err)
	}
}
