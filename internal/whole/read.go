package whole

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrNotRegular marks a path that names a folder, a pipe, a socket or a device.
var ErrNotRegular = errors.New("is not a regular file")

// Open opens a regular file for reading. Anything else is refused with an error
// that wraps ErrNotRegular, before it is opened: opening a named pipe would wait
// for a writer, and a device may never end.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := Regular(path, info); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	// Another file may have come to the path since.
	if info, err = f.Stat(); err == nil {
		err = Regular(path, info)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// Regular refuses what is not a regular file, as info says, with an error that wraps
// ErrNotRegular and names the path and its kind.
func Regular(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%s %w, it is %s", path, ErrNotRegular, kindOf(info.Mode()))
}

// ErrNotFolder marks a path that names a file, a pipe, a socket or a device.
var ErrNotFolder = errors.New("is not a folder")

// Folder returns an error unless path names a folder: one that wraps ErrNotFolder and
// names the path and its kind if it is something else, one that wraps fs.ErrNotExist if
// nothing is there.
func Folder(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return err
	}
	return fmt.Errorf("%s %w, it is %s", path, ErrNotFolder, kindOf(info.Mode()))
}

// kindOf is what a path names, with its article.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// Bytes reads a regular file of at most limit bytes. A larger one is refused
// before any of it is read where its size says so, and after limit+1 bytes where
// it grows or hides its size. Memory grows with what is read.
func Bytes(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes pass the limit of %d", path, info.Size(), limit)
	}
	b := make([]byte, 0, info.Size()+512) // a regular file of that size is there
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, fmt.Errorf("%s: more than the limit of %d bytes", path, limit)
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}
