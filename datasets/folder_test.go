package datasets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallArrays returns 3 training and 2 test images of shape [2, 2], labels below 3.
func smallArrays() map[string]*IDX {
	return map[string]*IDX{
		trainImagesFile: {Shape: []int{3, 2, 2}, Data: []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		trainLabelsFile: {Shape: []int{3}, Data: []uint8{2, 0, 1}},
		testImagesFile:  {Shape: []int{2, 2, 2}, Data: []uint8{20, 21, 22, 23, 24, 25, 26, 27}},
		testLabelsFile:  {Shape: []int{2}, Data: []uint8{1, 0}},
	}
}

// writeFolder writes arrays to a new folder, the labels gzipped.
func writeFolder(t *testing.T, arrays map[string]*IDX) string {
	t.Helper()
	dir := t.TempDir()
	for name, x := range arrays {
		data := encoded(t, x)
		if strings.Contains(name, "labels") {
			name, data = name+".gz", gzipped(data)
		}
		writeFile(t, filepath.Join(dir, name), data)
	}
	return dir
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLoadFolder(t *testing.T) {
	dir := writeFolder(t, smallArrays())
	got, err := Load(context.Background(), "idx:"+dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	arrays := smallArrays()
	want := &Dataset{
		Name: "idx:" + dir, Shape: []int{1, 2, 2}, Classes: 3,
		Train:  &Split{arrays[trainImagesFile].Data, arrays[trainLabelsFile].Data, []int{1, 2, 2}, nil, nil},
		Test:   &Split{arrays[testImagesFile].Data, arrays[testLabelsFile].Data, []int{1, 2, 2}, nil, nil},
		SHA256: "f1161196feb0e757f89654d6d4cf0f0195f4bab0e4dbe0b2d6b61500fc76a09b", // see TestContentHash
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The hash of the content, by coreutils from the documented order:
//
//	{ printf 'qtool dataset 1\n'
//	  printf '\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3'
//	  printf '\0\1\2\3\4\5\6\7\10\11\12\13\2\0\1'
//	  printf '\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2'
//	  printf '\24\25\26\27\30\31\32\33\1\0'; } | sha256sum
func TestContentHash(t *testing.T) {
	a := smallArrays()
	got := contentHash(
		&Split{a[trainImagesFile].Data, a[trainLabelsFile].Data, []int{1, 2, 2}, nil, nil},
		&Split{a[testImagesFile].Data, a[testLabelsFile].Data, []int{1, 2, 2}, nil, nil})
	if want := "f1161196feb0e757f89654d6d4cf0f0195f4bab0e4dbe0b2d6b61500fc76a09b"; got != want {
		t.Errorf("content hash %s, want %s", got, want)
	}
}

func TestLoadFolderWithChannels(t *testing.T) {
	arrays := smallArrays()
	arrays[trainImagesFile].Shape = []int{3, 4, 1, 1}
	arrays[testImagesFile].Shape = []int{2, 4, 1, 1}
	got, err := Load(context.Background(), "idx:"+writeFolder(t, arrays), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{4, 1, 1}, got.Shape); diff != "" {
		t.Errorf("shape (-want +got)\n%s", diff)
	}
}

func TestLoadFolderRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(map[string]*IDX)
		want   string
	}{
		{"counts", func(a map[string]*IDX) { a[testLabelsFile] = &IDX{[]int{3}, []uint8{0, 0, 0}} }, "test images number 2, labels 3"},
		{"labels", func(a map[string]*IDX) { a[trainLabelsFile].Shape = []int{3, 1} }, "training labels have shape [3 1], want [N]"},
		{"images", func(a map[string]*IDX) { a[testImagesFile].Shape = []int{2, 4} }, "test images have shape [2 4]"},
		{"shapes", func(a map[string]*IDX) { a[testImagesFile].Shape = []int{2, 1, 4} }, "training samples have shape [1 2 2], test samples [1 1 4]"},
	} {
		arrays := smallArrays()
		test.change(arrays)
		_, err := Load(context.Background(), "idx:"+writeFolder(t, arrays), Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrMissing) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestLoadFolderNamesMissingFile(t *testing.T) {
	arrays := smallArrays()
	delete(arrays, testImagesFile)
	dir := writeFolder(t, arrays)
	_, err := Load(context.Background(), "idx:"+dir, Options{})
	var hint *HintError
	if !errors.Is(err, ErrMissing) || !errors.As(err, &hint) || hint.Hint() == "" {
		t.Fatalf("error %v, want one with a hint that wraps ErrMissing", err)
	}
	if want := testImagesFile + ".gz is in " + dir; !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not say %q", err, want)
	}
}

func TestLabelsBelowClasses(t *testing.T) {
	s := numbered(4)
	_, err := newDataset("small", s, s, 3)
	if want := "datasets: small: label 3 of training sample 3 is not below 3"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
