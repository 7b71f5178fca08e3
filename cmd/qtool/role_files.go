package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"qtool/he"
	"qtool/he/roles/files"
	"qtool/internal/hint"
	"qtool/internal/promptly"
	"qtool/internal/whole"
	"qtool/pipeline"
)

// differ refuses two flags that name one file; a path may be "" or - for none.
func differ(flags ...[2]string) error {
	for i, a := range flags {
		for _, b := range flags[:i] {
			if a[1] == "" || a[1] == files.Stdin || b[1] == "" {
				continue
			}
			if filepath.Clean(a[1]) == filepath.Clean(b[1]) || whole.OnePath(a[1], b[1]) {
				return fmt.Errorf("--%s and --%s are one file, %s", b[0], a[0], a[1])
			}
		}
	}
	return nil
}

// newOutput begins an output of messages.
func (a *app) newOutput(path string) (files.Output, error) {
	if f, ok := a.stdout.(*os.File); ok && path == files.Stdout && term.IsTerminal(int(f.Fd())) {
		return nil, errors.New("--out -: standard output is a terminal, which ciphertexts would garble")
	}
	return files.CreateMessages(a.stdout, path)
}

// tell prints what was done: as JSON, or in words, which go to standard error where standard
// output has the messages.
func (a *app) tell(out string, view any, format string, args ...any) error {
	if a.json {
		return a.encode(view)
	}
	w := a.stdout
	if out == files.Stdout {
		if w = a.progress(); w == nil {
			return nil
		}
	}
	_, err := fmt.Fprintf(w, format, args...)
	return err
}

// free refuses --json where standard output has something else.
func (a *app) free(out string) error {
	if a.json && out == files.Stdout {
		return errors.New("--json: standard output has the messages, as --out is -")
	}
	return nil
}

// mostPassphrase bounds a passphrase, in bytes.
const mostPassphrase = 4096

// passphrase is what a file has, - being standard input, or what is typed at the terminal
// where file is "": twice where it is new. The caller clears it.
func passphrase(ctx context.Context, in io.Reader, file, of string, twice bool) ([]byte, error) {
	if file == "" {
		return typed(ctx, of, twice)
	}
	b, err := promptly.Do(ctx, func() ([]byte, error) {
		if file != files.Stdin {
			f, err := os.Open(file) // a pipe may give it
			if err != nil {
				return nil, err
			}
			defer f.Close()
			in = f
		}
		return io.ReadAll(io.LimitReader(in, mostPassphrase+1))
	})
	if err != nil {
		return nil, err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	clear(b)
	switch {
	case len(b) > mostPassphrase:
		return nil, fmt.Errorf("--passphrase-file %s: it passes the limit of %d bytes", file, mostPassphrase)
	case line == "":
		return nil, fmt.Errorf("--passphrase-file %s: the passphrase is empty", file)
	case strings.ContainsAny(line, "\r\n"):
		return nil, fmt.Errorf("--passphrase-file %s: it has more than one line", file)
	}
	return []byte(line), nil
}

// typed asks for a passphrase at the terminal.
func typed(ctx context.Context, of string, twice bool) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, hint.With(fmt.Errorf("%s: it needs a passphrase, and there is no terminal to ask for it", of), "--passphrase-file names a file with the passphrase")
	}
	defer tty.Close()
	fd := int(tty.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	ask := func(question string) ([]byte, error) {
		fmt.Fprintf(tty, "%s: ", question)
		b, err := promptly.Do(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
		_ = term.Restore(fd, state) // after an interrupt; else it is restored already
		fmt.Fprintln(tty)
		return b, err
	}
	b, err := ask("Passphrase of " + of)
	if err != nil || !twice {
		return b, err
	}
	again, err := ask("The same again")
	defer clear(again)
	if err == nil && string(b) != string(again) {
		err = errors.New("the two passphrases differ")
	}
	if err != nil {
		clear(b)
		return nil, err
	}
	return b, nil
}

// client opens a secret key for a client half.
func (a *app) client(ctx context.Context, in io.Reader, client, secret, passphraseFile string) (he.Client, error) {
	spec, err := files.ReadClientHalf(client)
	if err != nil {
		return nil, err
	}
	key, err := files.ReadSecret(secret)
	if err != nil {
		return nil, err
	}
	return a.open(ctx, in, key, spec, client, secret, passphraseFile)
}

func (a *app) open(ctx context.Context, in io.Reader, key *files.Secret, spec *he.ClientSpec, client, secret, passphraseFile string) (he.Client, error) {
	defer key.Clear()
	if key.Open {
		a.Note(fmt.Sprintf("%s can be read by others than its owner: chmod 600 %s", secret, secret))
	}
	if !key.Sealed && passphraseFile != "" {
		return nil, hint.With(fmt.Errorf("%s: it is not sealed, and --passphrase-file is given", secret), "leave the passphrase out; qtool keygen seals a new key")
	}
	return key.Client(ctx, spec, client, func() ([]byte, error) { return passphrase(ctx, in, passphraseFile, secret, false) })
}

// messageBar shows how far the messages of a stream are.
type messageBar struct {
	a        *app
	what     string
	messages int // 0 where it is not known
	at       int // the message that is worked on
	phase    string
	bar      pipeline.Bar
}

// perMessage are the steps of the bar that a message takes.
const perMessage = 1000

func (b *messageBar) step(s he.Step) {
	of := ""
	switch {
	case b.messages > 1:
		of = fmt.Sprintf(", message %d of %d", b.at+1, b.messages)
	case b.messages == 0:
		of = fmt.Sprintf(", message %d", b.at+1)
	}
	if b.bar == nil {
		b.bar = b.a.Begin(b.what+of, 0)
	}
	if phase := b.what + of; phase != b.phase {
		b.phase = phase
		b.bar.Describe(phase)
	}
	at := perMessage * s.Done / max(s.Total, 1)
	if b.messages > 0 {
		at += b.at * perMessage
	}
	b.bar.Set(at, max(b.messages, 1)*perMessage)
}

// next says that a message is finished.
func (b *messageBar) next() {
	b.step(he.Step{Done: 1, Total: 1})
	b.at++
}

func (b *messageBar) end(err error) {
	if b.bar != nil {
		b.bar.End(err)
	}
}

// waiting says what is waited for, where that takes long and has no steps. The caller calls
// what it returns at the end.
func (a *app) waiting(what string) (done func() bool) {
	w := a.progress()
	if w == nil {
		return func() bool { return true }
	}
	return time.AfterFunc(patience, func() { fmt.Fprintf(w, "qtool: %s ...\n", what) }).Stop
}
