package isa

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// All assembly has only what its functions' levels have.
func TestText(t *testing.T) {
	for _, files := range sources(t) {
		for _, f := range files {
			text := readText(t, f)
			for _, fault := range text.Faults {
				t.Error(fault)
			}
			if len(text.Functions) == 0 {
				t.Errorf("%s: found no function", f)
			}
		}
	}
}

// The bytes that the assembler makes of it have only encodings of these levels, and
// what the compiler makes of the packages around it has no vector encoding at all.
func TestBytes(t *testing.T) {
	for folder, files := range sources(t) {
		path, err := filepath.Rel(root, folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(path, func(t *testing.T) {
			goFiles, err := filepath.Glob(filepath.Join(folder, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range goFiles { // go test runs this again when they change
				if _, err := os.Stat(f); err != nil {
					t.Fatal(err)
				}
			}
			importPath := "qtool/" + filepath.ToSlash(path)
			functions := build(t, folder, "test", "-c")
			for _, f := range files {
				for _, name := range readText(t, f).Functions {
					code, ok := machineCode(functions, importPath, name)
					if !ok {
						t.Errorf("%s: function %s is not in the test binary: nothing uses it", f, name)
						continue
					}
					level, err := LevelOf(name)
					if err == nil {
						err = CheckCode(level, code)
					}
					if err != nil {
						t.Errorf("%s: function %s: %v", f, name, err)
					}
					delete(functions, importPath+"."+name+".abi0")
					delete(functions, importPath+"."+name)
				}
			}
			compiled := 0
			for name, code := range functions {
				// Assembly of other packages is judged there.
				if strings.HasPrefix(name, "qtool/") && !strings.HasSuffix(name, ".abi0") {
					compiled++
					if err := CheckCompiled(code); err != nil {
						t.Errorf("function %s: %v", name, err)
					}
				}
			}
			if compiled == 0 {
				t.Errorf("found no compiled function of %s", importPath)
			}
		})
	}
}
