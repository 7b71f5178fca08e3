// Command qtool trains networks for homomorphic encryption, quantizes them to
// integers, and verifies them under real encryption.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"qtool/internal/hint"
)

func main() { os.Exit(run()) }

// run is main without the exit, so that tests can run the command in their own
// process.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the orderly stop begins; a second one kills.
	context.AfterFunc(ctx, stop)
	root := newRootCommand(os.Stdout, os.Stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		printError(os.Stderr, err)
	}
	return exitCode(err)
}

func printError(w io.Writer, err error) {
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	fmt.Fprintf(w, "qtool: error: %s\n", text)
	if advice := hint.Of(err); advice != "" {
		fmt.Fprintf(w, "qtool: hint: %s\n", advice)
	}
}
