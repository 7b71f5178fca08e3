package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// remoteFile is a published file, known by its content.
type remoteFile struct {
	name   string
	size   int64  // bytes
	sha256 string // hex
}

// mnistFiles are the original distribution files of LeCun, Cortes and Burges,
// in the order of fromArrays.
//
// Reference: http://yann.lecun.com/exdb/mnist/. Their MD5 sums, by which other
// tools know them, are f68b3c2dcbeaaa9fbdd348bbdeb94873,
// d53e105ee54ea40749a09fcbcd1e9432, 9fb629c4189551a2d022fa330f9573f3 and
// ec29112dd5afa0611ce80d1b7f02629c.
var mnistFiles = [4]remoteFile{
	{trainImagesFile + ".gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
	{trainLabelsFile + ".gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
	{testImagesFile + ".gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
	{testLabelsFile + ".gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
}

// mnistMirrors hold the files unchanged.
var mnistMirrors = []string{
	"https://ossci-datasets.s3.amazonaws.com/mnist/",
	"https://storage.googleapis.com/cvdf-datasets/mnist/",
}

// loadMNIST finds or downloads the four files. Each is looked for on its own:
// its hash fixes its content, so it does not matter which place it comes from,
// and a place that holds only some of them serves those.
func loadMNIST(ctx context.Context, o Options) (*Dataset, error) {
	paths, err := locate(ctx, "mnist", mnistFiles[:], mnistMirrors, o)
	if err != nil {
		return nil, err
	}
	var arrays [4]*IDX
	for i, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("datasets: mnist: %w", err)
		}
		if arrays[i], err = readIDXFile(path); err != nil {
			return nil, err
		}
	}
	return fromArrays("mnist", arrays, 10)
}

// locate returns the paths of files, each with its hash checked: found in one
// of o's places, or else downloaded to the cache folder.
func locate(ctx context.Context, dataset string, files []remoteFile, mirrors []string, o Options) ([]string, error) {
	if len(o.Mirrors) > 0 {
		mirrors = o.Mirrors
	}
	places, cache := o.places(dataset)
	paths := make([]string, len(files))
	var missing []int
	for i, f := range files {
		path, err := find(places, f.name)
		if err != nil {
			return nil, err
		}
		if path == "" {
			missing = append(missing, i)
			continue
		}
		if err := checkFile(path, f); err != nil {
			return nil, &HintError{
				Err:    fmt.Errorf("datasets: %s: %w", dataset, err),
				Advice: "the file is altered or cut short: remove it, and it is looked for elsewhere",
			}
		}
		paths[i] = path
	}
	if len(missing) == 0 {
		return paths, nil
	}
	var why error
	switch {
	case o.Offline:
		why = errors.New("download: not allowed (offline)")
	case cache == "":
		why = errors.New("download: no cache folder to put it in")
	default:
		d := downloader{client: o.Client, mirrors: mirrors, progress: o.Progress}
		for _, i := range missing {
			paths[i] = filepath.Join(cache, files[i].name)
			if why = d.fetch(ctx, files[i], paths[i]); why != nil {
				if !d.unreachable {
					return nil, fmt.Errorf("datasets: %s: %w", dataset, why)
				}
				break
			}
		}
	}
	if why == nil {
		return paths, nil
	}
	return nil, missingError(dataset, files, missing, places, why)
}

// missingError says which files are missing, where they were looked for and
// why they were not downloaded.
func missingError(dataset string, files []remoteFile, missing []int, places []place, why error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d files not found (", len(missing), len(files))
	for k, i := range missing {
		if k > 0 {
			b.WriteString(", ")
		}
		b.WriteString(files[i].name)
	}
	b.WriteString("); tried ")
	for _, p := range places {
		fmt.Fprintf(&b, "%s; ", p)
	}
	return &HintError{
		Err:    fmt.Errorf("datasets: %s: %w: %s%w", dataset, ErrMissing, b.String(), why),
		Advice: fmt.Sprintf("name a folder that holds the files, or holds them in %s%c, with --data or %s", dataset, os.PathSeparator, dataEnv),
	}
}
