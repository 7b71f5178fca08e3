package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"qtool/internal/hint"
	"qtool/internal/memory"
	"qtool/serve"
	"qtool/serve/keystore"
	"qtool/serve/page"
)

// serveOptions say what is served, where, and to whom.
type serveOptions struct {
	servers []string
	store   string
	tokens  string
	listen  serve.Listener
	service serve.Options
	keys    keystore.Options
	demo    bool
}

func newServeCommand(a *app) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "answer encrypted samples over HTTP",
		Long: withExitStatus(`Serve evaluates networks for clients that keep their keys: it takes evaluation keys and
encrypted samples, and gives encrypted answers. Each --server is a server half of qtool
plan, served under its file's name without .qbs. The addresses and bodies are in the
OpenAPI document at /openapi.yaml; qtool query asks such a service, and so does a program
with qtool/serve/client.

Who may ask: with --tokens, whoever has a bearer token of a tenant (qtool serve token); with
--client-ca, whoever has a certificate of that authority, the common name being the tenant;
otherwise everybody who reaches the address, as one tenant. Evaluation keys belong to a
tenant, and no other tenant can use them. An address that other machines reach needs
--tls-cert and --tls-key, or --plain-http where something in front of it does TLS.

Evaluation keys are kept in --store, as files: they survive restarts, and several processes
may share the folder. Ctrl-C or SIGTERM drains: what runs is finished, what comes is
refused with 503.

The log is JSON, a line a request, on standard error; it has no bodies. Metrics for
Prometheus and profiles are at --admin.`),
		Example: `  qtool serve --server lenet.qbs --store keys
  qtool serve --server lenet.qbs --server digits.qbs --store /var/lib/qtool/keys \
      --listen :8443 --tls-cert cert.pem --tls-key key.pem --tokens tokens --admin 127.0.0.1:9090
  qtool serve --server digits.qbs --store keys --demo`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.servers, "server", nil, "a server half (required; may be given several times)")
	f.StringVar(&o.store, "store", "", "folder for evaluation keys (required)")
	f.StringVar(&o.listen.Address, "listen", "127.0.0.1:8480", "address to listen at")
	f.StringVar(&o.listen.Certificate, "tls-cert", "", "certificate of the service, PEM")
	f.StringVar(&o.listen.Key, "tls-key", "", "private key of the certificate, PEM")
	f.StringVar(&o.listen.ClientCA, "client-ca", "", "authorities of client certificates, PEM")
	f.BoolVar(&o.listen.Plain, "plain-http", false, "serve without TLS at an address that other machines reach")
	f.StringVar(&o.listen.Admin, "admin", "", "address for metrics and profiles (default nowhere)")
	f.DurationVar(&o.listen.Drain, "drain", 30*time.Second, "how long a stop waits for what runs")
	f.StringVar(&o.tokens, "tokens", "", "file of bearer tokens, from qtool serve token")
	f.IntVar(&o.service.Evaluations, "evaluations", 1, "evaluations at once; each uses all cores")
	f.IntVar(&o.service.Queue, "queue", 64, "messages that may wait; more are refused with 429")
	f.DurationVar(&o.service.Timeout, "timeout", 10*time.Minute, "longest evaluation of a message")
	f.DurationVar(&o.service.Idle, "idle", 30*time.Second, "longest silence within a body")
	f.IntVar(&o.service.Messages, "messages", 1<<16, "messages in a request at most")
	f.Int64Var(&o.keys.Cache, "key-cache", 0, "bytes of evaluation keys in memory (default a quarter of the machine's)")
	f.Int64Var(&o.keys.Quota, "key-quota", 16<<30, "bytes of evaluation keys on disk, a tenant")
	f.DurationVar(&o.keys.MaxAge, "key-age", 0, "remove evaluation keys that were not used for so long (default never)")
	f.BoolVar(&o.demo, "demo", false, "serve a page at / that encrypts in the browser")
	cmd.MarkFlagRequired("server")
	cmd.MarkFlagRequired("store")
	cmd.AddCommand(newServeTokenCommand(a))
	return cmd
}

func runServe(ctx context.Context, a *app, o serveOptions) error {
	if o.tokens != "" && o.listen.ClientCA != "" {
		return errors.New("--tokens and --client-ca: a tenant has a token or a certificate, not both")
	}
	if o.keys.Cache == 0 {
		o.keys.Cache = memory.Total() / 4
	}
	o.keys.Dir = o.store
	o.service.Log = slog.New(slog.NewJSONHandler(a.stderr, nil))
	var err error
	if o.service.Keys, err = keystore.Open(o.keys); err != nil {
		return err
	}
	if o.tokens != "" {
		if o.service.Tokens, err = serve.OpenTokens(o.tokens); err != nil {
			return hint.With(err, "qtool serve token TENANT --tokens "+o.tokens+" makes a first one")
		}
	}
	o.service.Certificates = o.listen.ClientCA != ""
	var models []*serve.Model
	for _, path := range o.servers {
		done := a.waiting("preparing " + path)
		m, err := serve.LoadModel(ctx, path)
		done()
		if err != nil {
			return err
		}
		models = append(models, m)
	}
	if o.demo {
		done := a.waiting("building the page's client")
		o.service.Page, err = page.Handler(ctx)
		done()
		if err != nil {
			return hint.With(err, "run qtool in a clone of its sources, or build it after go generate ./serve/page")
		}
	}
	s, err := serve.New(models, o.service)
	if err != nil {
		return err
	}
	err = o.listen.Run(ctx, s, func(url, admin string) {
		for _, m := range models {
			fmt.Fprintf(a.stdout, "%s: %s, %d-bit security, %d labels\n", m.Name, m.Client.Backend, m.Client.SecurityBits, len(m.Client.Labels))
		}
		if admin != "" {
			fmt.Fprintf(a.stdout, "metrics at %s/metrics\n", admin)
		}
		fmt.Fprintf(a.stdout, "serving at %s\n", url)
	})
	if ctx.Err() != nil {
		return err // an orderly stop is what Ctrl-C asks for
	}
	var unknown *net.OpError
	if errors.As(err, &unknown) {
		return hint.With(err, "--listen names another address")
	}
	return err
}

// newServeTokenCommand draws tokens.
func newServeTokenCommand(a *app) *cobra.Command {
	var file string
	var valid time.Duration
	cmd := &cobra.Command{
		Use:   "token TENANT",
		Short: "draw a bearer token for a tenant",
		Long: withExitStatus(`Token draws a bearer token, prints it once, and adds a line with its SHA-256 to the file of
--tokens, which a running service reads again by itself. To take a token back, delete its
line.`),
		Example: `  qtool serve token hospital-a --tokens tokens --valid 2160h > hospital-a.token`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			secret, err := serve.AddToken(file, args[0], valid)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, secret)
			return err
		},
	}
	cmd.Flags().StringVar(&file, "tokens", "", "file of tokens (required)")
	cmd.Flags().DurationVar(&valid, "valid", 0, "how long it is valid (default without end)")
	cmd.MarkFlagRequired("tokens")
	return cmd
}
