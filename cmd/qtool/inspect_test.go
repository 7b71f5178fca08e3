package main

import (
	"bytes"
	"regexp"
	"testing"
)

// A table of layers says what each reads where that is not the one before it.
func TestInspectGraph(t *testing.T) {
	var out bytes.Buffer
	if err := runInspect(&app{stdout: &out}, "../../bundle/testdata/v2.qb"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`layer +operation +inputs +weight bits`, `sum +Add +a, b +\[`, `part +Slice +\[`} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no %q in\n%s", want, out.Bytes())
		}
	}
	out.Reset()
	if err := runInspect(&app{stdout: &out}, "../../bundle/testdata/v1.qb"); err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`operation +inputs`).Match(out.Bytes()) || !regexp.MustCompile(`operation +weight bits`).Match(out.Bytes()) {
		t.Errorf("a chain has a column of inputs:\n%s", out.Bytes())
	}
}
