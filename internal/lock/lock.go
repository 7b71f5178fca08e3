// Package lock keeps two processes from writing the same file or folder at the same
// time. Its locks are the operating system's: they end with the process that holds
// them, however it ends.
package lock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"qtool/internal/whole"
)

// ErrHeld marks a file or folder that another process, or another opening of this one,
// has locked.
var ErrHeld = errors.New("in use by another process")

// errRaced marks a lock file that was replaced while it was being locked.
var errRaced = errors.New("the lock file was replaced")

// name is the lock file of a folder.
const name = ".lock"

// File locks an open file without waiting. It returns an error that wraps ErrHeld if
// somebody else has it locked. The lock ends when f is closed. A file system without
// locks gives no error and no lock.
func File(f *os.File) error { return lockFile(f) }

// Held is the lock on a folder.
type Held struct{ file *os.File }

// Folder locks a folder, which must exist, and waits for no more than a second. Its lock file holds the
// number of the process. It returns an error that wraps ErrHeld and names the folder
// and the other process if somebody else has it locked, and one that wraps
// whole.ErrNotFolder if dir is no folder.
func Folder(dir string) (*Held, error) {
	// A holder removes the lock file when it is done, so that another may have locked
	// a file that is no longer there: then it is tried again.
	start := time.Now()
	for {
		h, err := folder(dir)
		switch {
		case errors.Is(err, errRaced):
		case errors.Is(err, ErrHeld) && time.Since(start) < dying:
			time.Sleep(dying / 50)
		default:
			return h, err
		}
	}
}

// dying is how long a process that was killed may take to give back its memory, and its
// locks after that.
const dying = time.Second

func folder(dir string) (*Held, error) {
	if err := whole.Folder(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := File(f); err != nil {
		if errors.Is(err, ErrHeld) {
			err = fmt.Errorf("folder %s is %w%s", dir, ErrHeld, holder(f))
		}
		f.Close()
		return nil, err
	}
	if !Current(f) {
		f.Close()
		return nil, errRaced
	}
	// Without the number, which a full disk does not take, the folder is locked all the
	// same: only the message for others is less telling.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Held{f}, nil
}

// Current reports whether an open file is still the one that its name stands for.
func Current(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(open, named)
}

// holder is the number of the process that a lock file names, in words; "" for none.
func holder(f *os.File) string {
	b, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// Release ends the lock and removes its file. A nil lock is none.
func (h *Held) Release() error {
	if h == nil {
		return nil
	}
	return release(h.file)
}
