package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qtool/serve/api"
)

func TestAddress(t *testing.T) {
	for _, url := range []string{"", "localhost:8480", "ftp://x", "http://", "http://%zz"} {
		if _, err := (&Client{URL: url}).Models(t.Context()); err == nil || !strings.Contains(err.Error(), "is no address of a service") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// A service that is busy is asked again, when it says so, as often as Retry says.
func TestRetry(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("credentials %q", r.Header.Get("Authorization"))
		}
		if asked.Add(1) < 3 {
			w.Header().Set("Content-Type", api.ProblemType)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"status":429,"type":"urn:qtool:busy","title":"Too many requests wait","detail":"64 messages wait already"}`)
			return
		}
		fmt.Fprint(w, `{"models":[{"name":"lenet"}]}`)
	}))
	defer s.Close()
	c := &Client{URL: s.URL, Token: "secret", Retry: 1}
	_, err := c.Models(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Code() != "busy" || e.RetryAfter != time.Second || !strings.Contains(err.Error(), "64 messages wait already") {
		t.Errorf("%#v, %v", e, err)
	}
	if all, err := c.Models(t.Context()); err != nil || len(all) != 1 || all[0].Name != "lenet" {
		t.Errorf("%v, %v", all, err)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

// Errors that are no problem details, as a proxy's, keep their status.
func TestPlainError(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	err := (&Client{URL: s.URL}).DeleteKeys(t.Context(), "00")
	var e *Error
	if !errors.As(err, &e) || e.Status != 404 || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v", err)
	}
}

// keep is a service that keeps one object and breaks every second connection.
type keep struct {
	b      []byte
	asked  int
	breaks bool
	sent   int64
}

func (k *keep) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		w.Header().Set(api.HeaderArrived, fmt.Sprint(len(k.b)))
		return
	}
	var from, to, all int
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &all); err != nil || from != len(k.b) || r.ContentLength != int64(to-from+1) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	var body io.Reader = r.Body
	k.asked++
	if k.breaks && k.asked%2 == 1 {
		body = io.LimitReader(body, 1<<20)
	}
	b, _ := io.ReadAll(body)
	k.b = append(k.b, b...)
	k.sent += int64(len(b))
	if k.breaks && k.asked%2 == 1 {
		panic(http.ErrAbortHandler)
	}
}

// Connections that break cost what was under way, and no byte is sent twice.
func TestUploadGoesOn(t *testing.T) {
	k := &keep{breaks: true}
	s := httptest.NewServer(k)
	defer s.Close()
	keys := make([]byte, piece+3<<20)
	for i := range keys {
		keys[i] = byte(i * i >> 7)
	}
	var told []int64
	c := &Client{URL: s.URL}
	sum, err := c.UploadKeys(t.Context(), bytes.NewReader(keys), int64(len(keys)), func(n int64) { told = append(told, n) })
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(keys); sum != hex.EncodeToString(want[:]) || !bytes.Equal(k.b, keys) {
		t.Errorf("%d of %d bytes arrived as %s", len(k.b), len(keys), sum)
	}
	if k.sent != int64(len(keys)) || told[len(told)-1] != int64(len(keys)) {
		t.Errorf("%d bytes were taken, told %v", k.sent, told)
	}
	asked := k.asked
	if _, err := c.UploadKeys(t.Context(), bytes.NewReader(keys), int64(len(keys)), nil); err != nil || k.asked != asked {
		t.Errorf("what is there was sent again: %d requests, %v", k.asked-asked, err)
	}
}

// A refusal is final.
func TestUploadRefused(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		n++
		w.WriteHeader(http.StatusInsufficientStorage)
	}))
	defer s.Close()
	_, err := (&Client{URL: s.URL}).UploadKeys(t.Context(), strings.NewReader("keys"), 4, nil)
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusInsufficientStorage || n != 1 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("qt_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open("https://example.org/", "other", Files{Token: token})
	if err != nil || c.Token != "qt_x" || c.URL != "https://example.org" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, f := range []Files{
		{Token: filepath.Join(dir, "none")}, {CA: filepath.Join(dir, "none")}, {CA: token},
		{Certificate: token}, {Key: token}, {Certificate: token, Key: token},
	} {
		if _, err := Open("https://example.org", "", f); err == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}
