package recipe

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// kinds are recipes of every kind that there is.
var kinds = map[string]string{
	"images, trained":      minimal,
	"images, rounded":      minimal + "quantize: {method: ptq}\n",
	"images, float":        minimal + "quantize: {method: none}\n",
	"images, tables":       tables,
	"sentences, rounded":   strings.Replace(strings.Replace(sentence, "  keep_words: true\n", "", 1), "  finetune: {epochs: 2, teacher: {checkpoint: float, weight: 1, temperature: 1}}\n", "  method: ptq\n", 1),
	"sentences, trained":   sentence,
	"sentences, tables":    tableSentence,
	"sentences, mean":      meanSentence,
	"sentences, float":     meanSentence + "quantize: {method: none}\n",
	"sentences, mean, ptq": meanSentence + "quantize: {method: ptq}\n",
	"words, layers":        longSentence,
}

const meanSentence = `name: s
data: {name: sst2}
sentence: {cell: mean, embedding: 5, inputs: 4, selection: {kind: chunk, steps: 1}, vectors: none, least_count: 1}
`

const tableSentence = `name: s
data: {name: sst2}
sentence: {cell: lstm, embedding: 5, inputs: 4, hidden: 3, selection: {kind: chunk, steps: 2}, vectors: none, least_count: 1, cell_range: 2}
quantize: {activations: {bits: 4}, accumulator: {bits: 8}}
`

// values are what a test sets keys to that do not take 3, true or kl; "" leaves a
// key out.
var values = map[string]string{
	"data.name": "uci", "network.input": "[1, 29, 29]", "network.layers": "[{type: flatten, name: f}, {type: dense, name: fc, units: 4}]",
	"teacher":  "{layers: [{type: flatten, name: f}, {type: dense, name: fc, units: 10}], train: {epochs: 1, batch: 1, learning_rate: 1, schedule: cosine}}",
	"sentence": "", "data.text": "{selection: {kind: first, steps: 3}, vectors: none, least_count: 1}", "data.text.vectors": "v.txt", "data.text.selection.kind": "saliency",
	"train.average": "0.5", "quantize.finetune.average": "0.5", "quantize.fraction": "20", "quantize.cell_range": "4",
	"sentence.gates": "{degree: 5, radius: 4, penalty: 1, inside: 0.5}", "sentence.cell": "mean", "sentence.selection.kind": "saliency",
	"sentence.cell_range": "4", "sentence.fraction": "20", "train.schedule": "constant", "quantize.finetune.schedule": "constant",
	"train.teacher": "{checkpoint: x, weight: 0.5, temperature: 3}", "quantize.finetune.teacher": "{checkpoint: float, weight: 0.7, temperature: 3}",
	"quantize.layers": "{fc: {bits: 3}}", "quantize.weights.observer": "mse", "quantize.method": "none",
	"quantize.activations.bits": "3", "verify.backend": "packed-bgv", "verify.log_n": "13", "verify.precision": "12",
	"train.warmup": "0.5", "quantize.finetune.warmup": "0.5", "sentence.vectors": "v.txt", "sentence.dropout": "0.5", "sentence.word_dropout": "0.5", "sentence.average": "0.5",
}

// Every key of the schema stands in the table of what uses it.
func TestEveryKeyHasAUse(t *testing.T) {
	known := map[string]bool{"sentence": true}
	for _, text := range []string{minimal, sentence, longSentence} {
		for _, l := range parse(t, text).leaves() {
			known[l.key] = true
			if _, ok := usedBy[l.key]; !ok {
				t.Errorf("%s: nothing says what uses it", l.key)
			}
		}
	}
	for key := range usedBy {
		if !known[key] {
			t.Errorf("%s: it is no key of the schema", key)
		}
	}
}

// In every kind of recipe every key either changes the recipe or is refused: as
// having no effect exactly where the table says so, with its path and line.
func TestKeysByKind(t *testing.T) {
	for kind, text := range kinds {
		r := parse(t, text)
		for _, l := range r.leaves() {
			value, ok := values[l.key]
			if !ok {
				value = map[reflect.Kind]string{reflect.Bool: "true", reflect.String: "kl", reflect.Int: "3", reflect.Uint64: "3", reflect.Float64: "0.25"}[l.value.Kind()]
			}
			if value == "" || fmt.Sprint(l.value.Interface()) == value {
				continue
			}
			what := fmt.Sprintf("%s: %s=%s", kind, l.key, value)
			changed, err := override(r, []string{l.key + "=" + value})
			var unused *UnusedError
			if errors.As(err, &unused) {
				if unused.Key == l.key && r.misses(l.key) == nil && l.key != "verify.backend" && l.key != "verify.log_n" && l.key != "verify.encrypted_limit" {
					t.Errorf("%s: %v, but the table says that it is used", what, err)
				}
				continue
			}
			if r.misses(l.key) != nil {
				t.Errorf("%s: error %v, want one that says that the key is not used", what, err)
			}
			if err == nil && reflect.DeepEqual(r, changed) {
				t.Errorf("%s: nothing changed", what)
			}
		}
	}
}

// The keys that networks of sentences do not use are refused with their lines.
func TestUnusedKeysOfSentences(t *testing.T) {
	for _, c := range []struct{ section, key string }{
		{"train: {weight_decay: 0.1}", "train.weight_decay"}, {"train: {overflow_penalty: 1}", "train.overflow_penalty"},
		{"train: {start_quantization: 1, epochs: 2}", "train.start_quantization"}, {"train: {augment: {shift: 2}}", "train.augment.shift"},
		{"quantize: {weights: {per_channel: true}}", "quantize.weights.per_channel"}, {"quantize: {input: {observer: mse}}", "quantize.input.observer"},
		{"quantize: {finetune: {weight_decay: 0.1}}", "quantize.finetune.weight_decay"}, {"quantize: {learn: {weights: true}}", "quantize.learn.weights"},
		{"quantize: {accumulator: {shift: 2}}", "quantize.accumulator.shift"}, {"quantize: {method: ptq, ptq: {equalize: true}}", "quantize.ptq.equalize"},
		{"quantize: {activations: {bits: 4}}", "quantize.activations.bits"},
		{"train: {augment: {rotation: 2}}", "train.augment.rotation"}, {"quantize: {finetune: {overflow_penalty: 1}}", "quantize.finetune.overflow_penalty"},
	} {
		_, err := Parse([]byte(meanSentence + c.section + "\n"))
		wantError(t, c.section, err, c.key+": it is for ")
		wantError(t, c.section, err, "[4:")
	}
}

// A recipe as it is printed can be read, and each of its keys set to what it says.
func TestPrintedValuesAreAccepted(t *testing.T) {
	for _, name := range []string{"mnist-best", "mnist-fc-sigmoid-ptq6", "logistic", "sentiment-lstm"} {
		r, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := r.SHA256()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.written().leaves() {
			switch l.value.Kind() {
			case reflect.Int, reflect.Uint64, reflect.Float64, reflect.Bool, reflect.String:
			default:
				continue
			}
			text, err := quoted(fmt.Sprint(l.value.Interface()))
			if err != nil {
				t.Fatal(err)
			}
			if l.value.Kind() != reflect.String {
				text = fmt.Append(nil, l.value.Interface())
			}
			same, err := r.With([]string{l.key + "=" + string(text)})
			if err != nil {
				t.Errorf("%s: %s=%s: %v", name, l.key, text, err)
				continue
			}
			if got, err := same.SHA256(); err != nil || got != sum {
				t.Errorf("%s: %s=%s makes another recipe: %v", name, l.key, text, err)
			}
		}
	}
}
