package recipe

import (
	"strings"
	"testing"
)

// tables is a recipe that uses every key of table networks.
const tables = `name: t
data: {name: digits}
network:
  input: [1, 28, 28]
  layers:
    - {type: flatten, name: flatten}
    - {type: dense, name: fc1, units: 8}
    - {type: batchnorm, name: norm1}
    - {type: tanh, name: tanh1}
    - {type: dense, name: fc2, units: 10}
train: {teacher: {checkpoint: other.safetensors, weight: 1, temperature: 2}}
quantize:
  weights: {bits: 3, per_channel: true, observer: mse}
  activations: {bits: 4, observer: percentile, percentile: 99.9, bins: 512, symmetric: true}
  accumulator: {bits: 8, shift: 2}
  layers: {fc2: {bits: 4, accumulator: {bits: 12}}, tanh1: {bits: 3}}
  learn: {weights: true, input: true, activations: true}
  finetune: {epochs: 3, freeze_scales: 2, teacher: {checkpoint: float, weight: 0.5, temperature: 4}}
`

func TestTableKeys(t *testing.T) {
	r := parse(t, tables)
	q := r.Quantize
	if a := q.Activations; a.Bits != 4 || a.Observer != "percentile" || a.Percentile != 99.9 || a.Bins != 512 || !a.Symmetric {
		t.Errorf("activations %+v", a)
	}
	if q.Accumulator.Bits != 8 || q.Accumulator.Shift != 2 || q.Layers["fc2"].Bits != 4 || q.Layers["fc2"].Accumulator.Bits != 12 || q.Layers["tanh1"].Bits != 3 {
		t.Errorf("accumulators %+v, layers %+v", q.Accumulator, q.Layers)
	}
	if l := q.Learn; !l.Weights || !l.Input || !l.Activations {
		t.Errorf("learn %+v", l)
	}
	if f := q.Finetune; f.FreezeScales != 2 || f.Teacher.Checkpoint != "float" || f.Teacher.Weight != 0.5 || f.Teacher.Temperature != 4 || r.Train.Teacher.Checkpoint != "other.safetensors" {
		t.Errorf("finetune %+v", f)
	}
	roundTrip(t, r)
}

// Every bad value is an error that names its key, also where it is an override.
func TestTableKeyErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"activations: {bits: 4,", "activations: {bit: 4,", `unknown field "bit"`},
		{"activations: {bits: 4,", "activations: {bits: 0,", "quantize.activations.bits: they are 0"},
		{"activations: {bits: 4,", "activations: {bits: 17,", "quantize.activations.bits: 17 bits is outside 1..16"},
		{"activations: {bits: 4,", "activations: {bits: 1,", "quantize.activations.symmetric: 1 bit is too few"},
		{"percentile: 99.9", "percentile: 12", "quantize.activations.percentile: 12 is outside 50..100"},
		{"observer: percentile", "observer: median", "quantize.activations.percentile: 99.9 is for the observer percentile"},
		{"bins: 512", "bins: 7", "quantize.activations.bins: 7 is outside 64"},
		{"symmetric: true", "symmetric: perhaps", "[14:"},
		{"accumulator: {bits: 8, shift: 2}", "accumulator: {bits: 1}", "quantize.accumulator.bits: 1 is outside 2..1000"},
		{"accumulator: {bits: 8, shift: 2}", "accumulator: {shift: -1}", "quantize.accumulator.shift: -1 is outside 0..16"},
		{"accumulator: {bits: 8, shift: 2}", "accumulator: {width: 8}", `unknown field "width"`},
		{"layers: {fc2: {bits: 4,", "layers: {fc3: {bits: 4,", "quantize.layers.fc3: the network has no such layer"},
		{"layers: {fc2: {bits: 4,", "layers: {fc2: {bits: 0.5,", "0.5 is not an integer"},
		{"layers: {fc2: {bits: 4,", "layers: {fc2: {bits: 40,", "quantize.layers.fc2.bits: 40 bits is outside 1..16"},
		{"layers: {fc2: {bits: 4,", "layers: {fc2: {shift: 4,", `unknown field "shift"`},
		{"accumulator: {bits: 12}", "accumulator: {bits: 12, shift: 1}", `quantize.layer "fc2": accumulator.shift 1: no table follows`},
		{"accumulator: {bits: 12}", "accumulator: {bits: 1}", "quantize.layers.fc2.accumulator.bits: 1 is outside"},
		{"tanh1: {bits: 3}", "norm1: {bits: 3}", "quantize.layers.norm1: a batchnorm layer has neither weights nor a quantizer"},
		{"tanh1: {bits: 3}", "tanh1: {accumulator: {bits: 3}}", "quantize.layers.tanh1.accumulator: a tanh layer has no accumulator"},
		{"learn: {weights: true", "learn: {scales: true", `unknown field "scales"`},
		{"learn: {weights: true", "learn: {weights: 3", "[17:"},
		{"checkpoint: float", "checkpoint: ''", "quantize.finetune.teacher.checkpoint: it is empty"},
		{"checkpoint: float, ", "", "quantize.finetune.teacher.checkpoint: it is empty"},
		{"weight: 0.5", "weight: 0", "quantize.finetune.teacher.weight: 0 is outside 0..1 (0 itself excluded)"},
		{"weight: 0.5", "weight: .nan", "quantize.finetune.teacher.weight: NaN is outside"},
		{"temperature: 4", "temperature: 0", "quantize.finetune.teacher.temperature: 0 is outside 0.1..100"},
		{"temperature: 4", "heat: 4", `unknown field "heat"`},
		{"checkpoint: other.safetensors", "checkpoint: float", "train.teacher.checkpoint: float is the network being trained"},
		{"weight: 1, ", "weight: 1.5, ", "train.teacher.weight: 1.5 is outside"},
		{"freeze_scales: 2", "freeze_scales: -1", "quantize.finetune.freeze_scales: -1 is outside 0..10000"},
		{"freeze_scales: 2", "freeze_scales: 3", "quantize.finetune.freeze_scales: after 3 of 3 epochs there is none left"},
		{"freeze_scales: 2", "start_quantization: 3", "quantize.finetune.start_quantization: after 3 of 3 epochs there is none left to quantize"},
		{"freeze_scales: 2", "start_quantization: -1", "quantize.finetune.start_quantization: -1 is outside 0..10000"},
		{"freeze_scales: 2", "freeze_scales: 1, start_quantization: 2", "quantize.finetune.freeze_scales: 1 epochs end before the scales are chosen, after start_quantization 2"},
		{"train: {", "train: {freeze_scales: 1, ", "train.freeze_scales: float training has no scales"},
		{"train: {", "train: {start_quantization: 1, ", "train.start_quantization: float training quantizes nothing"},
		{"type: tanh", "type: square", "quantize.activations: the network has no activation with a quantizer of its own"},
		{"- {type: flatten, name: flatten}\n", "- {type: flatten, name: flatten}\n    - {type: batchnorm, name: norm0}\n", `layer "norm0" (batchnorm): it must follow a conv or dense layer`},
	} {
		if strings.Count(tables, c.from) != 1 {
			t.Fatalf("the recipe has %q %d times", c.from, strings.Count(tables, c.from))
		}
		r, err := Parse([]byte(strings.Replace(tables, c.from, c.to, 1)))
		if wantError(t, c.to, err, c.want); r != nil {
			t.Errorf("a recipe beside error %v", err)
		}
	}
}

// Keys that a resolved recipe may have without a value can be set as any other.
func TestOverrideOfAbsentKeys(t *testing.T) {
	r := parse(t, minimal)
	got, err := override(r, []string{
		"quantize.layers.fc.bits=3", "quantize.layers.conv1.accumulator.bits=9", "quantize.finetune.teacher.checkpoint=float",
		"quantize.finetune.teacher.weight=0.25", "quantize.finetune.teacher.temperature=2", "train.teacher={checkpoint: a, weight: 1, temperature: 3}",
	})
	if err != nil {
		t.Fatal(err)
	}
	q := got.Quantize
	if q.Layers["fc"].Bits != 3 || q.Layers["conv1"].Accumulator.Bits != 9 || q.Finetune.Teacher.Weight != 0.25 || got.Train.Teacher.Temperature != 3 {
		t.Errorf("overridden: %+v", got)
	}
	roundTrip(t, got)
	again, err := override(got, []string{"quantize.layers.conv1.bits=5", "quantize.layers.fc.accumulator.bits=30", "train.teacher=null"})
	if err != nil {
		t.Fatal(err)
	}
	if q := again.Quantize; q.Layers["conv1"].Bits != 5 || q.Layers["conv1"].Accumulator.Bits != 9 || q.Layers["fc"].Accumulator.Bits != 30 || again.Train.Teacher != nil {
		t.Errorf("overridden again: %+v", again)
	}
	for set, want := range map[string]string{
		"quantize.layers.fc.bit=3":           `no key "bit"`,
		"quantize.layers.fd.bits=3":          "quantize.layers.fd: the network has no such layer",
		"quantize.layers.fc=3":               `quantize.layers.fc: "3": want a section, one of bits, accumulator`,
		"quantize.finetune.teacher.weight=1": "quantize.finetune.teacher.checkpoint: it is empty",
	} {
		_, err := override(r, []string{set})
		wantError(t, set, err, want)
	}
}
