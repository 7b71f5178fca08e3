package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qtool/kernel/cpu"
	"qtool/pipeline"
)

const killRecipe = `
name: killed
data: {name: digits, images: 3000, validation: 200}
network:
  input: [1, 28, 28]
  layers:
    - {type: avgpool, name: pool, kernel: 4}
    - {type: flatten, name: flatten}
    - {type: dense, name: fc1, units: 16}
    - {type: square, name: square1}
    - {type: dense, name: fc2, units: 10}
train: {epochs: 12, batch: 10, learning_rate: 0.01, clip: 1}
quantize:
  weights: {bits: 4}
  input: {bits: 4}
  finetune: {epochs: 6, batch: 10, learning_rate: 0.002, clip: 1}
verify: {limit: 50}
`

const killSentences = `
name: killed
data:
  name: sentences
  text: {selection: {kind: chunk, steps: 4, words: 2}, vectors: none, polarity: 0.2, least_count: 1}
network:
  layers:
    - {type: embedding, name: words, units: 17, rate: 0.2, word_dropout: 0.05}
    - {type: projection, name: narrow, units: 8}
    - {type: lstm, name: lstm, units: 12}
    - {type: dropout, name: dropout, rate: 0.2}
    - {type: dense, name: output, units: 1}
train: {epochs: 12, batch: 10, learning_rate: 0.01, clip: 1, patience: 12, average: 0.99, word_rate: 2}
quantize:
  weights: {bits: 4, observer: mse}
  input: {bits: 4}
  activations: {bits: 4}
  accumulator: {bits: 8}
  cell_range: 2
  images: 300
  finetune:
    teacher: {checkpoint: float, weight: 0.5, temperature: 2}
    epochs: 4
    batch: 10
    learning_rate: 0.002
    clip: 1
    average: 0.99
    keep_words: true
verify: {limit: 200, backend: none}
`

// TestKilled kills a run at ten random moments, resuming it each time. What it
// ends with is what an uninterrupted run gives: every file to the byte, and the
// report in everything but times, memory, and the noise of fresh encryptions.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole command twelve times; left out with -short")
	}
	testKilled(t, killRecipe)
}

// TestSentencesKilled does the same to a run whose network reads words.
func TestSentencesKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole command twelve times; left out with -short")
	}
	testKilled(t, killSentences)
}

func testKilled(t *testing.T, recipe string) {
	dir := killAndResume(t, recipe, 10, "run")
	for _, name := range []string{pipeline.FileRecipe, pipeline.FileFloat, pipeline.FileQuantized, pipeline.FileBundle} {
		if diff := cmp.Diff(read(t, dir, "whole", name), read(t, dir, "killed", name)); diff != "" {
			t.Errorf("%s differs", name)
		}
	}
	if diff := cmp.Diff(steady(t, dir, "whole"), steady(t, dir, "killed")); diff != "" {
		t.Errorf("reports differ (-whole +killed)\n%s", diff)
	}
	for _, name := range []string{"float.state", "qat.state", pipeline.StateVerify} {
		if _, err := os.Stat(filepath.Join(dir, "killed", name)); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
}

// TestSearchKilled does the same to a search: its candidates and its front, and
// every bundle of that, are the same. With QTOOL_SLOW set it kills more often, and
// compares with a machine of one core without vector kernels.
func TestSearchKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole command ten times; left out with -short")
	}
	// Bits and degree: a polynomial whose interval is measured.
	t.Run("polynomials", func(t *testing.T) {
		kills := 2
		if slow() {
			kills = 5
		}
		testSearchKilled(t, kills, "--candidates", "40", "--finetune-epochs", "3", "--set",
			"network.layers.square1={type: polynomial, name: square1, approximates: silu, degree: 3, method: histogram, percentile: 99}")
	})
	t.Run("tables", func(t *testing.T) {
		if !slow() {
			t.Skip("takes two minutes: QTOOL_SLOW=1 runs it, as CI does")
		}
		testSearchKilled(t, 3, "--candidates", "30", "--finetune-epochs", "3", "--set", "network.layers.square1.type=tanh", "--set", "quantize.activations.bits=4")
	})
}

// slow says whether to run what CI alone has the time for.
func slow() bool { return os.Getenv("QTOOL_SLOW") != "" }

func testSearchKilled(t *testing.T, kills int, more ...string) {
	args := append([]string{"search", "--front", "4"}, more...)
	dir := killAndResume(t, killRecipe, kills, args...)
	whole, killed := steadySearch(t, dir, "whole"), steadySearch(t, dir, "killed")
	if diff := cmp.Diff(whole, killed); diff != "" {
		t.Errorf("searches differ (-whole +killed)\n%s", diff)
	}
	front := whole["front"].([]any)
	if len(front) != 4 {
		t.Errorf("%d points on the front, want 4", len(front))
	}
	for _, c := range front {
		folder := c.(map[string]any)["folder"].(string)
		if diff := cmp.Diff(read(t, dir, "whole", folder, pipeline.FileBundle), read(t, dir, "killed", folder, pipeline.FileBundle)); diff != "" {
			t.Errorf("the bundle of %s differs", folder)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "killed", pipeline.StateSearch)); err == nil {
		t.Errorf("%s is left behind", pipeline.StateSearch)
	}
	if !slow() {
		return
	}
	// Nor does the machine matter, once there is a float network.
	other := exec.Command(filepath.Join(dir, "qtool"), append(args, "-c", filepath.Join(dir, "killed.yaml"), "--quiet",
		"--out", filepath.Join(dir, "other"), "--checkpoint", filepath.Join(dir, "whole", pipeline.FileFloat))...)
	other.Env = append(os.Environ(), "GOMAXPROCS=1", cpu.Variable+"=portable")
	if out, err := other.CombinedOutput(); err != nil {
		t.Fatalf("on one core without vector kernels: %v\n%s", err, out)
	}
	if diff := cmp.Diff(whole, steadySearch(t, dir, "other")); diff != "" {
		t.Errorf("the search differs on one core without vector kernels\n%s", diff)
	}
}

// steadySearch is search.json without what depends on the machine's speed.
func steadySearch(t *testing.T, dir, run string) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(read(t, dir, run, pipeline.FileSearch), &r); err != nil {
		t.Fatal(err)
	}
	delete(r, "machine")
	for _, c := range r["front"].([]any) {
		delete(c.(map[string]any), "predicted_seconds")
	}
	return r
}

// killAndResume runs a command on a recipe as a whole in the folder "whole",
// and in "killed" kills it at so many random moments, resuming it each time,
// before it lets it end. It returns the folder of both.
func killAndResume(t *testing.T, text string, kills int, args ...string) string {
	t.Helper()
	dir, qtool, recipe := built(t, text)
	command := func(out string, more ...string) *exec.Cmd {
		all := append(append([]string{}, args...), "-c", recipe, "--quiet", "--out", filepath.Join(dir, out))
		return exec.Command(qtool, append(all, more...)...)
	}
	start := time.Now()
	if out, err := command("whole").CombinedOutput(); err != nil {
		t.Fatalf("uninterrupted run: %v\n%s", err, out)
	}
	whole := time.Since(start)

	// The moments are spread over a part of what an uninterrupted run takes: each
	// run gets a little further than the one before, so that every stage is hit. A
	// run that ends before its moment makes room for a fresh one, and says that the
	// machine may have become faster: the moments come sooner then.
	r := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for range 40 {
		cmd := command("killed", "--resume")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Float64()*float64(whole)*0.6), func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			whole = whole * 4 / 5
			if err := os.RemoveAll(filepath.Join(dir, "killed")); err != nil {
				t.Fatal(err)
			}
		} else if killed++; killed == kills {
			break
		}
	}
	if killed < kills {
		t.Errorf("%d of 40 runs were killed before they finished, want %d", killed, kills)
	}
	if out, err := command("killed", "--resume").CombinedOutput(); err != nil {
		t.Fatalf("resumed run: %v\n%s", err, out)
	}
	return dir
}

// built is a folder with the command, built from the source, and a recipe's text in a
// file, and the paths of both.
func built(t *testing.T, text string) (dir, qtool, recipe string) {
	t.Helper()
	dir = t.TempDir()
	qtool, recipe = filepath.Join(dir, "qtool"), filepath.Join(dir, "killed.yaml")
	if out, err := exec.Command("go", "build", "-o", qtool, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := os.WriteFile(recipe, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, qtool, recipe
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// steady is a report without what differs between two runs of the same work.
func steady(t *testing.T, dir, run string) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(read(t, dir, run, pipeline.FileReport), &r); err != nil {
		t.Fatal(err)
	}
	delete(r, "seconds")
	delete(r, "peak_rss_bytes")
	if b, ok := r["backend"].(map[string]any); ok {
		delete(b, "noise_bits_left")
	}
	for _, l := range r["layers"].([]any) {
		delete(l.(map[string]any), "seconds")
	}
	return r
}
