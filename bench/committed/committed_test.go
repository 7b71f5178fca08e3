package committed

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtool/bench"
)

// Every file is of the class that it is named by, and has figures.
func TestClasses(t *testing.T) {
	if len(Classes()) == 0 {
		t.Fatal("there are no committed figures")
	}
	for _, class := range Classes() {
		r, err := Of(class)
		if err != nil {
			t.Fatal(err)
		}
		if r.Schema != 1 || r.Machine == nil || r.Machine.Kernels != class || len(r.Figures) == 0 || r.Comparison != nil {
			t.Errorf("%s: schema %d, machine %+v, %d figures", class, r.Schema, r.Machine, len(r.Figures))
		}
		seen := map[bench.Task]bool{}
		for _, f := range r.Figures {
			if seen[f.Task] {
				t.Errorf("%s: %+v is there twice", class, f.Task)
			}
			seen[f.Task] = true
			if f.Skipped == "" && (f.Active == nil || f.Unit == "") {
				t.Errorf("%s: %+v has no figure", class, f.Task)
			}
		}
	}
	if _, err := Of("vax"); !errors.Is(err, ErrClass) || !strings.Contains(err.Error(), "kernels vax") {
		t.Errorf("a class that there is not: %v", err)
	}
	if _, err := Of("../committed/ifma"); !errors.Is(err, ErrClass) {
		t.Errorf("a path: %v", err)
	}
}

// docs/performance.md says what the files say; go generate ./bench/committed writes it.
func TestDocumentIsCurrent(t *testing.T) {
	b, err := os.ReadFile(filepath.FromSlash("../../docs/performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Document(string(b))
	if err != nil {
		t.Fatal(err)
	}
	if text != string(b) {
		t.Error("docs/performance.md is not current: run go generate ./bench/committed")
	}
	// A figure that was edited by hand is found.
	if changed, err := Document(strings.Replace(string(b), " GFLOP/s", "0 GFLOP/s", 1)); err != nil || changed != text {
		t.Errorf("an edited table stays as it is: %v", err)
	}
}

func TestSectionsThatThereAreNot(t *testing.T) {
	for text, want := range map[string]string{
		"no section": "no section",
		"<!-- figures vax kernel -->\n<!-- end of figures -->\n":            "kernels vax",
		"<!-- figures ifma noise -->\nwas\n<!-- end of figures -->\n":       `"noise"`,
		"<!-- figures ifma kernel -->\nnever ended\n<!-- end of it all -->": "no section",
	} {
		if got, err := Document(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0.0051: "0.005", 1: "1.00", 9.051: "9.05", 76.84: "76.8", 999.6: "1,000", 178.4: "178", 11917: "11,917", 1234567: "1,234,567"} {
		if got := Number(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}
