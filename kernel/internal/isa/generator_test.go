package isa

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tests of the generators pass: they refuse what a level lacks, and write the
// committed assembly. Their module is not part of go test ./... of this one.
func TestGenerators(t *testing.T) {
	folder := filepath.Join(root, "kernel")
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".s")) {
			_, err = os.Stat(path) // go test runs this again when one changes
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) ([]byte, error) {
		c := exec.Command("go", args...)
		c.Dir = filepath.Join(folder, "asm")
		c.Env = append(os.Environ(), "GOOS=", "GOARCH=", "GOFLAGS=", "GOPROXY=off") // for this machine, from what it has
		return c.CombinedOutput()
	}
	if out, err := run("list", "-deps", "-test", "./..."); err != nil {
		t.Skipf("the generators' modules are not on this machine (go -C kernel/asm mod download brings them): %v\n%s", err, out)
	}
	if out, err := run("test", "./..."); err != nil {
		t.Errorf("go -C kernel/asm test ./...: %v\n%s", err, out)
	}
}
