package datasets

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Counts and mean as published with the data; the hash is of this package.
func TestMNIST(t *testing.T) {
	dir := os.Getenv(dataEnv)
	if dir == "" {
		t.Skip(dataEnv + " is not set: it names the folder that holds mnist/")
	}
	if !filepath.IsAbs(dir) { // relative to where go test is called: the module's root
		t.Setenv(dataEnv, filepath.Join("..", dir))
	}
	d, err := Load(context.Background(), "mnist", Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]struct {
		split *Split
		want  [10]int
	}{
		"train": {d.Train, [10]int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
		"test":  {d.Test, [10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}},
	} {
		var counts [10]int
		for _, l := range part.split.Labels {
			counts[l]++
		}
		if diff := cmp.Diff(part.want, counts); diff != "" {
			t.Errorf("%s: images per class (-want +got)\n%s", name, diff)
		}
	}
	if got := meanPixel(d.Train); math.Abs(got-0.1307) > 0.00005 { // published to four digits
		t.Errorf("mean %v, want 0.1307", got)
	}
	if want := "6b75d014e70ae51117d3d2f12e51624ff38eca804970544b4ed24b872f8b9a07"; d.SHA256 != want {
		t.Errorf("hash %s, want %s", d.SHA256, want)
	}
}

// meanPixel returns the mean value of s, 1 for 255.
func meanPixel(s *Split) float64 {
	sum := 0
	for _, v := range s.Images {
		sum += int(v)
	}
	return float64(sum) / 255 / float64(len(s.Images))
}

// isolate makes sure that no place of the machine is looked at.
func isolate(t *testing.T) Options {
	t.Helper()
	t.Setenv(dataEnv, "")
	return Options{Offline: true, CacheDir: t.TempDir()}
}

func TestLocateOrder(t *testing.T) {
	o := isolate(t)
	env := t.TempDir()
	t.Setenv(dataEnv, env)
	o.Dir = t.TempDir()
	a, b := testFile("a.gz", "alpha"), testFile("b.gz", "beta")
	// From last to first: each new place is preferred to those before.
	for _, dir := range []string{
		o.CacheDir, filepath.Join(o.CacheDir, "set"),
		env, filepath.Join(env, "set"),
		o.Dir, filepath.Join(o.Dir, "set"),
	} {
		writeFile(t, filepath.Join(dir, "a.gz"), []byte("alpha"))
		if dir == o.CacheDir { // b stays where it is
			writeFile(t, filepath.Join(dir, "b.gz"), []byte("beta"))
		}
		got, err := locate(context.Background(), "set", []remoteFile{a, b}, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{filepath.Join(dir, "a.gz"), filepath.Join(o.CacheDir, "b.gz")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestLocateMissing(t *testing.T) {
	o := isolate(t)
	o.Dir = t.TempDir()
	writeFile(t, filepath.Join(o.Dir, "a.gz"), []byte("alpha"))
	_, err := locate(context.Background(), "set", []remoteFile{testFile("a.gz", "alpha"), testFile("b.gz", "beta")}, nil, o)
	var hint *HintError
	if !errors.Is(err, ErrMissing) || !errors.As(err, &hint) {
		t.Fatalf("error %v, want a hint and ErrMissing", err)
	}
	want := "datasets: set: input data missing: 1 of 2 files not found (b.gz); tried --data " +
		filepath.Join(o.Dir, "set") + " and " + o.Dir + "; QTOOL_DATA (not set); cache " +
		filepath.Join(o.CacheDir, "set") + " and " + o.CacheDir + "; download: not allowed (offline)"
	if err.Error() != want {
		t.Errorf("error %q\nwant  %q", err, want)
	}
	if !strings.Contains(hint.Hint(), "--data or QTOOL_DATA") {
		t.Errorf("hint %q", hint.Hint())
	}
}

func TestLocateRefusesAltered(t *testing.T) {
	o := isolate(t)
	o.Dir = t.TempDir()
	writeFile(t, filepath.Join(o.Dir, "a.gz"), []byte("alphA"))
	writeFile(t, filepath.Join(o.CacheDir, "a.gz"), []byte("alpha")) // must not be used instead
	f := testFile("a.gz", "alpha")
	_, err := locate(context.Background(), "set", []remoteFile{f}, nil, o)
	if err == nil || errors.Is(err, ErrMissing) {
		t.Fatalf("error %v, want one that does not wrap ErrMissing", err)
	}
	for _, part := range []string{filepath.Join(o.Dir, "a.gz"), testFile("", "alphA").sha256, f.sha256} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
}

func TestLocateRefusesNoFolder(t *testing.T) {
	o := isolate(t)
	o.Dir = filepath.Join(t.TempDir(), "file")
	writeFile(t, o.Dir, nil)
	if _, err := locate(context.Background(), "set", []remoteFile{testFile("a.gz", "alpha")}, nil, o); err == nil || errors.Is(err, ErrMissing) {
		t.Errorf("--data names a file: error %v", err)
	}
}
