package tune

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtool/pipeline"
	"qtool/recipe"
)

// What cannot be searched is refused by name, before anything is made.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		recipe, set string
		change      func(o *Options)
		want        string
	}{
		{"digits-lenet1-square", "seed=1", func(o *Options) { o.Candidates = 0 }, "--candidates: 0 is outside 1..100000"},
		{"digits-lenet1-square", "seed=1", func(o *Options) { o.Front = 1001 }, "--front: 1001 is outside 1..1000"},
		{"digits-lenet1-square", "seed=1", func(o *Options) { o.Epochs = -1 }, "--finetune-epochs: -1 is outside 0..10000"},
		{"digits-lenet1-square", "seed=1", func(o *Options) { o.Maps = []string{"a=b"} }, "--map renames the tensors of --checkpoint, and there is none"},
		{"digits-lenet1-square", "verify.backend=pbs", nil, "verify.backend pbs: search predicts the cost of polynomials"},
		{"digits-fc-sigmoid", "verify.backend=packed-bgv", nil, "verify.backend packed-bgv: search predicts the cost of tables"},
		{"digits-lenet1-square", "data.validation=0", nil, "search needs held-out training samples"},
		{"sentiment-lstm-5", "verify.backend=none", nil, "verify.backend none: search predicts the cost of recurrent networks for auto"},
		{"sentiment-lstm-poly", "verify.backend=pbs", nil, "verify.backend pbs: search predicts the cost of recurrent networks for auto"},
		{"digits-lenet1-square", "seed=1", func(o *Options) { o.Checkpoint = "none.safetensors" }, "no float checkpoint"},
	} {
		r, err := recipe.Load(c.recipe, []string{c.set})
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Options: pipeline.Options{Recipe: r, Dir: filepath.Join(t.TempDir(), "search")}, Candidates: 1, Front: 1}
		if c.change != nil {
			c.change(&o)
		}
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v; want %q", c.recipe, c.set, err, c.want)
		}
		if _, err := os.Stat(o.Dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s, %s: a folder was made: %v", c.recipe, c.set, err)
		}
	}
}

// sentences is a recipe of a small network that reads words.
const sentences = `name: tiny-lstm
data:
  name: sentences
  images: 300
  text: {selection: {kind: chunk, steps: 3, words: 3}, vectors: none, least_count: 1}
network:
  layers:
    - {type: embedding, name: words, units: 6}
    - {type: projection, name: narrow, units: 4}
    - {type: lstm, name: lstm, units: 3}
    - {type: dense, name: output, units: 1}
train: {epochs: 3, batch: 20, learning_rate: 0.02, clip: 1}
quantize:
  method: qat
  weights: {bits: 4, observer: mse}
  input: {bits: 4}
  activations: {bits: 4}
  cell_range: 2
  images: 100
  finetune: {epochs: 1, batch: 20, learning_rate: 0.005, clip: 1}
`

// Bits of networks that read words are searched as those of images are: with tables, with
// polynomial gates, and without either.
func TestSentences(t *testing.T) {
	for name, c := range map[string]struct {
		sets []string
		axes int
	}{
		"tables":      {nil, 5},
		"polynomials": {[]string{"network.layers.lstm.gates={degree: 3, radius: 4, penalty: 10, inside: 0.7}", "quantize.activations={}", "quantize.cell_range=0", "quantize.fraction=14"}, 3},
		"linear":      {[]string{"data.text.selection={kind: chunk, steps: 1}", "network.layers.lstm={type: flatten, name: lstm}", "network.layers.words.combine=mean", "quantize.activations={}", "quantize.cell_range=0"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "tiny.yaml")
			if err := os.WriteFile(file, []byte(sentences), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := recipe.Load(file, c.sets)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Options: pipeline.Options{Recipe: r, Dir: filepath.Join(t.TempDir(), "search")}, Candidates: 8, Front: 2, Epochs: 1}
			found, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Axes) != c.axes || len(found.Candidates) != 8 || len(found.Front) == 0 {
				t.Errorf("%d axes, %d candidates, %d on the front", len(found.Axes), len(found.Candidates), len(found.Front))
			}
			for _, f := range found.Front {
				if f.Needs == nil || !(f.Needs.Work > 0 && f.PredictedSeconds > 0) || !(f.Tuned > 0.4) {
					t.Errorf("%+v needs %+v", f, f.Needs)
				}
				if _, err := os.Stat(filepath.Join(o.Dir, f.Folder, pipeline.FileBundle)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
