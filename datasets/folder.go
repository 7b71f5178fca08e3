package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qtool/internal/whole"
)

// The four files of an MNIST-shaped dataset, without ".gz".
const (
	trainImagesFile = "train-images-idx3-ubyte"
	trainLabelsFile = "train-labels-idx1-ubyte"
	testImagesFile  = "t10k-images-idx3-ubyte"
	testLabelsFile  = "t10k-labels-idx1-ubyte"
)

// loadFolder reads the user's own data: the four files of a folder, each plain or
// with ".gz" (plain wins). Images are [N, H, W] or [N, C, H, W]; the number of
// classes is one more than the largest label.
//
// The folder is the first of o.candidates that holds one of the files; where
// o.SHA256 says what the content must be, the first whose content is that.
func loadFolder(name, dir string, o Options) (*Dataset, error) {
	if dir == "" {
		return nil, fmt.Errorf("datasets: %s: no folder is named: want %sDIR", name, idxPrefix)
	}
	var looked, others []string
	for _, c := range o.candidates(dir) {
		looked = append(looked, c.String())
		if !c.holdsAny() {
			continue
		}
		d, err := readFolder(name, c.path)
		if err != nil {
			return nil, err
		}
		if o.SHA256 == "" || d.SHA256 == o.SHA256 {
			return d, nil
		}
		others = append(others, fmt.Sprintf("%s has %s", c, d.SHA256))
	}
	if others != nil {
		return nil, &HintError{
			Err:    fmt.Errorf("datasets: %s with content hash %s: %w: %s", name, o.SHA256, ErrMissing, strings.Join(others, ", ")),
			Advice: "name the folder of that data, or the one that holds it, with --data",
		}
	}
	err := fmt.Errorf("datasets: %s: %w: neither %s nor %s.gz is in %s", name, ErrMissing, trainImagesFile, trainImagesFile, strings.Join(looked, ", "))
	if o.SHA256 != "" {
		err = fmt.Errorf("%w; wanted is the content with hash %s", err, o.SHA256)
	}
	return nil, &HintError{Err: err, Advice: fmt.Sprintf("%sDIR needs %s, %s, %s and %s, plain or gzipped; --data names the folder, or the one that holds it",
		idxPrefix, trainImagesFile, trainLabelsFile, testImagesFile, testLabelsFile)}
}

// readFolder reads the four files of a folder.
func readFolder(name, dir string) (*Dataset, error) {
	var arrays [4]*IDX
	for i, file := range []string{trainImagesFile, trainLabelsFile, testImagesFile, testLabelsFile} {
		path, err := findPlainOrGzip(dir, file)
		if err != nil {
			return nil, err
		}
		if arrays[i], err = readIDXFile(path); err != nil {
			return nil, err
		}
	}
	return fromArrays(name, arrays, 0)
}

// findPlainOrGzip returns the path of file or file.gz in dir.
func findPlainOrGzip(dir, file string) (string, error) {
	for _, path := range []string{filepath.Join(dir, file), filepath.Join(dir, file+".gz")} {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("datasets: %w", err)
		}
	}
	return "", &HintError{
		Err: fmt.Errorf("datasets: %w: neither %s nor %s.gz is in %s", ErrMissing, file, file, dir),
		Advice: fmt.Sprintf("%sDIR needs %s, %s, %s and %s, plain or gzipped",
			idxPrefix, trainImagesFile, trainLabelsFile, testImagesFile, testLabelsFile),
	}
}

// readIDXFile reads the file at path with the default limits.
func readIDXFile(path string) (*IDX, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	defer f.Close()
	x, err := readIDX(f, DefaultIDXLimits)
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: idx: %w", path, err)
	}
	return x, nil
}

// fromArrays makes a dataset of training images and labels, test images and
// labels. For classes see newDataset.
func fromArrays(name string, arrays [4]*IDX, classes int) (*Dataset, error) {
	train, err := splitFromArrays(arrays[0], arrays[1])
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: training %w", name, err)
	}
	test, err := splitFromArrays(arrays[2], arrays[3])
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: test %w", name, err)
	}
	return newDataset(name, train, test, classes)
}

// splitFromArrays pairs images [N, H, W] or [N, C, H, W] with labels [N].
// It shares their memory.
func splitFromArrays(images, labels *IDX) (*Split, error) {
	if len(labels.Shape) != 1 {
		return nil, fmt.Errorf("labels have shape %v, want [N]", labels.Shape)
	}
	var shape []int
	switch len(images.Shape) {
	case 3:
		shape = []int{1, images.Shape[1], images.Shape[2]}
	case 4:
		shape = slices.Clone(images.Shape[1:])
	default:
		return nil, fmt.Errorf("images have shape %v, want [N H W] or [N C H W]", images.Shape)
	}
	if images.Shape[0] != labels.Shape[0] {
		return nil, fmt.Errorf("images number %d, labels %d", images.Shape[0], labels.Shape[0])
	}
	return &Split{Images: images.Data, Labels: labels.Data, Shape: shape}, nil
}
