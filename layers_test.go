package qtool_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// order is the layout: a package may import those above it, never one below.
// Packages of one line may import each other. A line stands for the folder and
// what is in it, unless a later line names that too.
var order = [][]string{
	{"internal/edits", "internal/elementary", "internal/hint", "internal/lock", "internal/memory", "internal/parallel", "internal/plaintext", "internal/progress", "internal/promptly", "internal/safetensors", "internal/samebits", "internal/strict", "internal/whole", "kernel/cpu"},
	{"kernel"},
	{"pipeline/folder"},
	{"quant", "approx", "encode", "task"},
	{"approx/compare"},
	{"model"},
	{"datasets"},
	{"calibrate"},
	{"train/op"},
	{"train"},
	{"qat"},
	{"ptq"},
	{"bundle"},
	{"export"},
	{"explain"},
	{"he"},
	{"serve"},
	{"verify/runlog"},
	{"verify"},
	{"verify/integer"},
	{"report"},
	{"configs"},
	{"recipe"},
	{"recipe/material"},
	{"pipeline"},
	{"tune/pareto"},
	{"tune"},
	{"bench"},
	{"cmd"},
	{"integrations"},
}

const module, lattigo, gorgonia = "qtool", "github.com/tuneinsight/lattigo", "gorgonia.org"

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// packages are the packages of this module and everything they depend on.
func packages(t *testing.T) map[string]goPackage {
	t.Helper()
	// go test reuses a result until a file that the test looked at changes; it
	// does not see what go list reads.
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]goPackage{}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
	return all
}

// local is a package's folder in this module.
func local(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// under reports whether path is folder or below it.
func under(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// dependsOn is the first dependency of p below prefix.
func dependsOn(p goPackage, prefix string) (string, bool) {
	i := slices.IndexFunc(p.Deps, func(d string) bool { return strings.HasPrefix(d, prefix) })
	if i < 0 {
		return "", false
	}
	return p.Deps[i], true
}

// level is the line of order that a folder is on: the most specific one.
func level(folder string) int {
	best, at := "", -1
	for i, line := range order {
		for _, name := range line {
			if under(folder, name) && len(name) > len(best) {
				best, at = name, i
			}
		}
	}
	return at
}

func TestImportsPointDown(t *testing.T) {
	found := 0
	for path, p := range packages(t) {
		folder, ok := local(path)
		if !ok {
			continue
		}
		found++
		from := level(folder)
		if from < 0 {
			t.Errorf("%s has no place in the layout", path)
			continue
		}
		for _, i := range p.Imports {
			if to, ok := local(i); ok && level(to) > from {
				t.Errorf("%s imports %s, which is below it in the layout", path, i)
			}
		}
	}
	if found < 15 {
		t.Errorf("found %d packages of this module", found)
	}
}

// Encryption stays in one folder, and training out of verification.
func TestWallsHold(t *testing.T) {
	all := packages(t)
	withLattigo := 0
	for path, p := range all {
		folder, ok := local(path)
		if !ok {
			continue
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, lattigo) {
				withLattigo++
				if !under(folder, "he") {
					t.Errorf("%s imports %s: only he may", path, i)
				}
			}
		}
		if under(folder, "verify") || under(folder, "he") {
			for _, banned := range []string{gorgonia, module + "/train", module + "/qat"} {
				if d, yes := dependsOn(p, banned); yes {
					t.Errorf("%s depends on %s: nothing under verify or he may", path, d)
				}
			}
		}
		for _, name := range []string{"train", "qat", "ptq", "calibrate", "model", "export", "bundle", "quant", "datasets", "recipe"} {
			if !under(folder, name) {
				continue
			}
			if d, yes := dependsOn(p, lattigo); yes {
				t.Errorf("%s depends on %s", path, d)
			}
		}
	}
	for path := range all {
		if folder, ok := local(path); ok && under(folder, "he") && withLattigo == 0 {
			t.Errorf("there is %s, but nothing imports Lattigo: this test looks for the wrong name", path)
		}
	}
}

// The command holds flags and words: what a program that imports this module would need
// is in a library. mostLines bounds what is not a test of it.
func TestCommandHoldsFlagsAndWords(t *testing.T) {
	const mostLines = 4500
	p, ok := packages(t)[module+"/cmd/qtool"]
	if !ok {
		t.Fatal("there is no package cmd/qtool")
	}
	for _, banned := range []string{"train", "qat", "ptq", "pipeline/folder", "verify/integer", "verify/runlog"} {
		if slices.ContainsFunc(p.Imports, func(i string) bool { folder, ok := local(i); return ok && under(folder, banned) }) {
			t.Errorf("cmd/qtool imports %s: what it does with that belongs into a library", banned)
		}
	}
	files, err := filepath.Glob("cmd/qtool/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(b), "\n")
	}
	if lines > mostLines {
		t.Errorf("cmd/qtool has %d lines, more than %d", lines, mostLines)
	}
}

// quant needs the standard library alone, safetensors also strict JSON; bundle all
// of this module's file formats, encoders with Unicode's tables, and atomic writing.
func TestNarrowDependencies(t *testing.T) {
	all := packages(t)
	for name, allowed := range map[string][]string{
		"quant":                {},
		"internal/safetensors": {module + "/internal/strict"},
		"encode":               {module + "/internal/", "golang.org/x/text/", "github.com/google/renameio/v2"},
		"bundle":               {module + "/quant", module + "/encode", module + "/internal/", "golang.org/x/text/", "github.com/google/renameio/v2"},
		"model":                {module + "/quant", module + "/approx", module + "/internal/", "github.com/google/renameio/v2"},
	} {
		p, ok := all[module+"/"+name]
		if !ok {
			t.Errorf("there is no package %s", name)
		}
		for _, d := range p.Deps {
			if all[d].Standard || slices.ContainsFunc(allowed, func(a string) bool { return strings.HasPrefix(d, a) }) {
				continue
			}
			t.Errorf("%s depends on %s", name, d)
		}
	}
}
