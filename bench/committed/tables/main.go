// Command tables writes the tables of docs/performance.md from the committed figures. It
// runs in the folder bench/committed, by go generate.
package main

import (
	"fmt"
	"os"

	"qtool/bench/committed"
)

const document = "../../docs/performance.md"

func main() {
	if err := write(document); err != nil {
		fmt.Fprintln(os.Stderr, "tables:", err)
		os.Exit(1)
	}
}

// write rewrites a document where its sections say something else.
func write(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := committed.Document(string(b))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if text == string(b) {
		return nil
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
