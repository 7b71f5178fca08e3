package pipeline

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtool/model"
	"qtool/recipe"
)

func options(t *testing.T, sets ...string) Options {
	t.Helper()
	r, err := recipe.Load("testdata/tiny.yaml", append([]string{"verify.backend=none"}, sets...))
	if err != nil {
		t.Fatal(err)
	}
	return Options{Recipe: r, Dir: filepath.Join(t.TempDir(), "run")}
}

func contents(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Train and Quantize one after the other make the bundle that Run makes; so do the stages
// of a workspace. A resumed run makes nothing anew.
func TestStagesMakeWhatRunMakes(t *testing.T) {
	o := options(t)
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want := contents(t, o.Dir, FileBundle)

	two := options(t)
	if _, err := Train(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	made, err := Quantize(t.Context(), two, QuantizeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, made.Bundle), want) || made.Program == nil || made.Training == nil || len(made.SQNR) == 0 {
		t.Errorf("one after the other: another bundle, or not all is told: %+v", made)
	}

	w := New(options(t))
	if err := w.Hold(); err != nil {
		t.Fatal(err)
	}
	defer w.Leave()
	if err := w.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	float, err := w.Float(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quantized, err := w.Quantized(t.Context(), float)
	if err != nil {
		t.Fatal(err)
	}
	f, sqnr, err := w.Export(quantized)
	if err != nil {
		t.Fatal(err)
	}
	report, err := w.Verify(t.Context(), float, quantized, f, sqnr)
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := w.Publish(t.Context(), report); err != nil || outcome.Report.Accuracy.Integer == nil {
		t.Fatalf("%+v, %v", outcome, err)
	}
	if !bytes.Equal(contents(t, w.Path(FileBundle)), want) {
		t.Error("stage by stage: another bundle")
	}

	o.Resume = true
	training := contents(t, o.Dir, FileTraining)
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, o.Dir, FileBundle), want) || !bytes.Equal(contents(t, o.Dir, FileTraining), training) {
		t.Error("a resumed run made something anew")
	}
}

// A stage that is complete counts for a resumed run only as long as what it read and made
// is what is there.
func TestResumeTakesNothingOfSomethingElse(t *testing.T) {
	o := options(t)
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	mine := contents(t, o.Dir, FileFloat)
	for _, c := range []struct {
		name, want string
		change     func(path string) error
	}{
		// Of the same recipe and data, so that its provenance says nothing.
		{"float network trained otherwise", "float.safetensors is not what stage train made", func(path string) error {
			return retrained(t, path)
		}},
		{"record of another file", "quantized.safetensors is not what stage quantize made", func(string) error {
			path := filepath.Join(o.Dir, recordsFile)
			all, err := readRecords(path)
			if err != nil {
				return err
			}
			all["quantize"].Outputs[FileQuantized] = strings.Repeat("0", 64)
			return writeRecords(path, all)
		}},
		{"records that are none", recordsFile, func(string) error {
			return os.WriteFile(filepath.Join(o.Dir, recordsFile), []byte("["), 0o644)
		}},
	} {
		records := contents(t, o.Dir, recordsFile)
		if err := c.change(filepath.Join(o.Dir, FileFloat)); err != nil {
			t.Fatal(err)
		}
		_, err := Run(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), c.want) || Hint(err) == "" {
			t.Errorf("%s: %v; want an error with advice that says %q", c.name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(o.Dir, FileReport)); err != nil {
			t.Errorf("%s: what was there is gone: %v", c.name, err)
		}
		for name, b := range map[string][]byte{FileFloat: mine, recordsFile: records} {
			if err := os.WriteFile(filepath.Join(o.Dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A folder of an earlier version has no records.
	if err := os.Remove(filepath.Join(o.Dir, recordsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), o); err != nil {
		t.Errorf("without records: %v", err)
	}
}

// retrained changes a weight of a float checkpoint and nothing that it says of itself.
func retrained(t *testing.T, path string) error {
	t.Helper()
	c, err := model.ReadCheckpoint(path)
	if err != nil {
		return err
	}
	c.Params[0].Data[0] += 0.5
	return c.WriteFile(path)
}

// Comparing calibrations leaves the recipe that it was given as it was; the folder has
// the one of the best.
func TestCalibrationsLeaveTheRecipe(t *testing.T) {
	o := options(t, "quantize.method=ptq", "quantize.weights.bits=3")
	if _, err := Train(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before, err := o.Recipe.Encode()
	if err != nil {
		t.Fatal(err)
	}
	made, err := Quantize(t.Context(), o, QuantizeOptions{Compare: true})
	if err != nil {
		t.Fatal(err)
	}
	after, err := o.Recipe.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Errorf("the recipe became\n%s", after)
	}
	written, err := recipe.Load(filepath.Join(o.Dir, FileRecipe), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range made.Calibrations.Trials {
		if q := written.Quantize; c.Best && (q.Input != c.Input || q.Weights != c.Weights || q.PTQ != c.PTQ) {
			t.Errorf("the folder's recipe has %+v, the best is %+v", q, c)
		}
	}
}

// Weights of another tool say no words: a recipe that reads some refuses them before
// anything is made.
func TestForeignWeightsOfSentences(t *testing.T) {
	r, err := recipe.Load("sentiment-lstm-5", nil)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Recipe: r, Dir: filepath.Join(t.TempDir(), "run")}
	_, err = Quantize(t.Context(), o, QuantizeOptions{Checkpoint: "x.safetensors", Maps: []string{"a=b"}})
	if err == nil || !strings.Contains(err.Error(), "recipe sentiment-lstm-5 reads sentences: --map is for the weights of another tool") {
		t.Error(err)
	}
	if _, err := os.Stat(o.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}

// Options that lack something are refused.
func TestOptionsAreWhole(t *testing.T) {
	o := options(t)
	for _, bad := range []Options{{}, {Recipe: o.Recipe}, {Dir: o.Dir}} {
		if _, err := Run(t.Context(), bad); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}
