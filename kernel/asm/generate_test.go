// Package asm has the generators of the kernels' assembly, one for each folder,
// and tests that what is committed is what they write. It is a module of its own,
// so that qtool does not depend on avo.
package asm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// directive is a line of go:generate: the generator, as far as it is not in the
// alias asm, the part and the files without their ends.
var (
	alias     = regexp.MustCompile(`(?m)^//go:generate -command asm go -C \.\./asm run (\./\w+)$`)
	directive = regexp.MustCompile(`(?m)^//go:generate (?:asm|go -C \.\./asm run (\./\w+)) -part (\w+) -to \.\./((\w+)/\w+)$`)
)

// The generators write the committed files, byte for byte, and every generated file
// has its line of go:generate.
func TestCommittedFilesAreGenerated(t *testing.T) {
	sources, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	generated := map[string]bool{}
	programs := map[string]string{}
	temporary := t.TempDir()
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		generator := ""
		if m := alias.FindSubmatch(text); m != nil {
			generator = string(m[1])
		}
		for _, m := range directive.FindAllSubmatch(text, -1) {
			part, to, folder := string(m[2]), string(m[3]), string(m[4])
			if len(m[1]) > 0 {
				generator = string(m[1])
			}
			if programs[generator] == "" {
				programs[generator] = buildGenerator(t, generator)
			}
			if err := os.MkdirAll(filepath.Join(temporary, folder), 0o777); err != nil {
				t.Fatal(err)
			}
			run := exec.Command(programs[generator], "-part", part, "-to", filepath.Join(temporary, to))
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", run.Args, err, out)
			}
			for _, end := range []string{"_amd64.s", "_amd64.go"} {
				got, err := os.ReadFile(filepath.Join(temporary, to+end))
				if err != nil {
					t.Fatal(err)
				}
				want, err := os.ReadFile(filepath.Join("..", to+end))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s%s is not what its generator writes: run go generate ./kernel/%s", to, end, folder)
				}
				generated[filepath.Join("..", to+end)] = true
			}
		}
	}
	for _, pattern := range []string{"../*/*_amd64.s", "../*/*_amd64.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(text, []byte("// Code generated")) && !generated[f] {
				t.Errorf("%s: no line of go:generate writes it", f)
			}
		}
	}
	if len(generated) < 30 {
		t.Errorf("compared %d files only", len(generated))
	}
}

func buildGenerator(t *testing.T, path string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(path))
	c := exec.Command("go", "build", "-o", program, path)
	c.Env = append(os.Environ(), "GOOS=", "GOARCH=", "GOFLAGS=") // for this machine
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	return program
}
