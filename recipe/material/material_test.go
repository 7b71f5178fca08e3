package material

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/recipe"
	"qtool/task"
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
	if n := m.Train.Len(); n != 500 || m.Held.Len() != len(m.Words.Corpus.Dev) || m.Network.Layers[0].Words != m.Words.Vocabulary.Len() || m.Unit() != task.Sentence {
		t.Errorf("%d training and %d dev sentences, network %+v", n, m.Held.Len(), m.Network)
	}
	if _, err := load(t, "images: 500", "images: 5000"); err == nil || !strings.Contains(err.Error(), "data.images: 5000") {
		t.Errorf("more sentences than there are: error %v", err)
	}
	if _, err := load(t, "vectors: none", "vectors: testdata/none.txt"); err == nil || !strings.Contains(err.Error(), "none.txt") {
		t.Errorf("vectors that are not there: error %v", err)
	}
}

// Images and sentences of one logit are of two classes.
func TestFits(t *testing.T) {
	n := &model.Network{Input: []int{4}, Layers: []model.Layer{{Type: model.Dense, Name: "fc", Units: 1}}}
	d := &datasets.Dataset{Name: "d", Shape: []int{4}, Classes: 2}
	if err := fits(d, n); err != nil {
		t.Error(err)
	}
	d.Classes = 3
	d.Train = &datasets.Split{Labels: []uint8{0, 1, 2}}
	d.Test = d.Train
	if err := fits(d, n); err == nil || !strings.Contains(err.Error(), "3 classes, the network's last layer has 1 units") {
		t.Error(err)
	}
}

// The last number of a word's vector is its weight in the linear baseline.
func TestInitial(t *testing.T) {
	m, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Initial(m.Network)
	if err != nil {
		t.Fatal(err)
	}
	words := m.Words.Vocabulary.Len()
	if n := c.Network; n.Layers[0].Units != 7 || n.Steps() != 2 || len(c.Params[0].Data) != 7*words || len(c.Words) != words {
		t.Fatalf("network %+v, %d numbers for %d words", n, len(c.Params[0].Data), words)
	}
	for w, x := range m.Words.Logistic.Weight {
		if got := c.Params[0].Data[w*7+6]; got != 0.5*x {
			t.Errorf("word %d: %v, want half of %v", w, got, x)
		}
	}
	first, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = m.Initial(m.Network); err != nil {
		t.Fatal(err)
	}
	if again, err := c.Encode(); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same recipe begins otherwise: %v", err)
	}
	other := &model.Network{Input: m.Network.Input, Layers: append([]model.Layer{{Type: model.Embedding, Name: "words", Units: 3}}, m.Network.Layers[1:]...)}
	if c, err = m.Initial(other); err != nil || c.Network.Layers[0].Words != words {
		t.Errorf("a teacher: %+v, %v", c, err)
	}
}

// A bundle's client makes what its program takes, and the same again.
func TestFile(t *testing.T) {
	m, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Initial(m.Network)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for range 2 {
		q, err := ptq.Quantize(t.Context(), c.Network, c.Params, m.Recipe.Quantize.Config, m.Calibration())
		if err != nil {
			t.Fatal(err)
		}
		p, err := export.Program(q, m.Labels())
		if err != nil {
			t.Fatal(err)
		}
		f, sqnr, err := m.File(q, p, q.Params, 50, 3)
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.Encoder(q)
		if err != nil {
			t.Fatal(err)
		}
		if shape := p.Input.Shape; e.Shape()[0] != shape[0] || e.Shape()[1] != shape[1] || len(f.Golden.Inputs) != 3 || len(sqnr) != 2 {
			t.Errorf("client of shape %v, program of shape %v, golden vectors %+v, %v dB", e.Shape(), shape, f.Golden, sqnr)
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
