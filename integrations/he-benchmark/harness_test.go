// Package hebenchmark tests the folder that is laid over the harness of
// HomomorphicEncryption.org: it does what the harness does.
package hebenchmark

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/datasets"
)

// harness is a clone of the harness with the folder laid over it.
type harness struct {
	dir, build string
}

func lay(t *testing.T, bundleFile string) *harness {
	t.Helper()
	h := &harness{dir: t.TempDir()}
	for _, folder := range []string{"scripts", "executables"} {
		if err := os.CopyFS(filepath.Join(h.dir, folder), os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
	}
	qtool := filepath.Join(t.TempDir(), "qtool")
	if out, err := exec.Command("go", "build", "-o", qtool, "qtool/cmd/qtool").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	h.run(t, nil, "scripts/get_openfhe.sh")
	env := []string{"QTOOL=" + qtool, "QTOOL_BUNDLE=" + bundleFile}
	for range 2 { // the second call keeps what is there
		h.run(t, env, "scripts/build_task.sh", "./submissions/mnist")
	}
	h.build = "submissions/mnist/build"
	return h
}

// run runs a command in the harness's root and gives the seconds it took.
func (h *harness) run(t *testing.T, env []string, command string, args ...string) float64 {
	t.Helper()
	c := exec.Command("sh", append([]string{command}, args...)...)
	c.Dir, c.Env = h.dir, append(os.Environ(), env...)
	start := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", command, args, err, out)
	}
	return time.Since(start).Seconds()
}

// sizes are what the harness calls them, by number.
var sizes = []string{"single", "small", "medium", "large"}

// submit does what the harness does for a size: the input as text, every stage, the
// predictions. It says how long each stage took, and what is sent.
func (h *harness) submit(t *testing.T, size int, images [][]uint8) []string {
	t.Helper()
	var text bytes.Buffer
	for _, image := range images {
		for _, b := range image {
			fmt.Fprintf(&text, "%.6f ", float64(b)/255)
		}
		text.WriteByte('\n')
	}
	name := sizes[size]
	input := filepath.Join(h.dir, "datasets", name, "intermediate")
	if err := os.MkdirAll(input, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(input, "test_pixels.txt"), text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	all := 0.0
	for _, stage := range []string{
		"client_key_generation", "server_preprocess_model", "client_preprocess_input", "client_encode_encrypt_input",
		"server_encrypted_compute", "client_decrypt_decode", "client_postprocess",
	} {
		args := []string{fmt.Sprint(size)}
		if stage == "server_preprocess_model" {
			args = nil
		}
		seconds := h.run(t, nil, filepath.Join(h.build, stage), args...)
		all += seconds
		t.Logf("%-8s %-28s %7.2f s", name, stage, seconds)
	}
	t.Logf("%-8s %-28s %7.2f s", name, "all", all)
	for _, folder := range []string{"public_keys", "ciphertexts_upload", "ciphertexts_download"} {
		t.Logf("%-8s %-28s %7.1f MiB", name, folder, float64(h.bytes(t, name, folder))/(1<<20))
	}
	b, err := os.ReadFile(filepath.Join(h.dir, "io", name, "encrypted_model_predictions.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func (h *harness) bytes(t *testing.T, size, folder string) (n int64) {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(h.dir, "io", size, folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

// check wants the integer reference's labels, and gives how many are right.
func check(t *testing.T, f *bundle.File, d *datasets.Split, got []string) (right int) {
	t.Helper()
	if len(got) == 0 {
		t.Fatal("no predictions")
	}
	r, err := bundle.NewRunner(f.Program)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range got {
		s, err := f.Sample(d.Image(i))
		if err != nil {
			t.Fatal(err)
		}
		logits, err := r.Run(s.Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		class := f.Program.Output().Argmax(logits)
		if label != f.Program.Labels[class] {
			t.Errorf("image %d: %s, the integer reference says %s", i, label, f.Program.Labels[class])
		}
		if class == int(d.Labels[i]) {
			right++
		}
	}
	return right
}

func images(d *datasets.Split, n int) (all [][]uint8) {
	for i := range n {
		all = append(all, d.Image(i))
	}
	return all
}

// TestDigits runs all sizes on the generated digits, with fewer images.
func TestDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds qtool")
	}
	path, err := filepath.Abs("../../he/choose/testdata/digits.qb")
	if err != nil {
		t.Fatal(err)
	}
	f, err := bundle.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := datasets.Load(t.Context(), "digits", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := lay(t, path)
	for size, n := range []int{1, 5, 100, 300} {
		if got := h.submit(t, size, images(d.Test, n)); len(got) != n {
			t.Errorf("%s: %d predictions for %d images", sizes[size], len(got), n)
		} else {
			check(t, f, d.Test, got)
		}
	}
}

// TestMNIST runs the harness's sizes on MNIST, with the bundle that QTOOL_BUNDLE names: for
// docs/he-benchmark.md.
func TestMNIST(t *testing.T) {
	path := os.Getenv("QTOOL_BUNDLE")
	if path == "" {
		t.Skip("QTOOL_BUNDLE names no bundle of mnist-lenet1-square")
	}
	f, err := bundle.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := datasets.Load(t.Context(), "mnist", datasets.Options{})
	if err != nil {
		t.Skipf("no MNIST: %v", err)
	}
	h := lay(t, path)
	for size, n := range []int{1, 100, 1000, 10000} {
		got := h.submit(t, size, images(d.Test, n))
		if len(got) != n {
			t.Fatalf("%s: %d predictions for %d images", sizes[size], len(got), n)
		}
		right := check(t, f, d.Test, got)
		t.Logf("%-8s %d of %d right", sizes[size], right, n)
	}
}
