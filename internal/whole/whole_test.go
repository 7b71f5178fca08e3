package whole

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadAndWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	broken := errors.New("broken")
	if err := Write(path, func() ([]byte, error) { return []byte("half"), broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that could not be encoded is there: %v", err)
	}
	if err := Write(path, func() ([]byte, error) { return []byte("four"), nil }); err != nil {
		t.Fatal(err)
	}
	called := false
	decode := func(b []byte) (*string, error) {
		called = true
		s := string(b)
		return &s, nil
	}
	if got, err := Read(path, 4, decode); err != nil || *got != "four" {
		t.Errorf("read %v, %v", got, err)
	}
	called = false
	if got, err := Read(path, 3, decode); got != nil || called || err == nil || err.Error() != path+": 4 bytes pass the limit of 3" {
		t.Errorf("a large file: %v, %v, decoded %v", got, err, called)
	}
	if got, err := Read(path, 4, func([]byte) (*string, error) { return new(string), broken }); got != nil || !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), path) {
		t.Errorf("a broken file: %v, %v", got, err)
	}
	if _, err := Read(path+"x", 4, decode); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestCanonical(t *testing.T) {
	encode := func() ([]byte, error) { return []byte("ab"), nil }
	if err := Canonical([]byte("ab"), encode); err != nil {
		t.Error(err)
	}
	if err := Canonical([]byte("a b"), encode); err == nil || !strings.Contains(err.Error(), "canonical form") {
		t.Errorf("error %v", err)
	}
}
