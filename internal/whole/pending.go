package whole

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Pending is a file that is written beside the path where it appears once it is
// complete. Errors name that path. It is for one goroutine.
type Pending struct {
	path string
	f    *os.File // nil when it is committed or discarded
}

// Create begins a file of the given mode, less the process's umask. A path that names
// something else than a regular file, such as a device, is refused with an error that
// wraps ErrNotRegular: a rename would replace it.
func Create(path string, mode fs.FileMode) (*Pending, error) {
	if info, err := os.Stat(path); err == nil {
		if err := Regular(path, info); err != nil {
			return nil, err
		}
	}
	dir, base := filepath.Split(path)
	f, err := os.OpenFile(filepath.Join(dir, "."+base+"."+rand.Text()+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, Named(path, err)
	}
	return &Pending{path, f}, nil
}

// Write implements io.Writer.
func (p *Pending) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	return n, Named(p.path, err)
}

// Commit makes the file appear, in the place of an earlier one. After an error nothing
// has changed at the path.
func (p *Pending) Commit() error {
	return p.finish(func(from string) error { return os.Rename(from, p.path) })
}

// CommitNew makes the file appear where there is nothing yet. Otherwise it returns an
// error that wraps fs.ErrExist and leaves what is there alone.
func (p *Pending) CommitNew() error {
	return p.finish(func(from string) error {
		err := os.Link(from, p.path)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = copyNew(from, p.path) // a file system without hard links
		}
		_ = os.Remove(from) // a stray name at worst
		return err
	})
}

func (p *Pending) finish(appear func(from string) error) error {
	f := p.f
	err := f.Sync()
	p.f = nil
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = appear(f.Name())
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it may be gone
		return Named(p.path, err)
	}
	return nil
}

// copyNew copies a file to a path where there is none.
func copyNew(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	defer clear(b)
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(to)
	}
	return err
}

// Discard removes what was written. After Commit it does nothing, so that it can be
// deferred.
func (p *Pending) Discard() {
	if p.f != nil {
		_ = p.f.Close()
		_ = os.Remove(p.f.Name())
		p.f = nil
	}
}
