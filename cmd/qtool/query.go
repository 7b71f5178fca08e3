package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/roles/files"
	"qtool/internal/hint"
	"qtool/serve/client"
)

// queryOptions say what is asked, and whom.
type queryOptions struct {
	encryptOptions
	url, model string
	files      client.Files
	retry      int
	flood      floodFlag
}

func newQueryCommand(a *app) *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query",
		Short: "ask a service: encrypt, send, decrypt",
		Long: withExitStatus(`Query asks a service of qtool serve about samples, and prints a label a line as qtool decrypt
does. It fetches the client half, makes keys, brings the evaluation keys to the service
where it has them not, and sends encrypted samples. The service sees evaluation keys and
ciphertexts, and nothing else.

With --secret, the secret key is kept in that file and used again next time, which saves
making and sending evaluation keys. Without, a key is drawn for this one time, and its
evaluation keys are deleted at the end.`),
		Example: `  qtool query --url http://127.0.0.1:8480 --image seven.png
  qtool query --url https://he.example.org --token-file my.token --model lenet \
      --secret lenet.key --in mnist --limit 100`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runQuery(cmd.Context(), a, cmd.InOrStdin(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.url, "url", "", "the service, http://HOST:PORT or https://HOST:PORT (required)")
	f.StringVar(&o.model, "model", "", "which of its models (default the only one)")
	f.StringVar(&o.secret, "secret", "", "file of the secret key, made where it is not there (default: a key for this time)")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the passphrase of a sealed secret key, - for standard input (default: ask at the terminal)")
	f.StringVar(&o.files.Token, "token-file", "", "file with the bearer token (default $QTOOL_TOKEN)")
	f.StringVar(&o.files.CA, "ca", "", "authorities of the service's certificate, PEM (default the system's)")
	f.StringVar(&o.files.Certificate, "cert", "", "client certificate, PEM")
	f.StringVar(&o.files.Key, "key", "", "private key of --cert, PEM")
	f.IntVar(&o.retry, "retry", 3, "how often to come again when the service is busy")
	f.StringVar(&o.in, "in", "", "dataset whose test samples are asked about, or - for standard input")
	f.StringArrayVar(&o.texts, "text", nil, "a sentence")
	f.StringArrayVar(&o.images, "image", nil, "file of a picture")
	f.IntVar(&o.limit, "limit", 0, "only the first samples (default all)")
	o.flood.register(cmd)
	cmd.MarkFlagRequired("url")
	cmd.MarkFlagsOneRequired("in", "text", "image")
	cmd.MarkFlagsMutuallyExclusive("in", "text", "image")
	return cmd
}

func runQuery(ctx context.Context, a *app, stdin io.Reader, o queryOptions) (err error) {
	c, err := client.Open(o.url, os.Getenv("QTOOL_TOKEN"), o.files)
	if err != nil {
		return err
	}
	c.Retry = o.retry
	if o.model == "" {
		if o.model, err = onlyModel(ctx, c); err != nil {
			return err
		}
	}
	spec, err := c.Spec(ctx, o.model)
	if err != nil {
		return err
	}
	key, err := o.secretKey(ctx, a, stdin, spec)
	if err != nil {
		return err
	}
	if key, err = o.flood.client(key); err != nil {
		return err
	}
	all, err := o.samples(ctx, a, stdin, spec.Encoder)
	if err != nil {
		return err
	}
	sum, err := a.bringKeys(ctx, c, key, o.secret != "")
	if err != nil {
		return err
	}
	if o.secret == "" {
		defer func() {
			// The answer is there: a service that has gone away keeps keys that nobody has.
			if e := c.DeleteKeys(context.WithoutCancel(ctx), sum); e != nil && err == nil {
				a.Note(fmt.Sprintf("the evaluation keys could not be deleted: %v", e))
			}
		}()
	}
	v := decryptView{Labels: spec.Labels, Backend: spec.Backend, Answers: []roles.Reading{}}
	bar := a.Begin("query", all.Count)
	v.Samples, err = c.Ask(ctx, o.model, key, spec.Samples(all.All), func(_ int, d *he.Decrypted) error {
		v.Answers = append(v.Answers, roles.Read(spec, d.Answers)...)
		bar.Set(len(v.Answers), max(all.Count, len(v.Answers)))
		return nil
	})
	bar.End(err)
	if err != nil {
		return err
	}
	v.Flood = o.flood.view(spec, v.Samples)
	return a.printAnswers(&v)
}

// onlyModel is the name of a service's only model.
func onlyModel(ctx context.Context, c *client.Client) (string, error) {
	models, err := c.Models(ctx)
	if err != nil {
		return "", err
	}
	if len(models) == 1 {
		return models[0].Name, nil
	}
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Name
	}
	return "", hint.With(fmt.Errorf("the service has %d models: %s", len(models), strings.Join(names, ", ")), "--model names one")
}

// secretKey is the key of --secret, made where it is not there, or one for this time.
func (o *queryOptions) secretKey(ctx context.Context, a *app, stdin io.Reader, spec *he.ClientSpec) (he.Client, error) {
	if o.secret == "" {
		return roles.NewClient(spec)
	}
	if !files.Exists(o.secret) {
		return newSecret(ctx, a, stdin, keygenOptions{secret: o.secret, passphraseFile: o.passphraseFile}, spec)
	}
	key, err := files.ReadSecret(o.secret)
	if err != nil {
		return nil, err
	}
	return a.open(ctx, stdin, key, spec, "model "+o.model, o.secret, o.passphraseFile)
}

// bringKeys makes the evaluation keys of a secret key and brings them to the service, unless
// they may be there and are. It returns their SHA-256, in hex.
func (a *app) bringKeys(ctx context.Context, c *client.Client, key he.Client, there bool) (string, error) {
	if there {
		if sum, err := c.KeysOf(ctx, key); err != nil || sum != "" {
			return sum, err
		}
	}
	f, err := os.CreateTemp("", "qtool-keys-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	defer os.Remove(f.Name())
	n := &meter{w: f}
	bar := &messageBar{a: a, what: "evaluation keys", messages: 1}
	err = key.WriteEvaluationKeys(ctx, n, bar.step)
	bar.end(err)
	if err != nil {
		return "", err
	}
	const unit = 1 << 20
	up := a.Begin("upload keys, MiB", int(n.n/unit))
	sum, err := c.UploadKeys(ctx, f, n.n, func(bytes int64) { up.Set(int(bytes/unit), max(1, int(n.n/unit))) })
	up.End(err)
	return sum, err
}
