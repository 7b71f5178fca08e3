//go:build unix

package runlog

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"qtool/internal/whole"
)

// A pipe in the log's place is refused when it is opened, not after the first batch.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, nil); !errors.Is(err, whole.ErrNotRegular) {
		t.Errorf("Create says %v", err)
	}
	if _, err := Resume(path, nil, nil); !errors.Is(err, whole.ErrNotRegular) {
		t.Errorf("Resume says %v", err)
	}
}
