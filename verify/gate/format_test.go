package gate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// badResult has every status, names that are markup, and flips.
func badResult(t *testing.T) *Result {
	t.Helper()
	r := testReport(100)
	r.Recipe = "tiny<|>"
	b := mustUpdate(t, nil, r)
	b.Recipes[0].Budgets.MaxKeyBytes = nil
	r = testReport(100)
	r.Recipe, r.BundleSHA256 = "tiny<|>", hash("c")
	spoil(r, 23)
	gain(r, 2)
	r.Answers.Float[5] = 11
	r.Backend.NoiseBitsLeft = 0.25
	return Check(restate(r), b, Options{})
}

// TestGolden holds every format to its file: go test ./verify/gate -update
// rewrites them.
func TestGolden(t *testing.T) {
	result := badResult(t)
	for _, format := range Formats {
		var out bytes.Buffer
		if err := result.Write(&out, format, "ci/base line.json"); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", format+".golden")
		if *update {
			if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), out.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", format, d)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	err := badResult(t).Write(new(bytes.Buffer), "pdf", "")
	if err == nil || err.Error() != `format "pdf" is unknown: want one of text, json, markdown, junit, sarif` {
		t.Error(err)
	}
}

func TestJSONReadsBack(t *testing.T) {
	var out bytes.Buffer
	want := badResult(t)
	if err := want.Write(&out, "json", ""); err != nil {
		t.Fatal(err)
	}
	got := new(Result)
	if err := json.Unmarshal(out.Bytes(), got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestJUnitCounts(t *testing.T) {
	var out bytes.Buffer
	want := badResult(t)
	if err := want.Write(&out, "junit", ""); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	s := got.Suites[0]
	if s.Tests != len(want.Findings) || s.Tests != len(s.Cases) || s.Failures != len(want.Failed()) || s.Skipped != 3 || s.Name != "qtool gate: tiny<|>" {
		t.Errorf("%d tests, %d cases, %d failures, %d skipped, name %q", s.Tests, len(s.Cases), s.Failures, s.Skipped, s.Name)
	}
}

// TestTablesStayNarrow: people read them in a CI log.
func TestTablesStayNarrow(t *testing.T) {
	r := testReport(5000)
	b := mustUpdate(t, nil, r)
	r.Recipe, r.Dataset = "tiny", strings.Repeat("long", 100)
	for i := range 60 {
		r.Answers.Float[i] = 7
	}
	var out bytes.Buffer
	if err := Check(restate(r), b, Options{}).Write(&out, "text", ""); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, " dataset") && len([]rune(line)) > 160 {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
	}
	r = testReport(5000)
	spoil(r, 60)
	out.Reset()
	if err := Check(r, b, Options{}).Write(&out, "text", ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "89 more are in the JSON format") {
		t.Errorf("not cut:\n%s", &out)
	}
}
