// Package emit writes what the generators build, if the processors of its level
// can run it: registers are given out as far as the level has them, and an
// instruction that the level lacks is an error. On an error no file is touched.
package emit

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"

	"qtool/kernel/internal/isa"
)

// Main is the main function of a generator of the given parts: flag -part names
// one, flag -to the files that it writes without their ends _amd64.s and
// _amd64.go. Their folder's name is the package's.
func Main(parts map[string]func()) {
	part := flag.String("part", "", "which kernels to write")
	to := flag.String("to", "", "the files to write, without _amd64.s and _amd64.go")
	flag.Parse()
	write, ok := parts[*part]
	if !ok || *to == "" {
		log.Fatalf("asm: part %q to %q: unknown", *part, *to)
	}
	build.ConstraintExpr("amd64,!purego") // and, in the syntax of old build tags
	write()
	// The generator's own output would create its files before it compiles.
	pass.Compile = pass.Func(func(f *ir.File) error { return Write(f, *to) })
	if err := flag.Set("out", os.DevNull); err != nil {
		log.Fatal(err)
	}
	build.Generate()
}

// Write compiles f and writes its assembly and the Go declarations of its
// functions.
func Write(f *ir.File, to string) error {
	if err := Compile(f); err != nil {
		return err
	}
	folder, err := filepath.Abs(filepath.Dir(to))
	if err != nil {
		return err
	}
	config := printer.Config{Name: "go generate", Pkg: filepath.Base(folder)}
	files := map[string][]byte{}
	for end, p := range map[string]printer.Printer{"_amd64.s": printer.NewGoAsm(config), "_amd64.go": printer.NewStubs(config)} {
		text, err := p.Print(f)
		if err != nil {
			return fmt.Errorf("%s%s: %w", to, end, err)
		}
		files[to+end] = text
	}
	checked, err := isa.CheckText(to+"_amd64.s", bytes.NewReader(files[to+"_amd64.s"]))
	if err := errors.Join(append(checked.Faults, err)...); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
