package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"qtool/encode"
	"qtool/task"
)

// Dataset is a training and a test split of one kind of image.
type Dataset struct {
	Name    string // as given to Load
	Shape   []int  // of one image: [C, H, W]
	Classes int    // every label is below it
	Train   *Split
	Test    *Split
	SHA256  string // of the content, in hex: see contentHash
	// Noun is the word for a sample, zero for images; see Unit.
	Noun task.Noun
}

// Unit is the word for a sample of the dataset.
func (d *Dataset) Unit() task.Noun {
	if d.Noun == (task.Noun{}) {
		return task.Image
	}
	return d.Noun
}

// Options say where Load may look. The zero value is usable.
type Options struct {
	Dir      string       // looked at first: the folder of the --data flag
	Base     string       // paths in names are relative to it; "" is the working folder
	SHA256   string       // of the content, where it is known what that must be; "" takes any
	Progress io.Writer    // progress bars of downloads; nil is quiet
	Offline  bool         // never download
	CacheDir string       // downloads are kept here; default: qtool in os.UserCacheDir
	Client   *http.Client // for downloads; default: a client with time limits
	Mirrors  []string     // base URLs, tried in order; default: public ones
}

// idxPrefix begins the name of a dataset in the user's own folder.
const idxPrefix = "idx:"

// loaders has the datasets with a fixed name.
var loaders = map[string]func(context.Context, Options) (*Dataset, error){
	"digits": loadDigits,
	"mnist":  loadMNIST,
}

// Names returns the fixed names that Load knows, sorted. Load also takes
// "idx:DIR" for any folder DIR.
func Names() []string {
	var names []string
	for name := range loaders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Load returns the dataset called name, complete and checked. See the package
// comment for names. When files are in none of the places looked at, the error
// wraps [ErrMissing] and is or wraps a [*HintError].
func Load(ctx context.Context, name string, o Options) (*Dataset, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", name, err)
	}
	if dir, ok := strings.CutPrefix(name, idxPrefix); ok {
		return loadFolder(name, dir, o)
	}
	load, ok := loaders[name]
	if !ok {
		return nil, fmt.Errorf("datasets: unknown dataset %q, want %s or %sDIR", name, strings.Join(Names(), ", "), idxPrefix)
	}
	return load(ctx, o)
}

// Encode sets the encoder of both splits, for images of their shape.
func (d *Dataset) Encode(e *encode.Pixels) { d.Train.Encoder, d.Test.Encoder = e, e }

// newDataset joins two splits of equal shape. With classes 0 the number is one
// more than the largest label; otherwise every label must be below it.
func newDataset(name string, train, test *Split, classes int) (*Dataset, error) {
	if !slices.Equal(train.Shape, test.Shape) {
		return nil, fmt.Errorf("datasets: %s: training samples have shape %v, test samples %v", name, train.Shape, test.Shape)
	}
	largest := max(slices.Max(train.Labels), slices.Max(test.Labels))
	if classes == 0 {
		classes = int(largest) + 1
	}
	for _, part := range []struct {
		name  string
		split *Split
	}{{"training", train}, {"test", test}} {
		i := slices.IndexFunc(part.split.Labels, func(l uint8) bool { return int(l) >= classes })
		if i >= 0 {
			return nil, fmt.Errorf("datasets: %s: label %d of %s sample %d is not below %d",
				name, part.split.Labels[i], part.name, i, classes)
		}
	}
	return &Dataset{
		Name: name, Shape: slices.Clone(train.Shape), Classes: classes,
		Train: train, Test: test, SHA256: contentHash(train, test),
	}, nil
}

// contentHash names the content of a dataset: the SHA-256, in hex, of
//
//	"qtool dataset 1\n"
//	for train, then test:
//		uint64 number of dimensions of an image | uint64 each dimension
//		uint64 number of images | the images | the labels
//
// with big-endian numbers and one byte for each value and each label.
func contentHash(train, test *Split) string {
	h := sha256.New()
	io.WriteString(h, "qtool dataset 1\n")
	for _, s := range []*Split{train, test} {
		head := binary.BigEndian.AppendUint64(nil, uint64(len(s.Shape)))
		for _, d := range s.Shape {
			head = binary.BigEndian.AppendUint64(head, uint64(d))
		}
		h.Write(binary.BigEndian.AppendUint64(head, uint64(s.Len())))
		h.Write(s.Images)
		h.Write(s.Labels)
	}
	return hex.EncodeToString(h.Sum(nil))
}
