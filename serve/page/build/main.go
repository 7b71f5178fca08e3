// Command build puts the client half of the page into a folder, for go generate.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"qtool/internal/whole"
	"qtool/serve/page/wasm"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "build: want a folder")
		os.Exit(2)
	}
	files, err := wasm.Build(context.Background())
	for name, b := range files {
		if err == nil {
			err = whole.WriteFile(filepath.Join(os.Args[1], name), b)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}
