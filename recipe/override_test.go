package recipe

import (
	"qtool/internal/edits"
	"testing"
)

func TestOverride(t *testing.T) {
	r := parse(t, minimal)
	got, err := override(r, []string{
		"seed=18446744073709551615", "train.epochs=3", "train.learning_rate=1e-2", "network.layers.conv1.channels=6", "network.layers.3.units=7",
		"network.layers.conv1.stride=2", "network.input.0=3", "quantize.weights.bits=5", "quantize.weights.per_channel=true",
		"quantize.finetune.augment.shift=1.5", `about="a: b # c"`, "data.name=idx:x", "train.epochs=4",
	})
	if err != nil {
		t.Fatal(err)
	}
	l := got.Network.Layers
	if got.Seed != 1<<64-1 || got.Train.Epochs != 4 || got.Train.LearningRate != 0.01 || l[0].Channels != 6 || l[3].Units != 7 ||
		l[0].Stride != [2]int{2, 2} || got.Network.Input[0] != 3 || got.Quantize.Weights.Bits != 5 || !got.Quantize.Weights.PerChannel ||
		got.Quantize.Finetune.Augment.Shift != 1.5 || got.Data.Name != "idx:x" {
		t.Errorf("overridden: %+v", got)
	}
	if r.Train.Epochs != 1 || r.Network.Layers[0].Channels != 2 {
		t.Error("the recipe itself changed")
	}
	roundTrip(t, got)
	whole, err := override(r, []string{"network.layers.1={type: polynomial, name: p, coefficients: [0, 1, 0.5]}"})
	if err != nil {
		t.Fatal(err)
	}
	if c := whole.Network.Layers[1].Coefficients; len(c) != 3 || c[2] != 0.5 {
		t.Errorf("coefficients %v", c)
	}
	roundTrip(t, whole)
}

// What a recipe leaves out can be set as well: entries of maps, optional parts,
// and keys that are left out where they are 0.
func TestOverrideOfWhatIsNotThere(t *testing.T) {
	r := parse(t, minimal)
	got, err := override(r, []string{
		"quantize.layers.fc.bits=3", "quantize.layers.conv1.bits=5", "quantize.layers.conv1.accumulator.bits=20", "quantize.layers.fc.bits=2",
		"quantize.finetune.epochs=2", "quantize.finetune.freeze_scales=1", "quantize.finetune.teacher.checkpoint=float", "quantize.finetune.teacher.weight=0.5",
		"quantize.finetune.teacher.temperature=2", "quantize.activations.symmetric=false",
	})
	if err != nil {
		t.Fatal(err)
	}
	q := got.Quantize
	if q.Layers["fc"].Bits != 2 || q.Layers["conv1"].Bits != 5 || q.Layers["conv1"].Accumulator.Bits != 20 || len(q.Layers) != 2 {
		t.Errorf("layers %+v", q.Layers)
	}
	if f := q.Finetune; f.FreezeScales != 1 || f.Teacher == nil || f.Teacher.Weight != 0.5 || f.Teacher.Temperature != 2 {
		t.Errorf("finetune %+v", f)
	}
	if r.Quantize.Layers != nil {
		t.Error("the recipe itself changed")
	}
	roundTrip(t, got)
	again, err := got.With([]string{"quantize.layers.conv1.bits=6"})
	if err != nil || again.Quantize.Layers["conv1"].Bits != 6 || again.Quantize.Layers["conv1"].Accumulator.Bits != 20 {
		t.Errorf("%+v, %v", again, err)
	}
	whole, err := override(r, []string{"quantize.layers={fc: {bits: 7}}"})
	if err != nil || whole.Quantize.Layers["fc"].Bits != 7 {
		t.Errorf("%+v, %v", whole, err)
	}
}

// Where an override says what the recipe said, nothing changes.
func TestOverrideOfNothing(t *testing.T) {
	for _, name := range Names() {
		r, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.SHA256()
		if err != nil {
			t.Fatal(err)
		}
		same, err := Load(name, []string{"name=" + name})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := same.SHA256(); err != nil || a != b {
			t.Errorf("%s: hash %s, %v, was %s", name, b, err, a)
		}
	}
}

func TestOverrideErrors(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"train.epochs", `override "train.epochs": want key=value`},
		{"=3", "want key=value"},
		{"", "want key=value"},
		{"train.epoch=3", `override "train.epoch=3": no key "epoch": want one of epochs, batch, learning_rate, schedule, warmup, clip, weight_decay, freeze_scales, start_quantization, teacher, patience, augment`},
		{"trian.epochs=3", `no key "trian": want one of name, about, reproduces, seed, data, encoder, network, sentence, teacher, train, quantize, verify`},
		{"train.epochs.x=3", `"x" is below a single value`},
		{"train.=3", `no key ""`},
		{"network.layers.conv9.kernel=3", `no entry is called "conv9"`},
		{"network.layers.4.kernel=3", "index 4 is outside 0..3"},
		{"network.layers.-1.kernel=3", "index -1 is outside 0..3"},
		{"network.layers.conv1.kernal=3", `no key "kernal": want one of type, name, from, channels, units, kernel,`},
		{"network.layers.conv1={kernal: 3}", `unknown field "kernal"`},
		{"quantize.layers.conv1.bit=3", `no key "bit": want one of bits, accumulator`},
		{"quantize.layers.conv1.bits.x=3", `"x" is below a single value`},
		{"quantize.layers.conv1.bits=40", "quantize.layers.conv1.bits: 40 bits is outside 1..16"},
		{"quantize.layers.conv9.bits=4", "layers.conv9: the network has no such layer"},
		{"quantize.layers..bits=4", `no key ""`},
		{"quantize.layers.conv1.accumulator.bit=7", `no key "bit": want one of bits, shift`},
		{"train.freeze_scales.x=3", `"x" is below a single value`},
		{"train.teacher.checkpoint.x=a", `"x" is below a single value`},
		{"quantize.layers=3", "quantize.layers=3"},
		{"network.layers.conv1.kernel=29", `layer "conv1" (conv): kernel 29 is outside 1..28`},
		{"train.epochs=many", `override "train.epochs=many": train.epochs: "many" is not an integer: want a whole number`},
		{"train.epochs=[1, 2]", "train.epochs: a list of 2 is not an integer"},
		{`train.epochs="3"`, `train.epochs: "3" is a text: want a whole number, without quotes`},
		{"train.epochs=", "train.epochs: it is empty"},
		{"train.learning_rate=0,01", "train.learning_rate: \"0,01\" is not a number: the decimal point is a point: write 0.01"},
		{"quantize.weights.per_channel=yes", `quantize.weights.per_channel: "yes" means true or false only to some`},
		{"train={epochs: 3, epochs: 4}", "the key stands twice"},
		{"network.layers=fc", `network.layers: "fc": want a list`},
		{"Train.epochs=3", `no key "Train"`}, {"train.learning-rate=3", "did you mean learning_rate?"},
		{"train.epochs=1.5", "train.epochs: 1.5 is not an integer"},
		{"network.input.0=1.5", "1.5 is not an integer"},
		{"seed=1e3", "is not an integer"},
		{"quantize.weights.bits=0", "quantize.weights.bits: 0 bits is outside 1..16"},
		{"quantize.weights.bits=40", "quantize.weights.bits: 40 bits is outside 1..16"},
		{"quantize.weights.bits=-3", "quantize.weights.bits: -3 bits"},
		{"train.epochs=[", "value is not YAML"},
		{"seed=-1", "seed: -1 is negative: want a whole number from 0 on"},
		{"name=", "name: it is empty"},
		{"data=3", "data=3"},
	} {
		r, err := override(parse(t, minimal), []string{c.set})
		wantError(t, c.set, err, c.want)
		if r != nil {
			t.Errorf("%s: a recipe beside error %v", c.set, err)
		}
	}
}

// No value makes the YAML library's panics reach the caller.
func FuzzOverride(f *testing.F) {
	f.Add("train.epochs=3")
	f.Add("network.layers.conv1={a: b}")
	f.Add("about=&a [*a]")
	f.Add("quantize.layers.fc.bits=3")
	f.Add("quantize.layers.fc.accumulator={bits: 3}")
	f.Fuzz(func(t *testing.T, set string) {
		set = set[:min(len(set), edits.Max)]
		if r, err := override(parse(t, minimal), []string{set}); err == nil {
			roundTrip(t, r)
		}
	})
}
