package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"qtool/bundle"
	"qtool/he"
)

// fields are the keys of report.json, schema 1, that scripts read: for every
// object its keys.
var fields = map[string][]string{
	"": {
		"schema", "recipe", "seed", "images", "accuracy", "logit_mismatches", "argmax_flips", "backend", "seconds", "bytes",
		"peak_rss_bytes", "layers",
	},
	"accuracy":     {"float", "quantized", "integer", "encrypted"},
	"argmax_flips": {"float_integer", "quantized_integer", "integer_encrypted"},
	"backend":      {"name", "log_n", "log_qp", "plaintext_moduli", "security_bits", "noise_bits_left"},
	"seconds":      {"train", "quantize", "keygen", "encrypt", "evaluate", "decrypt"},
	"bytes":        {"bundle", "ciphertext_in", "ciphertext_out", "keys"},
	"layers":       {"name", "op", "bits", "range", "seen", "sqnr_db", "seconds"},
}

func report(t *testing.T) *Report {
	t.Helper()
	c, err := ladder().Compare()
	if err != nil {
		t.Fatal(err)
	}
	p := &bundle.Program{Nodes: []bundle.Node{
		{Name: "conv1", Op: &bundle.Conv2D{}, Bits: 4, Range: bundle.NewRange(-5, 9), Seen: bundle.NewRange(-1, 2)},
	}}
	r := &Report{Schema: ReportSchema, Recipe: "r", Seed: 1, Images: 4, Backend: &Backend{Backend: he.Backend{Name: "bgv"}}, Layers: Layers(p, []float64{0.5}, []float64{31})}
	r.Apply(c)
	return r
}

func TestReportFields(t *testing.T) {
	b, err := report(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for name, keys := range fields {
		object := all
		if name == "layers" {
			object = all["layers"].([]any)[0].(map[string]any)
		} else if name != "" {
			object = all[name].(map[string]any)
		}
		for _, k := range keys {
			if _, ok := object[k]; !ok {
				t.Errorf("%q has no %q", name, k)
			}
		}
	}
	layer := all["layers"].([]any)[0]
	want := map[string]any{"name": "conv1", "op": "Conv2D", "bits": 4.0, "range": []any{-5.0, 9.0}, "seen": []any{-1.0, 2.0}, "sqnr_db": 31.0, "seconds": 0.5, "float32_exact": nil, "drift": nil}
	if !reflect.DeepEqual(layer, want) {
		t.Errorf("layer %v, want %v", layer, want)
	}
	if all["schema"] != 1.0 || all["logit_mismatches"] != 2.0 || all["accuracy"].(map[string]any)["integer"] != 0.5 {
		t.Errorf("report %s", b)
	}
	first := map[string]any{"image": 2.0, "logit": 2.0, "want": "5", "got": "8"}
	if !reflect.DeepEqual(all["first_mismatch"], first) {
		t.Errorf("first mismatch %v, want %v", all["first_mismatch"], first)
	}
}

// What was not run is null, not zero.
func TestReportOfNothing(t *testing.T) {
	b, err := (&Report{Layers: Layers(&bundle.Program{Nodes: []bundle.Node{{Op: &bundle.Dense{}, Range: bundle.NewRange(0, 0), Seen: bundle.NewRange(0, 0)}}}, nil, nil)}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Accuracy map[string]*float64
		Backend  *he.Backend
		Layers   []struct {
			SQNR *float64 `json:"sqnr_db"`
		}
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Accuracy) != 4 || all.Backend != nil || all.Layers[0].SQNR != nil {
		t.Errorf("report %s", b)
	}
	for stage, a := range all.Accuracy {
		if a != nil {
			t.Errorf("accuracy of %s is %v though it was not run", stage, *a)
		}
	}
}

func TestReportFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	want := report(t)
	if err := want.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil || string(again) != string(b) {
		t.Errorf("read and written again: %v\n%s\nwas\n%s", err, again, b)
	}
}
