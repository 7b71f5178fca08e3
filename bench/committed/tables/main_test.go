package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A document is rewritten where it differs, and one without sections is refused.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.md")
	const head, tail = "before\n<!-- figures ifma batch -->\n", "<!-- end of figures -->\nbehind\n"
	if err := os.WriteFile(path, []byte(head+"old\n"+tail), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); !strings.HasPrefix(text, head+"| recipe |") || !strings.HasSuffix(text, tail) || strings.Contains(text, "old") || !strings.Contains(text, "images/s") {
		t.Errorf("%s", text)
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(path); err == nil || !strings.Contains(err.Error(), "a.md") {
		t.Errorf("a document without sections: %v", err)
	}
	if err := write(path + "x"); err == nil {
		t.Error("no document is no error")
	}
}
