package serve

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qtool/he"
	"qtool/he/wire"
	"qtool/serve/keystore"
)

// TestSoak sends hostile requests of many kinds, mixed, to one service, and wants of each
// the codes that are stated for it, right answers to the good ones among them, and in the
// end the memory and goroutines of the beginning. QTOOL_SOAK says how many requests, 1000
// if it is not set.
func TestSoak(t *testing.T) {
	total := 1000
	if text := os.Getenv("QTOOL_SOAK"); text != "" {
		var err error
		if total, err = strconv.Atoi(text); err != nil || total < 100 {
			t.Fatalf("QTOOL_SOAK=%s, want a number of requests, at least 100", text)
		}
	} else if testing.Short() {
		t.Skip("short: a thousand requests")
	}
	h := newHostile(t)
	h.send(t, total/10, 1)
	h.rest()
	heap, goroutines := inUse(), runtime.NumGoroutine()
	start := time.Now()
	h.send(t, total-total/10, 2)
	took := time.Since(start)
	h.rest()
	after := inUse()
	for n := 0; runtime.NumGoroutine() > goroutines && n < 200; n++ {
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	// Buckets of maps and buffers of connections are no leak: 1 MiB is allowed for them.
	if limit := max(heap+heap/20, heap+1<<20); after > limit {
		t.Errorf("heap in use %d bytes after %d requests, %d after the first %d", after, total, heap, total/10)
	}
	if n := h.waiting.Load(); n != 0 {
		t.Errorf("%d messages wait still", n)
	}
	if n := h.running.Service.running.Load(); n != 0 {
		t.Errorf("%d requests run still", n)
	}
	t.Logf("%d requests in %v; heap in use %d KiB, %d KiB after the first tenth; %d goroutines, %d", total, took.Round(time.Second), after>>10, heap>>10, runtime.NumGoroutine(), goroutines)
	t.Logf("answers: %v", h.counts)
}

// inUse is the heap after garbage is collected, in bytes.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// hostile is a service, two tenants of it, and ways to misuse it.
type hostile struct {
	*running
	transport *http.Transport
	tokens    [2]string
	keys      []byte // of tenant 0, and only tenant 0 has brought its own
	mu        sync.Mutex
	counts    map[string]int
}

// soakKey is tenant 0's key.
var soakKey = tenantKey(0)

func newHostile(t *testing.T) *hostile {
	dir := t.TempDir()
	h := &hostile{counts: map[string]int{}}
	list := ""
	for i := range h.tokens {
		secret, line, err := NewToken(fmt.Sprintf("tenant-%d", i), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		h.tokens[i], list = secret, list+line+"\n"
	}
	path := filepath.Join(dir, "tokens")
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := OpenTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	size := wire.Size(8 * keyWords)
	h.running = start(t, Options{Tokens: tokens, Messages: 4, Idle: time.Second, Queue: 64}, keystore.Options{Quota: 6 * size, Cache: 3 * size})
	h.transport = &http.Transport{MaxIdleConnsPerHost: 16, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	var b bytes.Buffer
	if err := soakKey.WriteEvaluationKeys(t.Context(), &b, nil); err != nil {
		t.Fatal(err)
	}
	h.keys = b.Bytes()
	upload(t, h.client(h.tokens[0]), soakKey)
	return h
}

// rest lets connections end, so that they do not count.
func (h *hostile) rest() {
	h.transport.CloseIdleConnections()
	h.http.CloseClientConnections()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// send makes n requests, by eight senders.
func (h *hostile) send(t *testing.T, n int, seed uint64) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := w; i < n && !t.Failed(); i += 8 {
				way := ways[r.IntN(len(ways))]
				got := way.send(t, h, r)
				h.mu.Lock()
				h.counts[got]++
				h.mu.Unlock()
				if !slices.Contains(strings.Split(way.want, ", "), got) {
					t.Errorf("%s: %q, want one of %q", way.name, got, way.want)
				}
			}
		})
	}
	wg.Wait()
}

// do makes a request; a token below 0 is none.
func (h *hostile) do(t *testing.T, token int, method, path string, header map[string]string, body io.Reader) (got string, answer []byte) {
	q, err := http.NewRequestWithContext(t.Context(), method, h.url, body)
	if err != nil {
		t.Error(err)
		return "", nil
	}
	q.URL.Opaque = strings.TrimPrefix(h.url, "http:") + path // as it is, not cleaned
	if token >= 0 {
		q.Header.Set("Authorization", "Bearer "+h.tokens[token])
	}
	for k, v := range header {
		q.Header.Set(k, v)
	}
	a, err := h.transport.RoundTrip(q)
	if err != nil {
		return "broken off", nil
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return "broken off", nil
	}
	if a.StatusCode < 400 {
		return fmt.Sprint(a.StatusCode), b
	}
	_, code, _ := strings.Cut(string(b), `"urn:qtool:`)
	code, _, _ = strings.Cut(code, `"`)
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.StatusCode, code)), b
}

// infer sends messages, of a stated length or not.
func (h *hostile) infer(t *testing.T, token int, body []byte, stated bool) (string, []byte) {
	var r io.Reader = bytes.NewReader(body)
	if !stated {
		r = io.MultiReader(r)
	}
	return h.do(t, token, "POST", "/v2/models/fake/infer", nil, r)
}

// part is message i of a stream of tenant 0.
func part(t *testing.T, i uint32, last bool) []byte {
	return message(t, soakKey, wire.Message{Stream: wire.StreamID{7}, Index: i, Samples: 1, Last: last})
}

// dial writes text to a connection of its own and reads the status that comes back.
func (h *hostile) dial(t *testing.T, text string, hangUp bool) string {
	c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer c.Close()
	_, _ = io.WriteString(c, text) // it may be refused before it ends
	if hangUp {
		return "hung up"
	}
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, _ := io.ReadAll(c)
	_, status, _ := strings.Cut(string(b), " ")
	status, _, _ = strings.Cut(status, " ")
	return status
}

func drawn(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// way is one kind of request, and the answers that may come.
type way struct {
	name, want string
	send       func(t *testing.T, h *hostile, r *rand.Rand) string
}

// simple is a way whose request does not depend on anything.
func simple(name, want string, token int, method, path string, header map[string]string, body string) way {
	return way{name, want, func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.do(t, token, method, path, header, strings.NewReader(body))
		return got
	}}
}

var ways = []way{
	{"good", "right, 429 busy", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, b := h.infer(t, 0, part(t, 0, true), true)
		if got != "200" {
			return got
		}
		return checked(t, b)
	}},
	{"cut", "422 malformed", func(t *testing.T, h *hostile, r *rand.Rand) string {
		m := part(t, 0, true)
		got, _ := h.infer(t, 0, m[:r.IntN(len(m))], r.IntN(2) == 0)
		return got
	}},
	{"flipped", "422 malformed, 409 other-client-half, 404 key-unknown, 413 too-large, harmless", func(t *testing.T, h *hostile, r *rand.Rand) string {
		m := part(t, 0, true)
		at := r.IntN(len(m))
		m[at] ^= 1 << r.IntN(8)
		got, b := h.infer(t, 0, m, true)
		if got != "200" {
			return got
		}
		// The name of a stream is the client's own: another one is as good.
		if in, err := wire.Open(bytes.NewReader(m)); err == nil && in.Object().Message.Stream != (wire.StreamID{7}) && checked(t, b) == "right" {
			return "harmless"
		}
		return fmt.Sprintf("taken with a flip at byte %d", at)
	}},
	{"reordered", "422 malformed", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.infer(t, 0, append(part(t, 1, true), part(t, 0, false)...), true)
		return got
	}},
	{"repeated", "broken off, 429 busy", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.infer(t, 0, append(part(t, 0, false), part(t, 0, true)...), true)
		return got
	}},
	{"trailing", "broken off, 429 busy", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.infer(t, 0, append(part(t, 0, true), 1), true)
		return got
	}},
	{"too long, stated", "413 too-large", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.infer(t, 0, bytes.Repeat(part(t, 0, false), 5), true)
		return got
	}},
	{"too long, not stated", "broken off, 429 busy", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		var all []byte
		for i := range 6 {
			all = append(all, part(t, uint32(i), i == 5)...)
		}
		got, _ := h.infer(t, 0, all, false)
		return got
	}},
	{"noise", "422 malformed, 413 too-large", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.infer(t, 0, drawn(r, r.IntN(2000)), r.IntN(2) == 0)
		return got
	}},
	{"another tenant's keys", "404 key-unknown, 429 busy", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.infer(t, 1, part(t, 0, true), true)
		return got
	}},
	{"unknown keys", "404 key-unknown, 429 busy", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.infer(t, 0, message(t, tenantKey(1+r.IntN(1<<30)), wire.Message{Samples: 1, Last: true}), true)
		return got
	}},
	{"wrong token", "401 unauthorized", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.do(t, -1, "POST", "/v2/models/fake/infer", map[string]string{"Authorization": "Bearer qt_" + hex.EncodeToString(drawn(r, 20))}, bytes.NewReader(part(t, 0, true)))
		return got
	}},
	simple("no token", "401 unauthorized", -1, "GET", "/v1/keys", nil, ""),
	simple("a password", "401 unauthorized", -1, "GET", "/v2/models", map[string]string{"Authorization": "Basic eDp5"}, ""),
	simple("JSON", "415 content-type", 0, "POST", "/v2/models/fake/infer", map[string]string{"Content-Type": "application/json"}, `{"inputs":[]}`),
	simple("another model", "404 model-unknown", 0, "POST", "/v2/models/other/infer", nil, "x"),
	simple("a path above", "400 bad-request", 0, "PUT", "/v1/keys/..%2f..%2fetc%2fpasswd", nil, "x"),
	simple("a path above, not escaped", "301, 307, 404, 405", 0, "GET", "/v1/keys/../../../etc/passwd", nil, ""),
	simple("a model above", "404 model-unknown", 0, "GET", "/v2/models/%2e%2e%2f%2e%2e/client", nil, ""),
	simple("a model with a zero", "404 model-unknown", 0, "GET", "/v2/models/fake%00/client", nil, ""),
	simple("a hash in upper case", "400 bad-request", 0, "PUT", "/v1/keys/"+strings.Repeat("AB", 32), nil, "x"),
	simple("a short hash", "400 bad-request", 0, "DELETE", "/v1/keys/abcd", nil, ""),
	simple("another method", "405", 0, "PATCH", "/v1/keys/"+strings.Repeat("00", 32), nil, "x"),
	simple("a range that ends before", "400 bad-request", 0, "PUT", "/v1/keys/"+strings.Repeat("00", 32), map[string]string{"Content-Range": "bytes 5-4/9"}, "x"),
	simple("a range without end", "413 too-large", 0, "PUT", "/v1/keys/"+strings.Repeat("00", 32), map[string]string{"Content-Range": "bytes 0-0/9223372036854775807"}, "x"),
	simple("a range out of numbers", "400 bad-request", 0, "PUT", "/v1/keys/"+strings.Repeat("00", 32), map[string]string{"Content-Range": "bytes 0-0/99999999999999999999"}, "x"),
	simple("a range in the middle", "416 offset", 0, "PUT", "/v1/keys/"+strings.Repeat("01", 32), map[string]string{"Content-Range": "bytes 5-5/9"}, "x"),
	{"part of keys", "202, 507 quota", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.do(t, 1, "PUT", "/v1/keys/"+hex.EncodeToString(drawn(r, 32)), map[string]string{"Content-Range": fmt.Sprintf("bytes 0-9/%d", len(h.keys))}, bytes.NewReader(drawn(r, 10)))
		return got
	}},
	{"less than its range", "202, 507 quota", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.do(t, 1, "PUT", "/v1/keys/"+hex.EncodeToString(drawn(r, 32)), map[string]string{"Content-Range": fmt.Sprintf("bytes 0-99/%d", len(h.keys))}, bytes.NewReader(drawn(r, 10)))
		return got
	}},
	{"the wrong hash", "422 malformed, 507 quota", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.do(t, 1, "PUT", "/v1/keys/"+hex.EncodeToString(drawn(r, 32)), nil, bytes.NewReader(drawn(r, 1+r.IntN(1000))))
		return got
	}},
	{"damaged keys", "422 malformed, 507 quota", func(t *testing.T, h *hostile, r *rand.Rand) string {
		b := bytes.Clone(h.keys)
		b[128+r.IntN(len(b)-128)] ^= 1 << r.IntN(8)
		got, _ := h.do(t, 1, "PUT", fmt.Sprintf("/v1/keys/%x", sha(b)), nil, bytes.NewReader(b))
		return got
	}},
	{"many keys", "201, 200, 507 quota", func(t *testing.T, h *hostile, r *rand.Rand) string {
		var b bytes.Buffer
		if err := tenantKey(1+r.IntN(1000)).WriteEvaluationKeys(t.Context(), &b, nil); err != nil {
			t.Error(err)
		}
		got, _ := h.do(t, 1, "PUT", fmt.Sprintf("/v1/keys/%x", sha(b.Bytes())), nil, bytes.NewReader(b.Bytes()))
		return got
	}},
	{"keys again", "200", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.do(t, 0, "PUT", fmt.Sprintf("/v1/keys/%x", sha(h.keys)), nil, bytes.NewReader(h.keys))
		return got
	}},
	{"revoking nothing", "404 key-unknown", func(t *testing.T, h *hostile, r *rand.Rand) string {
		got, _ := h.do(t, 0, "DELETE", "/v1/keys/"+hex.EncodeToString(drawn(r, 32)), nil, nil)
		return got
	}},
	{"revoking another tenant's", "404 key-unknown", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		got, _ := h.do(t, 1, "DELETE", fmt.Sprintf("/v1/keys/%x", sha(h.keys)), nil, nil)
		return got
	}},
	{"hung up", "hung up", func(t *testing.T, h *hostile, r *rand.Rand) string {
		m := part(t, 0, true)
		return h.dial(t, fmt.Sprintf("POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", h.tokens[0], len(m), m[:r.IntN(len(m))]), true)
	}},
	{"no HTTP", "400", func(t *testing.T, h *hostile, r *rand.Rand) string {
		return h.dial(t, "\x16\x03\x01"+hex.EncodeToString(drawn(r, 50))+"\r\n\r\n", false)
	}},
	{"a large head", "431", func(t *testing.T, h *hostile, _ *rand.Rand) string {
		return h.dial(t, "GET /v2/models HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2<<20)+"\r\n\r\n", false)
	}},
	{"slow", "408, hung up", func(t *testing.T, h *hostile, r *rand.Rand) string {
		if r.IntN(20) > 0 { // each takes a second
			return "hung up"
		}
		return h.dial(t, fmt.Sprintf("POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\nx", h.tokens[0], wire.Size(16)), false)
	}},
}

// checked is "right" for the answer to the samples of message.
func checked(t *testing.T, b []byte) string {
	in, err := wire.Open(bytes.NewReader(b))
	if err != nil {
		return err.Error()
	}
	d, err := soakKey.Decrypt(t.Context(), in, nil)
	if err != nil {
		return err.Error()
	}
	if got := d.Answers.(he.Exact)[0].Small; got[0] != 3 || got[1] != -1 {
		return fmt.Sprintf("%v is wrong for 1 and 2", got)
	}
	return "right"
}
