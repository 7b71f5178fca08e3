package recipe

import (
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
		l[0].Stride != 2 || got.Network.Input[0] != 3 || got.Quantize.Weights.Bits != 5 || !got.Quantize.Weights.PerChannel ||
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
		{"train.epoch=3", `override "train.epoch=3": no key "epoch": want one of epochs, batch, learning_rate, schedule, warmup, clip, freeze_scales, teacher, patience, augment`},
		{"trian.epochs=3", `no key "trian": want one of name, about, reproduces, seed, data, network, train, quantize, verify`},
		{"train.epochs.x=3", `"x" is below a single value`},
		{"train.=3", `no key ""`},
		{"network.layers.conv9.kernel=3", `no entry is called "conv9"`},
		{"network.layers.4.kernel=3", "index 4 is outside 0..3"},
		{"network.layers.-1.kernel=3", "index -1 is outside 0..3"},
		{"network.layers.conv1.kernal=3", `unknown field "kernal"`},
		{"network.layers.conv1.kernel=29", `layer "conv1" (conv): kernel 29 is outside 1..28`},
		{"train.epochs=many", "with train.epochs=many: \"many\" is not an integer"},
		{"train.epochs=[1, 2]", "is not an integer"},
		{"train.epochs=1.5", "with train.epochs=1.5: 1.5 is not an integer"},
		{"network.input.0=1.5", "1.5 is not an integer"},
		{"seed=1e3", "is not an integer"},
		{"quantize.weights.bits=0", "quantize.weights.bits: 0 bits is outside 1..16"},
		{"quantize.weights.bits=40", "quantize.weights.bits: 40 bits is outside 1..16"},
		{"quantize.weights.bits=-3", "quantize.weights.bits: -3 bits"},
		{"train.epochs=[", "value is not YAML"},
		{"seed=-1", "with seed=-1: -1 is not an integer or out of range"},
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
	f.Fuzz(func(t *testing.T, set string) {
		if r, err := override(parse(t, minimal), []string{set}); err == nil {
			roundTrip(t, r)
		}
	})
}
