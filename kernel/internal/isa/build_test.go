package isa

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's folder.
const root = "../../.."

// sources are the folders of this module, below root, that have assembly, with the
// files in it.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".s"):
			all[filepath.Dir(path)] = append(all[filepath.Dir(path)], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"kernel/f32", "kernel/mod", "kernel/gadget", "kernel/peak"} {
		if all[filepath.Join(root, known)] == nil {
			t.Errorf("found no assembly in %s", known)
		}
	}
	return all
}

// readText is CheckText of a file.
func readText(t *testing.T, file string) Text {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := CheckText(file, f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return text
}

// build runs the go command so that it makes a program for amd64, whatever machine
// this is, and returns its functions.
func build(t *testing.T, folder string, args ...string) map[string][]byte {
	t.Helper()
	functions, err := Functions(program(t, folder, args...))
	if err != nil {
		t.Fatal(err)
	}
	return functions
}

// program is the file that build makes.
func program(t *testing.T, folder string, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	c := exec.Command("go", slices.Concat(args[:1], []string{"-tags=", "-o", program}, args[1:], []string{"."})...)
	c.Dir = folder
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v in %s: %v\n%s", c.Args, folder, err, out)
	}
	return program
}

// machineCode is the code of an assembly function among all of a program's.
func machineCode(functions map[string][]byte, importPath, name string) ([]byte, bool) {
	code, ok := functions[importPath+"."+name+".abi0"]
	if !ok {
		code, ok = functions[importPath+"."+name]
	}
	return code, ok
}
