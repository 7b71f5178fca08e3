// Package client asks a service of package serve: it fetches the client half, brings the
// evaluation keys there, and sends encrypted samples. What it sends are ciphertexts and
// evaluation keys alone; the secret key stays in the he.Client.
package client

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"qtool/he"
	"qtool/serve/api"
)

// Client asks one service. It is safe for concurrent use.
type Client struct {
	// URL is where the service is, without a path: https://host:port.
	URL string
	// Token is the bearer token; empty for none.
	Token string
	// HTTP is used for requests; nil is http.DefaultClient.
	HTTP *http.Client
	// Retry is how often a request that was turned away for a while (429, 503) is made
	// again; 0 is not at all.
	Retry int
}

// Error is a problem that the service answered with.
type Error struct {
	api.Problem
	// RetryAfter is when the service says to come again; 0 where it does not.
	RetryAfter time.Duration
}

// request makes a request of a path below URL.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("client: %q is no address of a service: want http://HOST:PORT or https://HOST:PORT", c.URL)
	}
	r, err := http.NewRequestWithContext(ctx, method, base.JoinPath(path).String(), body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", api.Bytes)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// do sends a request. Every status from 400 on is an *Error.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	a, err := h.Do(r)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if a.StatusCode < 400 {
		return a, nil
	}
	defer a.Body.Close()
	e := &Error{Problem: api.Problem{Status: a.StatusCode, Title: http.StatusText(a.StatusCode)}}
	if strings.HasPrefix(a.Header.Get("Content-Type"), api.ProblemType) {
		_ = json.NewDecoder(io.LimitReader(a.Body, 1<<16)).Decode(&e.Problem) // the status says enough if it fails
	}
	if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && s > 0 && s < 1<<20 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return nil, e
}

// again makes a request until it is not turned away, at most Retry times more.
func (c *Client) again(ctx context.Context, try func() (*http.Response, error)) (*http.Response, error) {
	for n := 0; ; n++ {
		a, err := try()
		var e *Error
		if err == nil || n == c.Retry || !errors.As(err, &e) || e.Status != http.StatusTooManyRequests && e.Status != http.StatusServiceUnavailable {
			return a, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(max(e.RetryAfter, time.Second)):
		}
	}
}

// get reads JSON.
func (c *Client) get(ctx context.Context, path string, v any) error {
	a, err := c.again(ctx, func() (*http.Response, error) {
		r, err := c.request(ctx, http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		return c.do(r)
	})
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if err := json.NewDecoder(io.LimitReader(a.Body, 1<<24)).Decode(v); err != nil {
		return fmt.Errorf("client: %s of %s is not understood: %w", path, c.URL, err)
	}
	return nil
}

// Models lists what the service evaluates.
func (c *Client) Models(ctx context.Context) ([]api.ModelInfo, error) {
	var all api.Models
	err := c.get(ctx, "/v2/models", &all)
	return all.Models, err
}

// Spec fetches the client half of a model.
func (c *Client) Spec(ctx context.Context, model string) (*he.ClientSpec, error) {
	r, err := c.request(ctx, http.MethodGet, "/v2/models/"+url.PathEscape(model)+"/client", nil)
	if err != nil {
		return nil, err
	}
	a, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	s, err := he.ReadClientSpec(a.Body)
	if err != nil {
		return nil, err
	}
	hash, err := s.Hash()
	if err != nil {
		return nil, err
	}
	if tag := a.Header.Get("ETag"); tag != "" && tag != `"`+hex.EncodeToString(hash[:])+`"` {
		return nil, fmt.Errorf("client: the client half of model %q has the hash %x, the service says %s", model, hash, tag)
	}
	return s, nil
}
