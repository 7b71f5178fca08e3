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
		{"digits-lenet1-square", "data.validation=0", nil, "search needs held-out training images"},
		{"sentiment-lstm-5", "seed=1", nil, "recipe sentiment-lstm-5 reads sentences: search is for networks of images"},
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
