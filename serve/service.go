package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"qtool/serve/keystore"
)

// Options are a service's limits and whom it lets in. Zero values stand for the defaults.
type Options struct {
	Keys *keystore.Store
	// Tokens, if not nil, are the bearer tokens that are let in. Certificates takes the
	// tenant from the client's certificate, which the listener must have verified. Without
	// both everybody is LocalTenant.
	Tokens       *Tokens
	Certificates bool
	// Evaluations is how many run at once: each uses all cores, so the default is 1.
	Evaluations int
	// Queue is how many messages may wait for one; default 64.
	Queue int
	// Memory bounds what all evaluations are predicted to take, and the bodies that wait,
	// in bytes; default: twice the largest model's.
	Memory int64
	// Messages bounds the messages of a request; default 1 << 16.
	Messages int
	// Timeout bounds one evaluation, waiting not included; default 10 minutes. Idle bounds
	// the time between two pieces of a body; default 30 seconds.
	Timeout, Idle time.Duration
	// Spool is the folder for large bodies while they wait; default the system's.
	Spool string
	// Page, if not nil, is served at /: the demonstration.
	Page http.Handler
	Log  *slog.Logger
}

// Service is an http.Handler. It is safe for concurrent use.
type Service struct {
	Options
	models   map[string]*Model
	names    []string
	handler  http.Handler
	metrics  *metrics
	slots    *semaphore.Weighted
	memory   *semaphore.Weighted
	waiting  atomic.Int64
	draining atomic.Bool
	running  atomic.Int64 // requests that a stop waits for
	inMemory int64        // the size up to which messages wait in memory; larger ones in files
}

// New makes a service of models, which have different names.
func New(models []*Model, o Options) (*Service, error) {
	if len(models) == 0 {
		return nil, errors.New("serve: no models")
	}
	s := &Service{Options: o, models: map[string]*Model{}, inMemory: mostInMemory}
	largest := int64(0)
	for _, m := range models {
		if s.models[m.Name] != nil {
			return nil, fmt.Errorf("serve: two models are called %q", m.Name)
		}
		s.models[m.Name] = m
		s.names = append(s.names, m.Name)
		largest = max(largest, m.memory())
	}
	slices.Sort(s.names)
	s.Evaluations = cmp.Or(s.Evaluations, 1)
	s.Queue = cmp.Or(s.Queue, 64)
	s.Messages = cmp.Or(s.Messages, 1<<16)
	s.Timeout = cmp.Or(s.Timeout, 10*time.Minute)
	s.Idle = cmp.Or(s.Idle, 30*time.Second)
	s.Memory = cmp.Or(s.Memory, 2*largest)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Memory < largest {
		return nil, fmt.Errorf("serve: an evaluation is predicted to take %d bytes, the limit is %d", largest, s.Memory)
	}
	s.slots = semaphore.NewWeighted(int64(s.Evaluations))
	s.memory = semaphore.NewWeighted(s.Memory)
	s.metrics = newMetrics(s)
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Drain makes the service refuse what comes from now on, and waits for what runs.
func (s *Service) Drain(ctx context.Context) error {
	s.draining.Store(true)
	for s.running.Load() > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("serve: %d requests still run: %w", s.running.Load(), context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// routes are the service's, by the patterns of net/http.
func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range s.endpoints() {
		mux.Handle(pattern, s.wrap(pattern, h))
	}
	if s.Page != nil {
		mux.Handle("GET /", s.Page)
	}
	return mux
}

// endpoint answers a request of a tenant. What it returns is sent as a problem, unless
// the answer has begun: then the connection ends.
type endpoint func(w *response, r *http.Request, tenant string) error

// endpoints are what the service answers; open ones ask for no credentials.
func (s *Service) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"GET /v2/health/live":           s.live,
		"GET /v2/health/ready":          s.ready,
		"GET /v2/models":                s.listModels,
		"GET /v2/models/{model}":        s.describeModel,
		"GET /v2/models/{model}/ready":  s.modelReady,
		"GET /v2/models/{model}/client": s.clientHalf,
		"POST /v2/models/{model}/infer": s.infer,
		"GET /v1/keys":                  s.listKeys,
		"PUT /v1/keys/{sha256}":         s.putKeys,
		"HEAD /v1/keys/{sha256}":        s.headKeys,
		"DELETE /v1/keys/{sha256}":      s.deleteKeys,
		"GET /openapi.yaml":             s.openapi,
	}
}

// public are the endpoints that ask for no credentials.
var public = []string{"GET /v2/health/live", "GET /v2/health/ready", "GET /openapi.yaml"}

// response remembers whether an answer has begun, and what it was.
type response struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what is below.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// wrap is an endpoint with what all have in common: credentials, counts, a line in the
// log, and problems for errors.
func (s *Service) wrap(pattern string, h endpoint) http.Handler {
	open := slices.Contains(public, pattern)
	return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		w, start, tenant := &response{ResponseWriter: to}, time.Now(), ""
		s.running.Add(1)
		defer s.running.Add(-1)
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					if p == http.ErrAbortHandler {
						panic(p)
					}
					s.Log.Error("panic", "endpoint", pattern, "what", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
					err = problem("internal", "the fault is the service's, and in its log")
				}
			}()
			if !open {
				if tenant, err = s.tenant(r); err != nil {
					return err
				}
			}
			return h(w, r, tenant)
		}()
		code := ""
		if err != nil {
			p := problemOf(err)
			if p == nil {
				s.Log.Error("failed", "endpoint", pattern, "error", err.Error())
				p = problem("internal", "the fault is the service's, and in its log")
			}
			code = p.Code()
			if w.status == 0 {
				w.Header().Set("Connection", "close") // with what may be left of the body
				p.write(w)
			}
		}
		s.metrics.request(pattern, w.status, code)
		s.Log.Info("request", "endpoint", pattern, "model", r.PathValue("model"), "tenant", tenant,
			"status", w.status, "problem", code, "seconds", time.Since(start).Seconds(), "bytes_out", w.bytes)
		if err != nil && code != "" && w.status < 400 {
			panic(http.ErrAbortHandler) // the answer has begun: the client must see that it broke off
		}
	})
}
