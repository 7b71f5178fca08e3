//go:build unix

package folder

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"qtool/internal/whole"
)

// A pipe in the place of a result is never waited for: what new results inherit is
// refused by name, and what they replace gives way.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"report": "old"})
	for _, name := range []string{"float", "bundle"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := opened(t, dir)
	defer f.Close()
	want := filepath.Join(dir, "float") + " is not a regular file, it is a pipe"
	if err := f.Begin(results, states, []string{"float"}); !errors.Is(err, whole.ErrNotRegular) || err.Error() != want {
		t.Fatalf("Begin says %v, want %s", err, want)
	}
	if err := f.Begin(results, states, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path("bundle"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := f.Commit(results)
	if err != nil || len(r.Renewed) != 1 || r.Renewed[0] != "bundle" {
		t.Fatalf("Commit: %+v, %v; want bundle renewed", r, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "bundle")); err != nil || string(b) != "new" {
		t.Errorf("bundle is %q, %v", b, err)
	}
}
