package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/roles/files"
	"qtool/internal/hint"
	"qtool/internal/promptly"
	"qtool/internal/whole"
)

// keygenOptions say which keys are made.
type keygenOptions struct {
	client, secret, keys string
	seal                 bool
	passphraseFile       string
}

func newKeygenCommand(a *app) *cobra.Command {
	var o keygenOptions
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "make a secret key, and the evaluation keys for the server",
		Long: withExitStatus(`Keygen draws a secret key for a client half, keeps it in a file of mode 0600, and makes the
evaluation keys that the server needs. The secret key never leaves the client; the
evaluation keys are public, and say nothing of it.

A secret key is never overwritten. Where the file of --secret is there and fits the client
half, it is used, and the evaluation keys are made of it again; one of another client half
is an error.

With --seal you type a passphrase, and the secret key is sealed with it; --passphrase-file
reads it from a file instead (- for standard input). encrypt and decrypt ask for it, or
take the same flag. The format is that of age (age-encryption.org): age -d opens such a key.
A forgotten passphrase cannot be recovered.

To rotate keys, make a new secret key under another name, and send its evaluation keys to
the server. What was encrypted under the old key can be decrypted with the old key alone,
so keep it as long as answers are on their way. To revoke a key, have the server delete its
evaluation keys: it then evaluates nothing under that key. A server that runs as qtool infer
knows the keys that it is given, and no others.

Some back ends (bgv of polynomial networks) need no evaluation keys: the file is small and
says so, and the commands are the same.`),
		Example: `  qtool keygen --client client.qbc --secret secret.key --keys evaluation.keys
  qtool keygen --client client.qbc --secret secret.key --keys evaluation.keys --seal`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runKeygen(cmd.Context(), a, promptly.Reader(cmd.Context(), cmd.InOrStdin()), o)
		},
	}
	registerClient(cmd, &o.client, &o.secret, &o.passphraseFile)
	cmd.Flags().StringVar(&o.keys, "keys", "", "where the evaluation keys go, for the server; replaced if it is there (required)")
	cmd.Flags().BoolVar(&o.seal, "seal", false, "seal a new secret key with a passphrase that you type")
	cmd.MarkFlagsMutuallyExclusive("seal", "passphrase-file")
	cmd.MarkFlagRequired("keys")
	return cmd
}

// registerClient adds the flags of what a client has.
func registerClient(cmd *cobra.Command, client, secret, passphraseFile *string) {
	cmd.Flags().StringVar(client, "client", "", "the client half of a plan (required)")
	cmd.Flags().StringVar(secret, "secret", "", "the secret key (required)")
	cmd.Flags().StringVar(passphraseFile, "passphrase-file", "", "file with the passphrase of a sealed secret key, - for standard input (default: ask at the terminal)")
	cmd.MarkFlagRequired("client")
	cmd.MarkFlagRequired("secret")
}

// keygenView is what keygen made.
type keygenView struct {
	Client string `json:"client"`
	Secret string `json:"secret"`
	// New says that the secret key was drawn now.
	New      bool   `json:"new"`
	Sealed   bool   `json:"sealed"`
	Key      string `json:"key"`
	Keys     string `json:"keys"`
	KeyBytes int64  `json:"key_bytes"`
	Backend  string `json:"backend"`
}

func runKeygen(ctx context.Context, a *app, in io.Reader, o keygenOptions) error {
	if err := differ([2]string{"client", o.client}, [2]string{"secret", o.secret}, [2]string{"keys", o.keys}); err != nil {
		return err
	}
	if err := a.free(o.keys); err != nil {
		return err
	}
	spec, err := files.ReadClientHalf(o.client)
	if err != nil {
		return err
	}
	if files.NamesFolder(o.keys) {
		return fmt.Errorf("--keys %s is a folder, want a file", o.keys)
	}
	out, err := a.newOutput(o.keys)
	if err != nil {
		return err
	}
	defer out.Discard()
	v := keygenView{Client: o.client, Secret: o.secret, New: !files.Exists(o.secret), Keys: o.keys, Backend: spec.Backend}
	var c he.Client
	if v.New {
		c, err = newSecret(ctx, a, in, o, spec)
		v.Sealed = o.seal || o.passphraseFile != ""
	} else {
		c, err = oldSecret(ctx, a, in, o, spec, &v)
	}
	if err != nil {
		return err
	}
	id := c.KeyID()
	v.Key = hex.EncodeToString(id[:])
	n := &meter{w: out}
	bar := &messageBar{a: a, what: "evaluation keys", messages: 1}
	err = c.WriteEvaluationKeys(ctx, n, bar.step)
	bar.end(err)
	if err == nil {
		err = out.Commit()
	}
	if err != nil {
		if v.New {
			err = hint.With(err, fmt.Sprintf("the secret key is in %s; the same command makes its evaluation keys", o.secret))
		}
		return err
	}
	v.KeyBytes = n.n
	secret := "new secret key " + v.Key + " in " + o.secret
	if !v.New {
		secret = "secret key " + v.Key + " of " + o.secret + ", which was there"
	}
	if v.Sealed {
		secret += ", sealed"
	}
	return a.tell(o.keys, v, "%s\nevaluation keys for the server in %s, %s\n", secret, o.keys, size(n.n))
}

// newSecret draws a secret key and keeps it.
func newSecret(ctx context.Context, a *app, in io.Reader, o keygenOptions, spec *he.ClientSpec) (he.Client, error) {
	var phrase []byte
	if o.seal || o.passphraseFile != "" {
		var err error
		if phrase, err = passphrase(ctx, in, o.passphraseFile, o.secret, true); err != nil {
			return nil, err
		}
		defer clear(phrase)
	}
	c, err := roles.NewClient(spec)
	if err == nil {
		err = files.CreateSecret(o.secret, c, phrase)
	}
	if errors.Is(err, fs.ErrExist) {
		err = hint.With(fmt.Errorf("%s: a secret key is never overwritten: %w", o.secret, err), "name another file for a new key")
	}
	return c, err
}

// oldSecret reads the secret key that is there.
func oldSecret(ctx context.Context, a *app, in io.Reader, o keygenOptions, spec *he.ClientSpec, v *keygenView) (he.Client, error) {
	const advice = "a secret key is never overwritten: name another file for a new one"
	key, err := files.ReadSecret(o.secret)
	if errors.Is(err, whole.ErrNotRegular) {
		return nil, hint.With(err, advice)
	}
	if err != nil {
		return nil, hint.With(err, "what is there is never overwritten: name another file for a new secret key")
	}
	if v.Sealed = key.Sealed; o.seal && !key.Sealed {
		key.Clear()
		return nil, hint.With(fmt.Errorf("%s: the secret key is there already, and not sealed", o.secret), advice)
	}
	c, err := a.open(ctx, in, key, spec, o.client, o.secret, o.passphraseFile)
	if err != nil {
		return nil, hint.With(err, advice)
	}
	return c, nil
}

// meter counts the bytes that were written.
type meter struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (m *meter) Write(b []byte) (int, error) {
	n, err := m.w.Write(b)
	m.n += int64(n)
	return n, err
}
