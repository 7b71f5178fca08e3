package isa

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// With the tag purego no package of this module has assembly.
func TestPureGoHasNoAssembly(t *testing.T) {
	c := exec.Command("go", "list", "-tags", "purego", "-f", "{{.ImportPath}} {{len .SFiles}}", "./...")
	c.Dir = root
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 15 {
		t.Errorf("found %d packages only", len(packages))
	}
	for _, p := range packages {
		if !strings.HasSuffix(p, " 0") {
			t.Errorf("package and files of assembly: %s", p)
		}
	}
}
