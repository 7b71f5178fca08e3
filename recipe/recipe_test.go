package recipe

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qtool/configs"
	"qtool/internal/edits"
)

// minimal is a recipe of only what has no default.
const minimal = `name: r
data: {name: digits}
network:
  input: [1, 28, 28]
  layers:
    - {type: conv, name: conv1, channels: 2, kernel: 5}
    - {type: square, name: square1}
    - {type: flatten, name: flatten}
    - {type: dense, name: fc, units: 10}
`

func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one with %q", what, err, want)
	}
}

func parse(t rapid.TB, text string) *Recipe {
	t.Helper()
	r, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// roundTrip wants Parse(Encode(r)) to be r, and to encode alike.
func roundTrip(t rapid.TB, r *Recipe) {
	t.Helper()
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if d := cmp.Diff(r, again, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("parsed again (-want +got):\n%s\n%s", d, b)
	}
	if c, err := again.Encode(); err != nil || !bytes.Equal(b, c) {
		t.Fatalf("encoded again: %v\n%s\n%s", err, b, c)
	}
}

func TestEmbeddedRecipes(t *testing.T) {
	names := Names()
	if len(names) < 5 {
		t.Errorf("recipes %v", names)
	}
	for _, name := range names {
		r, err := Load(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Name != name {
			t.Errorf("%s.yaml is called %q", name, r.Name)
		}
		if r.About == "" || r.Reproduces == "" {
			t.Errorf("%s does not say what it is and what it reproduces", name)
		}
		roundTrip(t, r)
	}
	if entries, err := configs.Files.ReadDir("."); err != nil || len(entries) != len(names) {
		t.Errorf("%d embedded files, %d recipes, %v", len(entries), len(names), err)
	}
}

func TestDefaults(t *testing.T) {
	r := parse(t, minimal)
	if r.Seed != 1 || r.Train.Epochs != 1 || r.Train.Batch != 100 || r.Quantize.Method != "qat" ||
		r.Quantize.Weights.Bits != 4 || r.Quantize.Weights.Kind != "minmax" || r.Quantize.Input.Observer != "minmax" || r.Verify.Backend != "auto" {
		t.Errorf("defaults %+v", r)
	}
	roundTrip(t, r)
}

func TestQuantizeOptions(t *testing.T) {
	r := parse(t, minimal+`quantize:
  method: ptq
  weights: {bits: 1, observer: mse}
  input: {observer: percentile, percentile: 99.5, bins: 512}
  ptq: {equalize: true, learned_rounding: true, bias_correction: true}
`)
	q := r.Quantize
	if q.Weights.Kind != "mse" || q.Input.Percentile != 99.5 || q.Input.Bins != 512 || len(q.PTQ.Names()) != 3 {
		t.Errorf("%+v", q)
	}
	roundTrip(t, r)
}

func TestParseErrors(t *testing.T) {
	edit := func(from, to string) string {
		if !strings.Contains(minimal, from) {
			t.Fatalf("the recipe has no %q", from)
		}
		return strings.Replace(minimal, from, to, 1)
	}
	for _, c := range []struct{ text, want string }{
		{"", "it is empty"},
		{"# nothing\n", ""},
		{"- a\n- b\n", "[1:1]"},
		{"name: [", ""},
		{edit("name: r", "name: \xff"), "it is not UTF-8"},
		{edit("data:", "dta:"), "[2:1] dta: unknown field \"dta\": did you mean data?"},
		{edit("kernel: 5", "kernal: 5"), "[6:46] network.layers.conv1.kernal: unknown field \"kernal\": did you mean kernel?"},
		{minimal + "train:\n  epoch: 3\n", "[11:3] train.epoch: unknown field \"epoch\""},
		{minimal + "quantize:\n  weights: {bit: 4}\n", "unknown field \"bit\""},
		{minimal + "train: {epochs: many}\n", "[10:17] train.epochs: \"many\" is not an integer: want a whole number"},
		{minimal + "train: {epochs: 1.5}\n", "1.5 is not an integer"},
		{minimal + "train: {epochs: 9223372036854775808}\n", "train.epochs: 9223372036854775808 is out of range"},
		{minimal + "train: {learning_rate: fast}\n", "[10:24]"},
		{minimal + "seed: -1\n", "[10:7] seed: -1 is negative: want a whole number from 0 on"},
		{minimal + "seed: 18446744073709551616\n", "[10:7] seed: 18446744073709551616 is out of range: want a whole number from 0 on up to 18446744073709551615"},
		{minimal + "name: twice\n", "already defined"},
		{minimal + "---\nname: second\n", "more than one YAML document"},
		{strings.Repeat("#", MaxBytes+1), "65537 bytes pass the limit of 65536"},
		{edit("name: r", "name: ''"), "name: it is empty"},
		{edit("name: r", "name: a/b"), "has a separator or a space"},
		{edit("name: r", "name: ../r"), "has a separator"},
		{edit("{name: digits}", "{name: ''}"), "data.name: it is empty"},
		{edit("{name: digits}", "{name: digits, validation: -1}"), "[2:34] data.validation: -1 is negative"},
		{edit("kernel: 5", "kernel: 29"), `network: model: layer "conv1" (conv): kernel 29 is outside 1..28`},
		{edit("units: 10", "units: 10, kernel: 2"), `layer "fc" (dense): key "kernel"`},
		{edit("- {type: flatten, name: flatten}", "- {type: relu, name: relu1}"), `layer "fc" (dense): input shape [2 24 24], want [features]`},
		{minimal + "train: {batch: 0}\n", "train.batch: 0 is outside 1..10000"},
		{minimal + "train: {learning_rate: .nan}\n", "train.learning_rate: NaN"},
		{minimal + "train: {patience: 2}\n", "patience needs a validation split: set data.validation"},
		{minimal + "quantize: {method: dynamic}\n", `quantize.method: "dynamic" is unknown: want qat, ptq or none`},
		{minimal + "quantize: {ptq: {round: true}}\n", "unknown field \"round\""},
		{minimal + "quantize: {ptq: {equalize: 1}}\n", "[10:28]"},
		{minimal + "quantize: {ptq: {learned_rounding: true}}\n", "quantize.ptq.learned_rounding: it is for quantize.method ptq, which is qat here"},
		{minimal + "quantize: {method: none, ptq: {equalize: true}}\n", "quantize.ptq.equalize: it is for quantize.method ptq, which is none here"},
		{minimal + "quantize: {method: ptq, weights: {per_channel: true}, ptq: {equalize: true}}\n", "quantize.ptq.equalize: weights.per_channel gives every channel a scale"},
		{minimal + "quantize: {weights: {observer: kl}}\n", "quantize.weights.observer: \"kl\" is unknown: want minmax or mse"},
		{minimal + "quantize: {weights: {bits: 1}}\n", "quantize.weights.observer: minmax does not suit 1 bit"},
		{minimal + "quantize: {input: {percentile: 99}}\n", "quantize.input.percentile: 99 is for the observer percentile"},
		{minimal + "quantize: {input: {observer: mse, bins: 10}}\n", "quantize.input.bins: 10 is outside 64..1048576 for mse at 4 bits"},
		{minimal + "quantize: {weights: {bits: 0}}\n", "quantize.weights.bits: 0 bits is outside 1..16"},
		{minimal + "quantize: {weights: {bits: 40}}\n", "quantize.weights.bits: 40 bits is outside 1..16"},
		{minimal + "quantize: {input: {bits: 0}}\n", "quantize.input.bits: 0 bits is outside 1..16"},
		{minimal + "quantize: {finetune: {epochs: 0}}\n", "quantize.finetune.epochs: 0"},
		{minimal + "verify: {backend: rot13}\n", `verify.backend: "rot13" is unknown`},
		{minimal + "verify: {limit: -1}\n", "verify.limit: -1"},
		{minimal + "verify: {encrypted_limit: -1}\n", "verify.encrypted_limit: -1 is outside 0.."},
		{minimal + "verify: {encrypted_limit: 8, limit: 7}\n", "verify.encrypted_limit: 8 is more than the 7 samples of verify.limit"},
		{minimal + "verify: {log_n: 9}\n", "verify.log_n: 9 is outside 10..16"},
		{minimal + "verify: {backend: packed-ckks, precision: 51}\n", "verify.precision: 51 is outside 0..50"},
		{minimal + "verify: {backend: packed-ckks, precision: .nan}\n", "verify.precision: NaN is outside 0..50"},
		{minimal + "verify: {precision: 12}\n", "verify.precision: it is for backend packed-ckks, which is auto here"},
	} {
		r, err := Parse([]byte(c.text))
		wantError(t, c.text[max(0, len(c.text)-40):], err, c.want)
		if r != nil {
			t.Errorf("a recipe beside error %v", err)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(minimal), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := Load(path, []string{"seed=5"}); err != nil || r.Name != "r" || r.Seed != 5 {
		t.Errorf("%+v, %v", r, err)
	}
	_, err := Load("mnist-lenet2", nil)
	wantError(t, "unknown name", err, `recipe "mnist-lenet2" is not known: want one of colours-square, digits-fc-sigmoid, `)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
	if _, err = Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte("nam: r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Load(path, nil)
	wantError(t, "typing error", err, "mine.yaml: [1:1] nam: unknown field \"nam\"")
}

// An override may mend what is wrong in a file; what it does not mend is told with
// its line.
func TestOverridesMend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(minimal+"train: {batch: 0}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := Load(path, []string{"train.batch=7"}); err != nil || r.Train.Batch != 7 {
		t.Errorf("%+v, %v", r, err)
	}
	_, err := Load(path, []string{"train.epochs=7"})
	wantError(t, "what stays wrong", err, "mine.yaml: [10:16] train.batch: 0 is outside")
	_, err = Load(path, []string{"train.batch=-1"})
	wantError(t, "another wrong value", err, "mine.yaml: with train.batch=-1: train.batch: -1 is outside")
}

func TestSHA256(t *testing.T) {
	sum := func(r *Recipe) string {
		s, err := r.SHA256()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r := parse(t, minimal)
	if sum(r) != sum(parse(t, minimal+"verify: {limit: 7}\n")) {
		t.Error("the hash depends on how the bundle is verified")
	}
	if sum(r) == sum(parse(t, minimal+"seed: 2\n")) {
		t.Error("the hash does not depend on the seed")
	}
	if sum(r) != sum(parse(t, minimal+"verify: {encrypted_limit: 7}\n")) {
		t.Error("the hash depends on how many images are encrypted")
	}
	if r.Verify.Backend != "auto" {
		t.Error("hashing changed the recipe")
	}
}

// Keys that came later are left out where they have no effect, so that the hashes
// of recipes without them stay.
func TestEncodeLeavesOut(t *testing.T) {
	encode := func(text string) string {
		b, err := parse(t, text).Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := encode(minimal); strings.Contains(got, "encrypted_limit") || strings.Contains(got, "precision") {
		t.Errorf("a key that is not given stands in\n%s", got)
	}
	if got := encode(minimal + "verify: {encrypted_limit: 7}\n"); !strings.Contains(got, "encrypted_limit: 7") {
		t.Errorf("encrypted_limit: 7 is lost in\n%s", got)
	}
}

func TestCheckImages(t *testing.T) {
	for _, c := range []struct {
		v    Verify
		want string
	}{
		{Verify{}, ""}, {Verify{Limit: 50, EncryptedLimit: 50}, ""}, {Verify{EncryptedLimit: 50}, ""},
		{Verify{Limit: 51}, "verify.limit: 51, there are 50 test images"},
		{Verify{EncryptedLimit: 51}, "verify.encrypted_limit: 51, there are 50 test images"},
	} {
		if err := c.v.CheckImages(50, "images"); c.want != "" {
			wantError(t, c.want, err, c.want)
		} else if err != nil {
			t.Errorf("%+v: %v", c.v, err)
		}
	}
}

// FuzzParse edits the recipes that come with qtool; text that is short enough for
// the engine to take apart is parsed as it is.
func FuzzParse(f *testing.F) {
	recipes := [][]byte{[]byte(minimal)}
	for _, name := range Names() {
		b, err := configs.Files.ReadFile(name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		recipes = append(recipes, b)
	}
	for i := range recipes {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{7, 0, byte(16 * i), byte(i), 0})
	}
	for i := range fuzzWords {
		f.Add(uint8(i), []byte{7, 0, byte(37 * i), byte(i), 0, 5, 0, byte(101 * i), byte(i), 0})
	}
	for _, text := range []string{"name: x\n", "a: &a [*a]", "? a\n: b", "--- |\n x", "a: \"\\x41\"", "{a: [1, {b: c}]}", "- - - a", "!!binary x"} {
		f.Add(uint8(255), []byte(text))
	}
	f.Fuzz(func(t *testing.T, which uint8, script []byte) {
		b := script[:min(len(script), edits.Max)]
		if which < 255 {
			b = edits.Apply(recipes[int(which)%len(recipes)], script, fuzzWords...)
		}
		if r, err := Parse(b); err == nil {
			roundTrip(t, r)
		}
	})
}

// fuzzWords are what YAML and recipes are made of.
var fuzzWords = []string{
	"\n", "\n  ", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "|\n", ">\n", "#", "'", "\"", "---\n", "<<: ", "~", "!!str ",
	"0", "-1", "1e99", "0.5", "true", "null", "18446744073709551615",
	"name: x\n", "seed: ", "method: ptq", "bits: ", "layers:\n", "quantize:\n", "network:\n", "train:\n", "verify:\n", "data:\n", "sentence:\n",
}
