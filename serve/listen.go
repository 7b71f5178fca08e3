package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"
)

// ErrPlain marks an address that only TLS may serve.
var ErrPlain = errors.New("want TLS")

// Listener says where a service listens, and how.
type Listener struct {
	// Address is host:port; port 0 takes a free one.
	Address string
	// Certificate and Key are PEM files for TLS; both or none. Without them the address
	// must be of this machine alone, unless Plain says that something else encrypts.
	Certificate, Key string
	Plain            bool
	// ClientCA is a PEM file of authorities whose client certificates are asked for.
	ClientCA string
	// Admin is where metrics and profiles are served, host:port; empty for nowhere.
	Admin string
	// Drain is how long a stop waits for what runs.
	Drain time.Duration
}

// Run serves s until ctx is done, and then drains it. ready, if not nil, is told the
// addresses once connections are taken; admin is empty where there is none.
func (l *Listener) Run(ctx context.Context, s *Service, ready func(url, admin string)) error {
	config, err := l.tls()
	if err != nil {
		return err
	}
	tcp, err := net.Listen("tcp", l.Address)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if a, ok := tcp.Addr().(*net.TCPAddr); config == nil && !l.Plain && (!ok || !a.IP.IsLoopback()) {
		return errors.Join(fmt.Errorf("serve: %s can be reached from other machines, and there is no certificate: %w", tcp.Addr(), ErrPlain), tcp.Close())
	}
	faults := slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)
	server := &http.Server{
		Handler: s, TLSConfig: config, ErrorLog: faults,
		ReadHeaderTimeout: s.Idle, IdleTimeout: 2 * s.Idle, MaxHeaderBytes: 64 << 10,
	}
	url := "http://" + tcp.Addr().String()
	if config != nil {
		url = "https://" + tcp.Addr().String()
	}
	ended := make(chan error, 2)
	go func() {
		if config != nil {
			ended <- server.ServeTLS(tcp, "", "")
		} else {
			ended <- server.Serve(tcp)
		}
	}()
	defer server.Close()
	admin := ""
	if l.Admin != "" {
		inner, err := net.Listen("tcp", l.Admin)
		if err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		private := &http.Server{Handler: s.admin(), ReadHeaderTimeout: s.Idle, ErrorLog: faults}
		go func() { ended <- private.Serve(inner) }()
		defer private.Close()
		admin = "http://" + inner.Addr().String()
	}
	go s.sweeping(ctx)
	if ready != nil {
		ready(url, admin)
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.Background(), l.Drain)
	defer cancel()
	s.Log.Info("draining", "running", s.running.Load())
	return errors.Join(s.Drain(bounded), server.Shutdown(bounded))
}

// tls is what the certificates say; nil without.
func (l *Listener) tls() (*tls.Config, error) {
	if (l.Certificate == "") != (l.Key == "") {
		return nil, errors.New("serve: a certificate needs its key, and a key its certificate")
	}
	if l.Certificate == "" {
		if l.ClientCA != "" {
			return nil, errors.New("serve: client certificates need TLS: a certificate and its key")
		}
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(l.Certificate, l.Key)
	if err != nil {
		return nil, fmt.Errorf("serve: certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if l.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(l.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("serve: %s has no certificate", l.ClientCA)
	}
	return c, nil
}

// admin is for those who run the service: metrics and profiles.
func (s *Service) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.Metrics())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// sweeping removes keys that are too old, every hour.
func (s *Service) sweeping(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if n, err := s.Keys.Sweep(time.Now()); err != nil || n > 0 {
			s.Log.Info("swept", "keys", n, "error", fmt.Sprint(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
