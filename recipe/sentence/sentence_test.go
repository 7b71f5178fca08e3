package sentence

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/model"
	"qtool/recipe"
)

const source = `name: test
about: A network on generated sentences.
seed: 3
data: {name: sentences, images: 500}
sentence:
  cell: lstm
  embedding: 6
  inputs: 3
  hidden: 2
  selection: {kind: chunk, steps: 2, words: 3}
  vectors: none
  polarity: 0.5
  least_count: 1
  dropout: 0.1
  word_dropout: 0.02
  word_rate: 2
  average: 0.9
  cell_range: 2
  keep_words: true
train: {epochs: 1, batch: 50, learning_rate: 0.01}
quantize:
  method: qat
  weights: {bits: 4, observer: mse}
  input: {bits: 4}
  activations: {bits: 4}
  accumulator: {bits: 8}
  images: 100
  finetune: {teacher: {checkpoint: float, weight: 0.75, temperature: 2}, epochs: 2, batch: 20, learning_rate: 0.001}
`

func load(t *testing.T, change ...string) (*Material, error) {
	t.Helper()
	r, err := recipe.Parse([]byte(strings.NewReplacer(change...).Replace(source)))
	if err != nil {
		t.Fatal(err)
	}
	return Load(context.Background(), r, datasets.Options{Offline: true})
}

func TestLoad(t *testing.T) {
	m, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Corpus.Train); n != 500 {
		t.Errorf("%d training sentences, the recipe wants 500", n)
	}
	if _, err := load(t, "images: 500", "images: 5000"); err == nil || !strings.Contains(err.Error(), "data.images: 5000") {
		t.Errorf("more sentences than there are: error %v", err)
	}
	if _, err := load(t, "vectors: none", "vectors: testdata/none.txt"); err == nil || !strings.Contains(err.Error(), "none.txt") {
		t.Errorf("vectors that are not there: error %v", err)
	}
}

// The last number of a word's vector is its weight in the linear baseline.
func TestInitial(t *testing.T) {
	m, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	n, p, err := m.Initial()
	if err != nil {
		t.Fatal(err)
	}
	if n.Embedding != 7 || n.Steps != 2 || len(p[0].Data) != 7*m.Vocabulary.Len() {
		t.Fatalf("network %+v, %d numbers for %d words", n, len(p[0].Data), m.Vocabulary.Len())
	}
	for w, x := range m.Logistic.Weight {
		if got := p[0].Data[w*7+6]; got != 0.5*x {
			t.Errorf("word %d: %v, want half of %v", w, got, x)
		}
	}
	if _, q, err := m.Initial(); err != nil || !same(p, q) {
		t.Errorf("the same recipe begins otherwise: %v", err)
	}
}

func same(a, b model.Parameters) bool {
	for i := range a {
		for k, x := range a[i].Data {
			if b[i].Data[k] != x {
				return false
			}
		}
	}
	return len(a) == len(b)
}

func TestTasks(t *testing.T) {
	ctx := context.Background()
	m, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	n, p, err := m.Initial()
	if err != nil {
		t.Fatal(err)
	}
	samples, dev := m.Samples(m.Corpus.Train), m.Samples(m.Corpus.Dev)
	float := m.Training(n, p, samples, dev)
	if float.Dropout != 0.1 || float.WordDropout != 0.02 || float.WordRate != 2 || float.Average != 0.9 || float.Seed != 3 || float.KeepWords || float.Teacher != nil || float.Config.Batch != 50 {
		t.Errorf("float training: %+v", float)
	}
	z, err := m.Quantizer(ctx, n, p)
	if err != nil {
		t.Fatal(err)
	}
	tuned, err := m.FineTuning(ctx, n, p, z, samples, dev)
	if err != nil {
		t.Fatal(err)
	}
	if tuned.Dropout != 0 || tuned.WordDropout != 0 || !tuned.KeepWords || tuned.Quantizer != z || tuned.Config.Epochs != 2 {
		t.Errorf("fine-tuning: %+v", tuned)
	}
	// A quarter of a target is the label, the rest the teacher's answer.
	for i, x := range tuned.Teacher {
		label := float32(samples[i].Label)
		if off := math.Abs(float64(x - label)); !(off > 0 && off < 0.75) {
			t.Errorf("sample %d with label %v: target %v", i, label, x)
		}
	}
	if len(tuned.Teacher) != len(samples) {
		t.Errorf("%d targets for %d samples", len(tuned.Teacher), len(samples))
	}
	m.Recipe.Quantize.Finetune.Teacher = nil
	if tuned, err = m.FineTuning(ctx, n, p, z, samples, dev); err != nil || tuned.Teacher != nil || tuned.Dropout != 0.1 {
		t.Errorf("fine-tuning without a teacher: %+v, %v", tuned, err)
	}
}

// A bundle's client makes what its program takes, and the same again.
func TestFile(t *testing.T) {
	ctx := context.Background()
	m, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	n, p, err := m.Initial()
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 2 {
		z, err := m.Quantizer(ctx, n, p)
		if err != nil {
			t.Fatal(err)
		}
		f, e, err := m.File(z.Quantized(), 50, 3)
		if err != nil {
			t.Fatal(err)
		}
		if shape := f.Program.Input.Shape; e.Shape()[0] != shape[0] || e.Shape()[1] != shape[1] || len(f.Golden.Inputs) != 3 {
			t.Errorf("client of shape %v, program of shape %v, golden vectors %+v", e.Shape(), shape, f.Golden)
		}
		b, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		} else if !bytes.Equal(first, b) {
			t.Error("the same network makes another bundle")
		}
	}
}
