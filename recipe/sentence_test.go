package recipe

import (
	"strings"
	"testing"

	"qtool/model/sequence"
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
	n := r.Sentence.Build()
	if n.Embedding != 51 || n.Steps != 5 || n.Hidden != 8 || !n.Gates.LinearOutput || n.Gates.Radius != 4 || Family(n) != sequence.PolynomialFamily {
		t.Errorf("network %+v, gates %+v", n, n.Gates)
	}
	if r.Sentence.Selection.Words != 4 || !r.Sentence.KeepWords || r.Sentence.LeastCount != 2 {
		t.Errorf("sentence %+v", r.Sentence)
	}
	again, err := r.With([]string{"sentence.selection.steps=8", "sentence.hidden=4", "sentence.gates.radius=5"})
	if err != nil || again.Sentence.Build().Steps != 8 || again.Sentence.Gates.Radius != 5 {
		t.Errorf("%v", err)
	}
}

func TestSentenceErrors(t *testing.T) {
	r := parse(t, sentence)
	for _, c := range []struct{ set, want string }{
		{"data.name=mnist", "has no sentences"}, {"data.validation=10", "dev sentences"},
		{"network.input=[3]", "leave one of the two out"},
		{"sentence.cell=gru", "sentence.cell"}, {"sentence.dropout=1", "sentence.dropout"},
		{"sentence.word_dropout=-1", "sentence.word_dropout"}, {"sentence.average=1", "sentence.average"}, {"sentence.word_rate=-1", "sentence.word_rate"}, {"sentence.polarity=1000", "sentence.polarity"},
		{"sentence.least_count=0", "sentence.least_count"}, {"sentence.vectors=", "sentence.vectors"},
		{"sentence.selection.words=-1", "sentence.selection.words"}, {"sentence.mask=true", "set mask to false"},
		{"sentence.fraction=40", "fraction of 40 bits"}, {"quantize.input.bits=9", "quantize.input.bits"},
		{"quantize.method=best", "quantize.method"},
		{"quantize.finetune.teacher.checkpoint=x", "its own float one alone"}, {"verify.backend=x", "verify.backend"},
		{"sentence.unknown=1", `no key "unknown"`},
	} {
		if _, err := r.With([]string{c.set}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.set, err, c.want)
		}
	}
}
