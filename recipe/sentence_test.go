package recipe

import (
	"reflect"
	"strings"
	"testing"

	"qtool/model"
)

// sentence is a recipe that uses every key of networks that read sentences.
const sentence = `name: s
data: {name: sst2, images: 100}
sentence:
  cell: lstm
  embedding: 50
  inputs: 16
  hidden: 8
  gates: {degree: 3, radius: 4, linear_output: true, penalty: 10, inside: 0.85}
  selection: {kind: chunk, steps: 5, words: 4}
  vectors: glove
  polarity: 0.2
  least_count: 2
  dropout: 0.4
  word_dropout: 0.1
  fraction: 16
  average: 0.99
  word_rate: 3
  keep_words: true
quantize:
  weights: {bits: 8}
  input: {bits: 8}
  finetune: {epochs: 2, teacher: {checkpoint: float, weight: 1, temperature: 1}}
`

func TestSentenceKeys(t *testing.T) {
	r := parse(t, sentence)
	roundTrip(t, r)
	n, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	want := &model.Network{Input: []int{5}, Layers: []model.Layer{
		{Type: model.Embedding, Name: "embedding", Units: 51, Rate: 0.4, WordDropout: 0.1}, {Type: model.Projection, Name: "projection", Units: 16},
		{Type: model.LSTM, Name: "lstm", Units: 8, Gates: &model.Gates{Degree: 3, Radius: 4, LinearOutput: true, Penalty: 10, Inside: 0.85}},
		{Type: model.Dropout, Name: "dropout", Rate: 0.4}, {Type: model.Dense, Name: "output", Units: 1},
	}}
	if !reflect.DeepEqual(n, want) {
		t.Errorf("network %+v", n)
	}
	if f := r.Quantize.Finetune; r.Train.Average != 0.99 || r.Train.WordRate != 3 || r.Train.KeepWords || f.Average != 0.99 || !f.KeepWords || r.Quantize.Fraction != 16 || r.VectorSize() != 50 {
		t.Errorf("train %+v, finetune %+v, fraction %d, vectors of %d", r.Train, f, r.Quantize.Fraction, r.VectorSize())
	}
	if r.Sentence.Selection.Words != 4 || !r.Sentence.KeepWords || r.Sentence.LeastCount != 2 {
		t.Errorf("sentence %+v", r.Sentence)
	}
	again, err := r.With([]string{"sentence.selection.steps=8", "sentence.hidden=4", "sentence.gates.radius=5"})
	if err != nil || again.Data.Text.Selection.Steps != 8 || again.Network.Layers[2].Gates.Radius != 5 || again.Network.Layers[2].Units != 4 {
		t.Errorf("%v", err)
	}
}

// longSentence is sentence in the long form.
const longSentence = `name: s
data:
  name: sst2
  images: 100
  text: {selection: {kind: chunk, steps: 5, words: 4}, vectors: glove, polarity: 0.2, least_count: 2}
network:
  layers:
    - {type: embedding, name: embedding, units: 51, rate: 0.4, word_dropout: 0.1}
    - {type: projection, name: projection, units: 16}
    - {type: lstm, name: lstm, units: 8, gates: {degree: 3, radius: 4, linear_output: true, penalty: 10, inside: 0.85}}
    - {type: dropout, name: dropout, rate: 0.4}
    - {type: dense, name: output, units: 1}
train: {average: 0.99, word_rate: 3}
quantize:
  weights: {bits: 8}
  input: {bits: 8}
  fraction: 16
  finetune: {epochs: 2, average: 0.99, keep_words: true, teacher: {checkpoint: float, weight: 1, temperature: 1}}
`

// Both forms resolve to the same, and each is written as it was read.
func TestSentenceIsShort(t *testing.T) {
	short, long := parse(t, sentence), parse(t, longSentence)
	roundTrip(t, long)
	short.Sentence = nil
	if !reflect.DeepEqual(short, long) {
		t.Errorf("the short form is\n%+v\nthe long one\n%+v", short, long)
	}
	for _, c := range []struct{ text, want string }{
		{sentence + "train: {average: 0.5}\n", "train.average: sentence.average stands in its place"},
		{sentence + "train: {word_rate: 0.5}\n", "train.word_rate: sentence.word_rate stands in its place"},
		{strings.Replace(sentence, "  weights: {bits: 8}", "  fraction: 12\n  weights: {bits: 8}", 1), "quantize.fraction: sentence.fraction stands in its place"},
		{strings.Replace(sentence, "images: 100", "images: 100, text: {selection: {kind: first, steps: 3}, vectors: none, least_count: 1}", 1), "data.text: sentence stands in its place"},
		{strings.Replace(longSentence, "  layers:", "  input: [4]\n  layers:", 1), "network.input: [4], but data.text.selection makes 5 steps"},
		{strings.Replace(longSentence, "  text: {selection", "  text: {polarity: 1000, selection", 1), "polarity"},
		{strings.Replace(longSentence, "fraction: 16", "cell_range: 2", 1), "quantize.cell_range: it is for an lstm with sigmoids"},
		{strings.Replace(longSentence, "average: 0.99, word_rate: 3", "weight_decay: 0.1", 1), "train.weight_decay: it is for networks of images"},
		{minimal + "train: {word_rate: 2}\n", "train.word_rate: it is for networks that read sentences"},
		{minimal + "quantize: {fraction: 12}\n", "quantize.fraction: it is for a recurrent layer with polynomial gates"},
	} {
		_, err := Parse([]byte(c.text))
		wantError(t, c.want, err, c.want)
	}
}

func TestSentenceErrors(t *testing.T) {
	r := parse(t, sentence)
	for _, c := range []struct{ set, want string }{
		{"data.name=mnist", "has no sentences"}, {"data.validation=10", "dev sentences"},
		{"network.input=[3]", "leave one of the two out"},
		{"sentence.cell=rnn", "sentence.cell"}, {"sentence.hidden=0", "sentence.hidden"}, {"sentence.gates.radius=-1", "gates.radius"}, {"sentence.dropout=1", "sentence.dropout"},
		{"sentence.word_dropout=-1", "sentence.word_dropout"}, {"sentence.average=1", "sentence.average"}, {"sentence.word_rate=-1", "sentence.word_rate"}, {"sentence.polarity=1000", "sentence.polarity"},
		{"sentence.least_count=0", "sentence.least_count"}, {"sentence.vectors=", "sentence.vectors"},
		{"sentence.selection.words=-1", "sentence.selection.words"}, {"sentence.mask=true", "set mask to false"},
		{"sentence.fraction=40", "fraction of 40 bits"}, {"quantize.input.bits=9", "quantize.input.bits"},
		{"quantize.method=best", "quantize.method"},
		{"quantize.finetune.teacher.checkpoint=teacher", "add the section teacher"}, {"verify.backend=x", "verify.backend"},
		{"sentence.unknown=1", `no key "unknown"`},
	} {
		if _, err := r.With([]string{c.set}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.set, err, c.want)
		}
	}
}
