// Package wasm builds the client half that a page runs.
package wasm

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Client is the client half, compressed; Runtime is what the Go distribution runs it with.
const (
	Client  = "client.wasm.gz"
	Runtime = "wasm_exec.js"
)

// source is the command that is built.
const source = "qtool/serve/page/client"

// Build builds both with the go command, which must be there, with the sources of qtool in
// the current folder.
func Build(ctx context.Context) (map[string][]byte, error) {
	root, err := goCommand(ctx, nil, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	runtime, err := os.ReadFile(filepath.Join(strings.TrimSpace(root), "lib", "wasm", Runtime))
	if err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	dir, err := os.MkdirTemp("", "qtool-wasm-*")
	if err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	defer os.RemoveAll(dir)
	to := filepath.Join(dir, "client.wasm")
	if _, err := goCommand(ctx, []string{"GOOS=js", "GOARCH=wasm"}, "build", "-trimpath", "-ldflags=-s -w", "-o", to, source); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(to)
	if err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(b)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	return map[string][]byte{Client: packed.Bytes(), Runtime: runtime}, nil
}

// goCommand runs the go command.
func goCommand(ctx context.Context, env []string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Env = append(os.Environ(), env...)
	out, err := c.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("wasm: go %s: %w: %.500s", args[0], err, failed.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("wasm: the client half of the page is built by the go command: %w", err)
	}
	return string(out), nil
}
