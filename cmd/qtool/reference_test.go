package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

var update = flag.Bool("update", false, "rewrite docs/cli")

// TestReference holds docs/cli to the commands: go test ./cmd/qtool -run
// TestReference -update rewrites it.
func TestReference(t *testing.T) {
	root := newRootCommand(io.Discard, io.Discard)
	root.DisableAutoGenTag = true
	want := t.TempDir()
	if err := doc.GenMarkdownTree(withoutDefaults(root), want); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("..", "..", "docs", "cli")
	if *update {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(folder, os.DirFS(want)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(pages(t, want), pages(t, folder)); diff != "" {
		t.Errorf("docs/cli is not current; rewrite it with -update (-want +got)\n%s", diff)
	}
}

// withoutDefaults leaves out cobra's own help and completion pages.
func withoutDefaults(root *cobra.Command) *cobra.Command {
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	return root
}

func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s: %v", dir, err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(b)
	}
	return all
}
