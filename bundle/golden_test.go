package bundle

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The golden bundle of schema 1 stays readable, and means the same, forever.
func TestGoldenBundle(t *testing.T) {
	const path = "testdata/v1.qb"
	want := tinyFile(t)
	if *update {
		if err := want.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, f, equal...); d != "" {
		t.Errorf("%s holds (-want +got):\n%s", path, d)
	}
	if !bytes.Equal(encodeFile(t, f), b) {
		t.Errorf("%s is encoded otherwise now", path)
	}
}
