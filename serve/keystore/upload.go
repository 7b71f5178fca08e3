package keystore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"qtool/he"
	"qtool/internal/lock"
)

// Check reads an object of evaluation keys to its end and says what it is good for.
type Check func(ctx context.Context, r io.Reader) (Name, he.Keys, error)

func (s *Store) part(tenant string, sum Sum, length int64) string {
	return filepath.Join(s.folder(tenant, "parts"), fmt.Sprintf("%v.%d", sum, length))
}

// Put appends body, which begins at byte from of an object of length bytes with the hash
// sum. What arrives is kept even if the body ends early, and may be followed by more.
// Once all is there, hash and check decide whether the keys are taken; if not, nothing is
// kept of them. To put complete keys again changes nothing.
//
// Errors wrap ErrOffset where from is not what has arrived, ErrQuota, ErrDiskFull, ErrSum,
// lock.ErrHeld where another process receives the same keys, and what check returns.
func (s *Store) Put(ctx context.Context, tenant string, sum Sum, from, length int64, body io.Reader, check Check) (Info, error) {
	if err := CheckTenant(tenant); err != nil {
		return Info{}, err
	}
	path, id := s.part(tenant, sum, length), cached{tenant, sum}
	defer s.active.enter(id)()
	now, err := s.Status(tenant, sum)
	switch {
	case err != nil && !errors.Is(err, ErrUnknown):
		return now, err
	case err == nil && now.Length != length:
		return now, fmt.Errorf("keystore: %w: the object was said to have %d bytes before, now %d", ErrOffset, now.Length, length)
	case err == nil && now.Complete() && exists(s.path(tenant, sum)):
		return now, nil
	case from != now.Arrived:
		return Info{Sum: sum, Length: length, Arrived: now.Arrived, Used: now.Used}, notNext(from, now.Arrived)
	}
	if err := s.room(id, length); err != nil {
		return now, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return now, full(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return now, full(err)
	}
	defer f.Close()
	if err := lock.File(f); err != nil {
		return now, fmt.Errorf("keystore: upload of %v: %w", sum, err)
	}
	// Another process may have gone on, or finished, before the lock was held.
	if err := unchanged(f, path, from, length); err != nil {
		return now, err
	}
	arrived, err := appendTo(f, from, length, body)
	now = Info{Sum: sum, Length: length, Arrived: arrived}
	if err != nil || !now.Complete() {
		return now, errors.Join(err, removeEmpty(path, arrived))
	}
	return now, s.finish(ctx, tenant, sum, f, path, check)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// notNext says that bytes which begin at from do not follow those that have arrived.
func notNext(from, arrived int64) error {
	return fmt.Errorf("keystore: %w: they begin at byte %d, %d have arrived", ErrOffset, from, arrived)
}

// unchanged wants the open file f to be the one at path, with from of its length bytes.
func unchanged(f *os.File, path string, from, length int64) error {
	st, err := f.Stat()
	if err != nil {
		return full(err)
	}
	if at, err := os.Stat(path); err != nil || !os.SameFile(st, at) {
		return notNext(from, 0)
	}
	if n := counted(st.Size(), length); n != from {
		return errors.Join(notNext(from, n), removeEmpty(path, st.Size()))
	}
	return nil
}

// removeEmpty removes a part of which nothing has arrived.
func removeEmpty(path string, size int64) error {
	if size > 0 {
		return nil
	}
	return os.Remove(path)
}

// appendTo writes body behind byte from, and no further than length. It returns where
// what has arrived ends.
func appendTo(f *os.File, from, length int64, body io.Reader) (int64, error) {
	if err := f.Truncate(from); err != nil {
		return from, full(err)
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return from, full(err)
	}
	n, err := io.Copy(writes{f}, io.LimitReader(body, length-from))
	var disk *diskError
	switch {
	case errors.As(err, &disk):
		return from + n, full(disk.error)
	case err != nil:
		return from + n, fmt.Errorf("keystore: the upload ends at byte %d of %d: %w", from+n, length, err)
	}
	if extra, _ := body.Read(make([]byte, 1)); from+n == length && extra > 0 {
		return from, errors.Join(fmt.Errorf("keystore: %w: more than %d bytes are sent", ErrOffset, length), f.Truncate(from))
	}
	return from + n, nil
}

// writes tells errors of the disk from those of the body.
type writes struct{ f *os.File }

type diskError struct{ error }

func (w writes) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}

// finish takes the complete file at path, or removes it.
func (s *Store) finish(ctx context.Context, tenant string, sum Sum, f *os.File, path string, check Check) (err error) {
	keep := false
	defer func() {
		if err != nil && !keep {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return full(err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return full(err)
	}
	if got := Sum(h.Sum(nil)); got != sum {
		return fmt.Errorf("keystore: %w: %v, want %v", ErrSum, got, sum)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return full(err)
	}
	name, keys, err := check(ctx, f)
	if err != nil {
		keep = ctx.Err() != nil // nothing was wrong with the keys
		return err
	}
	keep = true // what follows can be done again
	if err := f.Sync(); err != nil {
		return full(err)
	}
	// The name first: it names nothing until the file is there, all at once.
	named := filepath.Join(s.folder(tenant, "names"), name.file())
	for _, dir := range []string{named, s.folder(tenant, "keys")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return full(err)
		}
	}
	if err := os.WriteFile(filepath.Join(named, sum.String()), nil, 0o600); err != nil {
		return full(err)
	}
	if err := os.Rename(path, s.path(tenant, sum)); err != nil {
		return full(err)
	}
	for _, dir := range []string{named, filepath.Dir(named), s.folder(tenant, "keys")} {
		if err := syncFolder(dir); err != nil {
			return err
		}
	}
	s.cache.put(cached{tenant, sum}, keys)
	return nil
}

// syncFolder makes what was renamed into a folder last. A file system that cannot is let
// be.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return full(err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, errors.ErrUnsupported) {
		return full(err)
	}
	return nil
}
