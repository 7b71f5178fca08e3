package datasets

import (
	"context"
	"fmt"

	"qtool/internal/whole"
)

// File names a file of a dataset and what it must be.
type File struct {
	Name   string // below the dataset's folder, with slashes
	Size   int64
	SHA256 string
}

// ReadFiles reads files that are looked up as the files of an image dataset are, but
// never downloaded: each in the folder called dataset, or directly, in one of the
// places of o. Contents are checked against their hash. When files are missing the
// error wraps [ErrMissing] and is a [*HintError].
func ReadFiles(ctx context.Context, dataset string, files []File, o Options) ([][]byte, error) {
	o.Offline = true
	remote := make([]remoteFile, len(files))
	for i, f := range files {
		remote[i] = remoteFile{name: f.Name, sha256: f.SHA256, size: f.Size}
	}
	paths, err := locate(ctx, dataset, remote, nil, o)
	if err != nil {
		return nil, err
	}
	parts := make([][]byte, len(paths))
	for i, p := range paths {
		if parts[i], err = whole.Bytes(p, files[i].Size); err != nil {
			return nil, fmt.Errorf("datasets: %s: %w", dataset, err)
		}
	}
	return parts, nil
}
