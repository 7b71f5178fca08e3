package files

import (
	"io"
	"path/filepath"
	"strings"

	"qtool/he/wire"
	"qtool/internal/whole"
)

// OpenMessages opens a stream of messages of one kind: a file, a folder, or - for stdin. The
// folder is nil for the others.
func OpenMessages(stdin io.Reader, path string, want wire.Kind) (o *Object, folder *Folder, err error) {
	switch {
	case path == Stdin:
		o, err = Read("standard input", stdin, want)
	case IsFolder(path):
		if folder, err = OpenFolder(path, want); err == nil {
			o, err = folder.First()
		}
	default:
		o, err = Open(path, want)
	}
	return o, folder, err
}

// Output is where a stream of messages goes. Commit makes it complete; Discard, which does
// nothing after that, removes what was written.
type Output interface {
	io.Writer
	Commit() error
	Discard()
}

// NamesFolder reports whether an output of that path is a folder: one that is there, or a
// path that ends with a slash.
func NamesFolder(path string) bool {
	return strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) || IsFolder(path)
}

// CreateMessages begins an output: a file that appears when it is complete, a folder, or -
// for stdout.
func CreateMessages(stdout io.Writer, path string) (Output, error) {
	switch {
	case path == Stdout:
		return passed{stdout}, nil
	case NamesFolder(path):
		return CreateFolder(path)
	}
	return whole.Create(path, 0o644)
}

// passed is standard output.
type passed struct{ io.Writer }

func (passed) Commit() error { return nil }
func (passed) Discard()      {}
