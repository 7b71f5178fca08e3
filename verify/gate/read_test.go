package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"qtool/internal/edits"
	"strings"
	"testing"
)

func encoded(t testing.TB) string {
	t.Helper()
	raw, err := mustUpdate(t, nil, testReport(20)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestBaselineFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baseline.json")
	b := mustUpdate(t, nil, testReport(250))
	if err := b.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	back, err := ReadBaseline(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := b.Encode()
	got, _ := back.Encode()
	if !bytes.Equal(got, want) {
		t.Errorf("read back:\n%s\nwant:\n%s", got, want)
	}
	for _, line := range []string{`"range": [-70000, 70000]`, `"alpha": 0.05,`, `"bundle": "exact",`} {
		if !strings.Contains(string(got), line) {
			t.Errorf("no line %s", line)
		}
	}
}

func TestBaselineIsReadStrictly(t *testing.T) {
	whole := encoded(t)
	for _, c := range []struct{ name, old, new, want string }{
		{"another schema", `"schema": 1`, `"schema": 2`, "unsupported version: schema 2"},
		{"no schema", `"schema": 1,`, ``, `key "schema" is missing`},
		{"an unknown key", `"alpha"`, `"alhpa"`, `unknown field "alhpa"`},
		{"a key twice", `"min_security_bits": 128`, `"min_security_bits": 128, "MIN_security_bits": 0`, `"MIN_security_bits" stands twice`},
		{"a second document", "\n}\n", "\n}\n{}", "after top-level value"},
		{"no recipe", `"recipe": "tiny"`, `"recipe": ""`, "recipe 0 has no name"},
		{"no dataset", `"dataset": "dots"`, `"dataset": ""`, "dataset has no name"},
		{"a bad hash", hash("d"), "d", "dataset_sha256"},
		{"no images", `"images": 20`, `"images": 0`, "images 0 is outside"},
		{"more images", `"images": 20`, `"images": 21`, "predictions.labels has 20 answers for 21 images"},
		{"too many images", `"images": 20`, `"images": 10000001`, "outside 1..10000000"},
		{"another accuracy", `"integer": 0.9`, `"integer": 0.95`, "predictions.integer gives accuracy 0.9, the entry says 0.95"},
		{"no accuracy", `"encrypted": 0.9`, `"encrypted": null`, "the entry says none"},
		{"a quantized accuracy above 1", `"quantized": 0.9`, `"quantized": 1.5`, "accuracy.quantized 1.5"},
		{"an accuracy of a part", `"quantized": 0.9`, `"integer_on_encrypted": 0.9, "quantized": 0.9`, "accuracy.integer_on_encrypted is 0.9"},
		{"another mode", `"exact"`, `"loose"`, `bundle "loose" is unknown`},
		{"no bytes", `"bundle_bytes": 4000`, `"bundle_bytes": 0`, "bundle_bytes 0"},
		{"alpha 0", `"alpha": 0.05`, `"alpha": 0`, "test: alpha 0 is outside"},
		{"alpha 1", `"alpha": 0.05`, `"alpha": 1`, "test: alpha 1 is outside"},
		{"no alpha", `"alpha": 0.05,`, ``, "alpha 0 is outside"},
		{"effect -1", `"min_effect": 0.001`, `"min_effect": -1`, "min_effect -1"},
		{"effect 1", `"min_effect": 0.001`, `"min_effect": 1`, "min_effect 1"},
		{"a negative budget", `"max_key_bytes": 125`, `"max_key_bytes": -1`, "budgets: max_key_bytes -1"},
		{"a negative noise budget", `"min_noise_bits_left": 1`, `"min_noise_bits_left": -1`, "min_noise_bits_left -1"},
		{"no slowdown at all", `"max_slowdown": 40`, `"max_slowdown": 0`, "max_slowdown 0"},
		{"enforcing nothing", `"max_slowdown": 40,` + "\n        " + `"enforce_slowdown": false`, `"max_slowdown": null, "enforce_slowdown": true`, "enforce_slowdown needs"},
		{"a reversed range", `[-70000, 70000]`, `[70000, -70000]`, "not an ordered pair"},
		{"no range", `"range": [-70000, 70000]`, `"op": "Dense"`, "twice"},
		{"a layer without range", `"op": "Dense",` + "\n          " + `"range": [-70000, 70000]`, `"op": "Dense"`, "has no range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(whole, c.old) {
				t.Fatalf("the baseline has no %s", c.old)
			}
			b, err := DecodeBaseline([]byte(strings.Replace(whole, c.old, c.new, 1)))
			if b != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if errors.Is(err, ErrVersion) != (c.name == "another schema") {
				t.Errorf("error %v: is it ErrVersion?", err)
			}
		})
	}
	var twice Baseline
	if err := json.Unmarshal([]byte(whole), &twice); err != nil {
		t.Fatal(err)
	}
	twice.Recipes = append(twice.Recipes, twice.Recipes[0])
	raw, _ := twice.Encode()
	if _, err := DecodeBaseline(raw); err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("error %v", err)
	}
}

func TestReportIsReadStrictly(t *testing.T) {
	b, err := testReport(20).Encode()
	if err != nil {
		t.Fatal(err)
	}
	whole := string(b)
	if _, err := DecodeReport([]byte(strings.Replace(whole, `"seed"`, `"of_a_later_release": {"x": [1]}, "seed"`, 1))); err != nil {
		t.Errorf("a key of a later release: %v", err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"schema": 1`, `"schema": 7`, "unsupported version: schema 7, this version reads 1"},
		{`"schema": 1`, `"schema": null`, `key "schema" is missing`},
		{`"schema": 1`, `"schema": 1, "schema": 1`, `key "schema" stands twice`},
		{`"logit_mismatches": 0`, `"logit_mismatches": 7, "logit_miſmatches": 0`, "stands twice"}, // encoding/json folds the long s
		{`"logit_mismatches": 0`, `"logit_mismatch": 0`, `key "logit_mismatches" is missing`},
		{`"logit_mismatches": 0`, `"logit_mismatches": null`, `key "logit_mismatches" is missing`},
		{`"keys": 100`, `"locks": 100`, `key "bytes.keys" is missing`},
		{`"images": 20`, `"images": "all"`, "images"},
		{whole, `[]`, "cannot unmarshal array"},
		{whole, ``, "unexpected end"},
		{whole, whole[:len(whole)/2], "unexpected end"},
		{whole, whole + "{}", "after top-level value"},
		{whole, "\x1f\x8b\x08", "it is not UTF-8"},
	} {
		r, err := DecodeReport([]byte(strings.Replace(whole, c.old, c.new, 1)))
		if r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestFilesThatAreNotThere(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadReport(filepath.Join(dir, "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ReadBaseline(filepath.Join(dir, "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ReadBaseline(dir); err == nil {
		t.Error("a folder was read")
	}
	large := filepath.Join(dir, "large.json")
	if err := os.WriteFile(large, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, MaxBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(large); err == nil || !strings.Contains(err.Error(), "pass the limit of 67108864") {
		t.Error(err)
	}
}

// A baseline and a report that are cut anywhere are refused.
func TestCutDocuments(t *testing.T) {
	report, err := testReport(20).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		whole  string
		decode func([]byte) (bool, error)
	}{
		"baseline": {encoded(t), func(b []byte) (bool, error) { v, err := DecodeBaseline(b); return v != nil, err }},
		"report":   {string(report), func(b []byte) (bool, error) { v, err := DecodeReport(b); return v != nil, err }},
	} {
		text := strings.TrimSpace(c.whole)
		if _, err := c.decode([]byte(text)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for n := range text {
			if some, err := c.decode([]byte(text[:n])); some || err == nil || !strings.HasPrefix(err.Error(), "gate: "+what+": ") {
				t.Fatalf("%s cut to %d bytes: %v", what, n, err)
			}
		}
		for _, behind := range []string{"}", "]", "x", "{}"} {
			if some, err := c.decode([]byte(text + behind)); some || err == nil {
				t.Errorf("%s with %q behind it is accepted", what, behind)
			}
		}
	}
}

// FuzzDecodeBaseline: what is accepted encodes to a form that is accepted and
// encodes to itself, and gating anything by it doesn't panic.
func FuzzDecodeBaseline(f *testing.F) {
	whole := encoded(f)
	r := testReport(20)
	edits.Fuzz(f, [][]byte{
		[]byte(whole), []byte(strings.ReplaceAll(whole, `"bundle": "exact"`, `"bundle": "free"`)),
	}, edits.JSON, nil, func(t *testing.T, raw []byte) {
		b, err := DecodeBaseline(raw)
		if err != nil {
			return
		}
		first, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeBaseline(first)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if second, _ := again.Encode(); !bytes.Equal(first, second) {
			t.Fatalf("encodings differ:\n%s\n%s", first, second)
		}
		Check(r, b, Options{})
		Update(b, r)
	}, `{"schema": 1, "recipes": null}`, `{"schema": 1, "recipes": [{"recipe": "x", "images": 99999999999}]}`)
}

// FuzzDecodeReport: no report that is accepted makes the gate panic, in any
// format.
func FuzzDecodeReport(f *testing.F) {
	r := testReport(20)
	whole, err := r.Encode()
	if err != nil {
		f.Fatal(err)
	}
	b := mustUpdate(f, nil, r)
	edits.Fuzz(f, [][]byte{
		whole,
		[]byte(strings.ReplaceAll(string(whole), `"images": 20`, `"images": 10`)),
		[]byte(strings.ReplaceAll(string(whole), `"layers": [`, `"layers": [{},`)),
	}, edits.JSON, nil, func(t *testing.T, raw []byte) {
		r, err := DecodeReport(raw)
		if err != nil {
			return
		}
		for _, sample := range []bool{false, true} {
			result := Check(r, b, Options{AllowSample: sample})
			for _, format := range Formats {
				var out bytes.Buffer
				if err := result.Write(&out, format, "b.json"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if now, err := Update(b, r); err == nil && !Check(r, now, Options{}).Passed {
			t.Fatal("an update fails its own report")
		}
	})
}
