package recipe

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// ofWords are the keys of quantize that no network of images uses; TestKeysByKind has them.
var ofWords = []string{"quantize.cell_range", "quantize.fraction", "quantize.finetune.word_rate", "quantize.finetune.keep_words"}

// Every key of quantize but its method belongs to some method, and every
// method refuses the keys of the others.
func TestEveryKeyIsUsed(t *testing.T) {
	values := map[string]string{
		"bool": "true", "string": "kl", "int": "3", "float64": "0.25", "ptr": "{checkpoint: x, weight: 0.5, temperature: 2}",
		"map": "{fc: {bits: 3}}",
	}
	var leaves []string
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		fields := fieldsOf(typ)
		if fields == nil || typ.Kind() == reflect.Pointer {
			leaves = append(leaves, path+"="+values[typ.Kind().String()])
			return
		}
		for _, f := range fields {
			walk(path+"."+f.key, f.typ)
		}
	}
	walk("quantize", reflect.TypeFor[Quantize]())
	if len(leaves) < 30 {
		t.Fatalf("%d keys: %v", len(leaves), leaves)
	}
	for _, leaf := range leaves {
		key, _, _ := strings.Cut(leaf, "=")
		part := strings.Split(key, ".")[1]
		if part == "method" || slices.Contains(ofWords, key) {
			continue
		}
		for _, method := range []string{"qat", "ptq", "none"} {
			r, err := override(parse(t, minimal), []string{"quantize.method=" + method, leaf})
			used := method != "none"
			switch part {
			case "ptq":
				used = method == "ptq"
			case "learn", "finetune":
				used = method == "qat"
			}
			var unused *UnusedError
			if refused := errors.As(err, &unused); refused == used || refused && unused.Key != key {
				t.Errorf("method %s, %s: error %v, used: %v", method, leaf, err, used)
			}
			// What is used is in the recipe, or refused for its value.
			if used && err == nil {
				plain, _ := override(parse(t, minimal), []string{"quantize.method=" + method})
				if reflect.DeepEqual(plain, r) {
					t.Errorf("method %s, %s: nothing changed", method, leaf)
				}
			}
		}
	}
}

func TestUnusedErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{minimal + "quantize: {method: ptq, learn: {weights: true}}\n", "quantize.learn.weights: it is for quantize.method qat, which is ptq here: leave it out"},
		{minimal + "quantize: {method: ptq, finetune: {epochs: 3}}\n", "quantize.finetune.epochs: it is for quantize.method qat, which is ptq here"},
		{minimal + "quantize: {method: ptq, finetune: {augment: {shift: 1}}}\n", "quantize.finetune.augment.shift: it is for quantize.method qat"},
		{minimal + "quantize: {method: ptq, finetune: {teacher: {checkpoint: float, weight: 1, temperature: 1}}}\n", "quantize.finetune.teacher: it is for"},
		{minimal + "quantize: {method: none, weights: {bits: 3}}\n", "quantize.weights.bits: it is for quantize.method qat or ptq, which is none here"},
		{minimal + "quantize: {method: none, images: 7}\n", "quantize.images: it is for"},
		{minimal + "quantize: {method: none, layers: {fc: {bits: 3}}}\n", "quantize.layers: it is for"},
		{minimal + "quantize: {method: none}\nverify: {backend: bgv}\n", "verify.backend: it is for quantize.method qat or ptq, which is none here"},
		{minimal + "quantize: {method: none}\nverify: {log_n: 13}\n", "verify.log_n: it is for quantize.method qat or ptq"},
		{minimal + "quantize: {method: none}\nverify: {encrypted_limit: 13}\n", "verify.encrypted_limit: it is for quantize.method qat or ptq"},
		{minimal + "verify: {backend: none, log_n: 13}\n", "verify.log_n: it is for a verify.backend that encrypts, which is none here"},
	} {
		_, err := Parse([]byte(c.text))
		wantError(t, c.text[len(minimal):], err, c.want)
	}
	parse(t, minimal+"quantize: {method: none, weights: {bits: 4}, images: 1000, learn: {weights: false}}\nverify: {backend: none}\n")
}

// Another method by an override starts from that method's own keys; what the
// override says beside it is held to them.
func TestOverrideOfMethod(t *testing.T) {
	r := parse(t, tables)
	got, err := override(r, []string{"quantize.weights.bits=5", "quantize.method=ptq"})
	if err != nil {
		t.Fatal(err)
	}
	d := defaults()
	if q := got.Quantize; q.Method != "ptq" || q.Weights.Bits != 5 || q.Activations.Bits != 4 || q.Learn != d.Quantize.Learn || !reflect.DeepEqual(q.Finetune, d.Quantize.Finetune) {
		t.Errorf("%+v", q)
	}
	roundTrip(t, got)
	got, err = override(r, []string{"quantize.method=none"})
	if err != nil {
		t.Fatal(err)
	}
	d.Quantize.Method = "none"
	if !reflect.DeepEqual(got.Quantize, d.Quantize) {
		t.Errorf("%+v", got.Quantize)
	}
	if r.Quantize.Method != "qat" || !r.Quantize.Learn.Weights {
		t.Error("the recipe itself changed")
	}
	same, err := override(r, []string{"quantize.method=qat"})
	if err != nil || !reflect.DeepEqual(same, r) {
		t.Errorf("%+v, %v", same, err)
	}
	for _, c := range []struct{ sets, want string }{
		{"quantize.method=ptq quantize.learn.input=true", "quantize.learn.input: it is for quantize.method qat"},
		{"quantize.finetune.batch=7 quantize.method=ptq", "quantize.finetune.batch: it is for quantize.method qat"},
		{"quantize.method=none quantize.input.bits=3", "quantize.input.bits: it is for"},
		{"quantize.method=gptq", `quantize.method: "gptq" is unknown`},
		{"quantize.method=3", `quantize.method: "3" is unknown`},
	} {
		_, err := override(r, strings.Fields(c.sets))
		wantError(t, c.sets, err, c.want)
	}
}
