package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testFile describes a file with that content.
func testFile(name, content string) remoteFile {
	sum := sha256.Sum256([]byte(content))
	return remoteFile{name: name, size: int64(len(content)), sha256: hex.EncodeToString(sum[:])}
}

// payload is the content served in the tests below.
var payload = strings.Repeat("0123456789abcdef", 4096)

// serve starts a server for one test and returns its URL.
func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/mnist/"
}

// entire serves content, with ranges.
func entire(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	}
}

// cutAfter claims the whole payload and closes the connection after n bytes.
func cutAfter(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(payload)))
		w.Write([]byte(payload[:n]))
		panic(http.ErrAbortHandler)
	}
}

// download asks for the payload and returns the folder for it.
func download(t *testing.T, ctx context.Context, o Options) (string, error) {
	t.Helper()
	o.Offline = false
	_, err := locate(ctx, "set", []remoteFile{testFile("f.gz", payload)}, nil, o)
	return filepath.Join(o.CacheDir, "set", "f.gz"), err
}

// wantFile checks that path holds content and path.part is gone.
func wantFile(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != content {
		t.Errorf("%s holds %d other bytes, want %d", filepath.Base(path), len(got), len(content))
	}
	wantNone(t, path+".part")
}

func wantNone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there: %v", filepath.Base(path), err)
	}
}

func TestDownloadFresh(t *testing.T) {
	o := isolate(t)
	var progress bytes.Buffer
	o.Progress = &progress
	var asked string
	o.Mirrors = []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		entire(payload)(w, r)
	})}
	path, err := download(t, context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, payload)
	if asked != "/mnist/f.gz" {
		t.Errorf("asked for %s", asked)
	}
	if !strings.Contains(progress.String(), "f.gz") || !strings.Contains(progress.String(), "100%") {
		t.Errorf("progress %q does not name the file or end at 100%%", progress.String())
	}
}

func TestDownloadResumes(t *testing.T) {
	o := isolate(t)
	var progress bytes.Buffer
	o.Progress = &progress
	o.Mirrors = []string{serve(t, cutAfter(20000))}
	path, err := download(t, context.Background(), o)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "of 65536 bytes") {
		t.Fatalf("cut download: error %v", err)
	}
	part, err := os.ReadFile(path + ".part")
	if err != nil || len(part) != 20000 {
		t.Fatalf("part has %d bytes, want 20000: %v", len(part), err)
	}
	if strings.Contains(progress.String(), "100%") {
		t.Errorf("progress of a cut download %q", progress.String())
	}
	var ranges []string
	o.Mirrors = []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		entire(payload)(w, r)
	})}
	if path, err = download(t, context.Background(), o); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, payload)
	if len(ranges) != 1 || ranges[0] != "bytes=20000-" {
		t.Errorf("ranges asked for: %q, want bytes=20000- once", ranges)
	}
}

func TestDownloadServerIgnoresRange(t *testing.T) {
	o := isolate(t)
	o.Mirrors = []string{serve(t, cutAfter(20000)), serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			t.Error("no range asked for")
		}
		w.Write([]byte(payload))
	})}
	path, err := download(t, context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, payload)
}

func TestDownloadPartOnDisk(t *testing.T) {
	for name, part := range map[string]string{
		"complete":            payload,
		"complete, but wrong": strings.ToUpper(payload),
		"too long":            payload + "x",
		"empty":               "",
	} {
		t.Run(name, func(t *testing.T) {
			o := isolate(t)
			asked := 0
			o.Mirrors = []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				entire(payload)(w, r)
			})}
			writeFile(t, filepath.Join(o.CacheDir, "set", "f.gz.part"), []byte(part))
			path, err := download(t, context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, payload)
			if want := map[bool]int{true: 0, false: 1}[part == payload]; asked != want {
				t.Errorf("server was asked %d times, want %d", asked, want)
			}
		})
	}
}

func TestDownloadWrongHash(t *testing.T) {
	o := isolate(t)
	o.Mirrors = []string{serve(t, entire(strings.ToUpper(payload))), serve(t, entire(payload))}
	path, err := download(t, context.Background(), o)
	if err == nil || errors.Is(err, ErrMissing) {
		t.Fatalf("error %v, want one that does not wrap ErrMissing", err)
	}
	for _, hash := range []string{testFile("", payload).sha256, testFile("", strings.ToUpper(payload)).sha256} {
		if !strings.Contains(err.Error(), hash) {
			t.Errorf("error %q does not name %s", err, hash)
		}
	}
	wantNone(t, path)
	wantNone(t, path+".part")
}

func TestDownloadNextMirror(t *testing.T) {
	bad := map[string]http.HandlerFunc{
		"404":         http.NotFound,
		"too long":    entire(payload + "x"),
		"too short":   entire(payload[:100]),
		"wrong range": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusPartialContent) },
	}
	for name, h := range bad {
		t.Run(name, func(t *testing.T) {
			o := isolate(t)
			o.Mirrors = []string{serve(t, h), serve(t, entire(payload))}
			path, err := download(t, context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, payload)
		})
	}
}

func TestDownloadNoMirror(t *testing.T) {
	o := isolate(t)
	o.Mirrors = []string{serve(t, http.NotFound), "http://127.0.0.1:0/"}
	path, err := download(t, context.Background(), o)
	var hint *HintError
	if !errors.Is(err, ErrMissing) || !errors.As(err, &hint) {
		t.Fatalf("error %v, want a hint and ErrMissing", err)
	}
	for _, m := range o.Mirrors {
		if !strings.Contains(err.Error(), m+"f.gz") {
			t.Errorf("error %q does not name %s", err, m)
		}
	}
	wantNone(t, path)
}

func TestDownloadCancel(t *testing.T) {
	o := isolate(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Mirrors = []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(payload)))
		w.Write([]byte(payload[:20000]))
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the client went away
	})}
	o.Client = &http.Client{Transport: cancelAfter{20000, cancel}}
	path, err := download(t, ctx, o)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrMissing) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	part, err := os.ReadFile(path + ".part")
	if err != nil || string(part) != payload[:20000] {
		t.Errorf("part of %d bytes, want the first 20000 of the file: %v", len(part), err)
	}
	o.Mirrors, o.Client = []string{serve(t, entire(payload))}, nil
	if path, err = download(t, context.Background(), o); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, payload)
}

// cancelAfter is a transport that calls cancel when n bytes of a body have
// been taken and more are asked for.
type cancelAfter struct {
	n      int
	cancel func()
}

func (c cancelAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		resp.Body = &cancelBody{resp.Body, c}
	}
	return resp, err
}

type cancelBody struct {
	io.ReadCloser
	left cancelAfter
}

func (b *cancelBody) Read(p []byte) (int, error) {
	if b.left.n <= 0 {
		b.left.cancel()
	}
	n, err := b.ReadCloser.Read(p)
	b.left.n -= n
	return n, err
}
