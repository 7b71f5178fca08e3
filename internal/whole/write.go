package whole

import (
	"errors"
	"io/fs"
	"os"

	"github.com/google/renameio/v2/maybe"
)

// WriteFile writes b to path. The file appears only when it is complete, in the place of
// an earlier one; errors name path, never the temporary file beside it.
func WriteFile(path string, b []byte) error {
	return Named(path, maybe.WriteFile(path, b, 0o644))
}

// Named is err with path in the place of the file that the system refused.
func Named(path string, err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		return &fs.PathError{Op: file.Op, Path: path, Err: file.Err}
	case errors.As(err, &link):
		return &fs.PathError{Op: link.Op, Path: path, Err: link.Err}
	}
	return err
}
