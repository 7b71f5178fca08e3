package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/wire"
	"qtool/serve/client"
	"qtool/serve/keystore"
)

// running is a service under test.
type running struct {
	*Service
	url   string
	store string
	http  *httptest.Server
}

func start(t testing.TB, o Options, store keystore.Options, models ...*Model) *running {
	t.Helper()
	if store.Dir == "" {
		store.Dir = filepath.Join(t.TempDir(), "keys")
	}
	if store.Cache == 0 {
		store.Cache = 1 << 30
	}
	var err error
	if o.Keys, err = keystore.Open(store); err != nil {
		t.Fatal(err)
	}
	if len(models) == 0 {
		models = []*Model{fakeModel(t, "fake", 0)}
	}
	s, err := New(models, o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &running{s, h.URL, store.Dir, h}
}

func (r *running) client(token string) *client.Client {
	return &client.Client{URL: r.url, Token: token}
}

func samples(pairs ...[2]int32) iter.Seq2[bundle.Sample, error] {
	return func(yield func(bundle.Sample, error) bool) {
		for _, p := range pairs {
			if !yield(bundle.Sample{p[0], p[1]}, nil) {
				return
			}
		}
	}
}

func upload(t testing.TB, c *client.Client, key he.Client) string {
	t.Helper()
	var b bytes.Buffer
	if err := key.WriteEvaluationKeys(t.Context(), &b, nil); err != nil {
		t.Fatal(err)
	}
	sum, err := c.UploadKeys(t.Context(), bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// ask wants the right sums of some pairs.
func ask(ctx context.Context, c *client.Client, model string, key he.Client, pairs ...[2]int32) error {
	n, err := c.Ask(ctx, model, key, samples(pairs...), func(first int, d *he.Decrypted) error {
		got := d.Answers.(he.Exact)[0].Small
		if p := pairs[first]; got[0] != int64(p[0]+p[1]) || got[1] != int64(p[0]-p[1]) {
			return fmt.Errorf("sample %d: %v of %v", first, got, p)
		}
		return nil
	})
	if err == nil && n != len(pairs) {
		err = fmt.Errorf("%d answers to %d samples", n, len(pairs))
	}
	return err
}

// code is the code of a problem in an error.
func code(err error) string {
	var e *client.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %s", e.Status, e.Code())
	}
	return fmt.Sprint(err)
}

func TestAnswers(t *testing.T) {
	s := start(t, Options{}, keystore.Options{})
	c, key := s.client(""), tenantKey(1)
	infos, err := c.Models(t.Context())
	if err != nil || len(infos) != 1 || infos[0].Name != "fake" || infos[0].Bytes.Inputs != wire.Size(16) {
		t.Fatalf("models %+v, %v", infos, err)
	}
	spec, err := c.Spec(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := spec.Hash(); err != nil || hash != fakeHash {
		t.Errorf("the client half has hash %x, %v", hash, err)
	}
	if err := ask(t.Context(), c, "fake", key, [2]int32{3, 4}); code(err) != "404 key-unknown" {
		t.Errorf("without keys: %v", err)
	}
	sum := upload(t, c, key)
	if err := ask(t.Context(), c, "fake", key, [2]int32{3, 4}, [2]int32{200, 100}, [2]int32{0, 255}); err != nil {
		t.Error(err)
	}
	if err := ask(t.Context(), c, "other", key, [2]int32{3, 4}); code(err) != "404 model-unknown" {
		t.Errorf("another model: %v", err)
	}
	if err := c.DeleteKeys(t.Context(), sum); err != nil {
		t.Error(err)
	}
	if err := ask(t.Context(), c, "fake", key, [2]int32{3, 4}); code(err) != "404 key-unknown" {
		t.Errorf("with revoked keys: %v", err)
	}
	if err := c.DeleteKeys(t.Context(), sum); code(err) != "404 key-unknown" {
		t.Errorf("keys revoked twice: %v", err)
	}
}

// Keys of many tenants, under a cache that holds a quarter of them, are never mixed up,
// and survive the service.
func TestTenants(t *testing.T) {
	const tenants = 200
	dir := t.TempDir()
	tokens, list := filepath.Join(dir, "tokens"), ""
	secrets := make([]string, tenants)
	for i := range secrets {
		secret, line, err := NewToken(fmt.Sprintf("tenant-%d", i), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		secrets[i], list = secret, list+line+"\n"
	}
	if err := os.WriteFile(tokens, []byte("# tenants\n\n"+list), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := OpenTokens(tokens)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Tokens: all}
	store := keystore.Options{Dir: filepath.Join(dir, "store"), Cache: tenants / 4 * 8 * keyWords}
	s := start(t, o, store)
	for i, secret := range secrets {
		upload(t, s.client(secret), tenantKey(i))
	}
	rounds := func(s *running) {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := w; i < tenants; i += 2 {
					if err := ask(t.Context(), s.client(secrets[i]), "fake", tenantKey(i), [2]int32{int32(i), 7}); err != nil {
						t.Errorf("tenant %d: %v", i, err)
					}
				}
			})
		}
		wg.Wait()
	}
	rounds(s)
	if n, _ := s.Keys.Cached(); n > tenants/4 {
		t.Errorf("%d keys in memory, the limit is %d", n, tenants/4)
	}
	if err := ask(t.Context(), s.client(secrets[1]), "fake", tenantKey(2), [2]int32{1, 1}); code(err) != "404 key-unknown" {
		t.Errorf("the keys of another tenant: %v", err)
	}
	if err := ask(t.Context(), s.client(""), "fake", tenantKey(2), [2]int32{1, 1}); code(err) != "401 unauthorized" {
		t.Errorf("no token: %v", err)
	}
	s.http.Close()
	rounds(start(t, o, store))
}

func TestTokenTimes(t *testing.T) {
	now := time.Now()
	line := func(words string) error {
		path := filepath.Join(t.TempDir(), "tokens")
		secret, plain, err := NewToken("a", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(plain+" "+words+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := OpenTokens(path)
		if err != nil {
			return err
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		_, err = all.tenant(r, now)
		return err
	}
	for words, wanted := range map[string]string{
		"": "",
		"until=" + now.Add(time.Hour).Format(time.RFC3339):       "",
		"until=" + now.Add(-30*time.Second).Format(time.RFC3339): "", // clocks differ
		"until=" + now.Add(-time.Hour).Format(time.RFC3339):      "held until",
		"from=" + now.Add(30*time.Second).Format(time.RFC3339):   "",
		"from=" + now.Add(time.Hour).Format(time.RFC3339):        "holds from",
		"from=yesterday": "tokens:1",
		"forever":        "forever",
	} {
		err := line(words)
		if wanted == "" && err != nil || wanted != "" && (err == nil || !strings.Contains(err.Error(), wanted)) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

// raw sends a body and gives the status and code of the answer.
func (r *running) raw(t testing.TB, method, path string, header map[string]string, body io.Reader) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		q.Header.Set(k, v)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return "broken off"
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return "broken off"
	}
	if a.StatusCode < 400 {
		return fmt.Sprint(a.StatusCode)
	}
	_, c, _ := strings.Cut(string(b), `"urn:qtool:`)
	c, _, _ = strings.Cut(c, `"`)
	return fmt.Sprintf("%d %s", a.StatusCode, c)
}

// message is an object of inputs.
func message(t testing.TB, key fakeClient, m wire.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := key.Encrypt(t.Context(), []bundle.Sample{{1, 2}}, m, &b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is swapped, repeated, cut, reordered, too large or of another kind is refused with
// its code, and the service goes on.
func TestHostileBodies(t *testing.T) {
	for _, inMemory := range []int64{mostInMemory, 0} {
		t.Run(fmt.Sprint(inMemory), func(t *testing.T) { hostileBodies(t, inMemory) })
	}
}

// hostileBodies sends them to a service that keeps messages up to a size in memory.
func hostileBodies(t *testing.T, inMemory int64) {
	s := start(t, Options{Messages: 4}, keystore.Options{})
	s.inMemory = inMemory
	c, key, other := s.client(""), tenantKey(1), tenantKey(2)
	upload(t, c, key)
	at := func(i uint32, last bool) []byte {
		return message(t, key, wire.Message{Stream: wire.StreamID{1}, Index: i, Samples: 1, Last: last})
	}
	stream := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	good := stream(at(0, false), at(1, true))
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	foreign := bytes.Clone(at(0, true))
	var keys bytes.Buffer
	if err := key.WriteEvaluationKeys(t.Context(), &keys, nil); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		body []byte
		want string
	}{
		"good":             {good, "200"},
		"nothing":          {nil, "422 malformed"},
		"text":             {[]byte("hello, hello, hello"), "422 malformed"},
		"version 1":        {[]byte("qtoolpck\x01 and so on"), "422 malformed"},
		"cut":              {at(0, true)[:100], "422 malformed"},
		"last is missing":  {at(0, false), "broken off"},
		"flipped":          {flip(at(0, true), len(foreign)-40), "422 malformed"},
		"flipped head":     {flip(at(0, true), 50), "422 malformed"},
		"repeated":         {stream(at(0, false), at(0, true)), "broken off"},
		"begins late":      {at(1, true), "422 malformed"},
		"goes on":          {stream(at(0, true), at(1, true)), "broken off"},
		"too many":         {stream(at(0, false), at(1, false), at(2, false), at(3, false), at(4, true)), "413 too-large"},
		"other key":        {message(t, other, wire.Message{Samples: 1, Last: true}), "404 key-unknown"},
		"keys as inputs":   {keys.Bytes(), "413 too-large"},
		"too many samples": {message(t, key, wire.Message{Samples: 2, Last: true}), "422 malformed"},
		"no samples":       {message(t, key, wire.Message{Last: true}), "422 malformed"},
	} {
		if got := s.raw(t, "POST", "/v2/models/fake/infer", map[string]string{"Content-Type": "application/octet-stream"}, bytes.NewReader(test.body)); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if got := s.raw(t, "POST", "/v2/models/fake/infer", map[string]string{"Content-Type": "application/json"}, strings.NewReader(`{"inputs":[]}`)); got != "415 content-type" {
		t.Errorf("JSON: %s", got)
	}
	spec := fakeHash
	spec[0] ^= 1
	var b bytes.Buffer
	w := wire.Create(&b, wire.Object{Kind: wire.Inputs, Spec: spec, Key: key.id, Message: wire.Message{Samples: 1, Last: true}, Length: 16})
	w.Words64([]uint64{1, 2})
	if _, err := w.End(); err != nil {
		t.Fatal(err)
	}
	if got := s.raw(t, "POST", "/v2/models/fake/infer", nil, &b); got != "409 other-client-half" {
		t.Errorf("another client half: %s", got)
	}
	if err := ask(t.Context(), c, "fake", key, [2]int32{3, 4}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if n := s.waiting.Load(); n != 0 {
		t.Errorf("%d messages wait still", n)
	}
}

func TestKeyUploads(t *testing.T) {
	s := start(t, Options{}, keystore.Options{Quota: 4 * 8 * keyWords})
	c, key := s.client(""), tenantKey(1)
	var b bytes.Buffer
	if err := key.WriteEvaluationKeys(t.Context(), &b, nil); err != nil {
		t.Fatal(err)
	}
	all := b.Bytes()
	sum := keystore.Sum(sha(all))
	path := "/v1/keys/" + sum.String()
	part := func(from, to int) string {
		return s.raw(t, "PUT", path, map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(all))}, bytes.NewReader(all[from:to]))
	}
	for _, step := range []struct{ got, want string }{
		{s.raw(t, "HEAD", path, nil, nil), "404 "},
		{part(0, 1000), "202"},
		{part(0, 1000), "416 offset"},
		{part(2000, 3000), "416 offset"},
		{part(1000, 5000), "202"},
	} {
		if step.got != step.want {
			t.Errorf("%s, want %s", step.got, step.want)
		}
	}
	if n, err := c.Arrived(t.Context(), sum.String()); n != 5000 || err != nil {
		t.Errorf("%d bytes have arrived, %v", n, err)
	}
	// A connection that breaks leaves what came.
	body, to := io.Pipe()
	go func() {
		_, _ = to.Write(all[5000:9000])
		_ = to.CloseWithError(errors.New("the line is cut"))
	}()
	_ = s.raw(t, "PUT", path, map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", 5000, len(all)-1, len(all))}, body)
	if _, err := c.UploadKeys(t.Context(), bytes.NewReader(all), int64(len(all)), nil); err != nil {
		t.Fatal(err)
	}
	if err := ask(t.Context(), c, "fake", key, [2]int32{3, 4}); err != nil {
		t.Error(err)
	}
	if got := part(0, len(all)); got != "200" {
		t.Errorf("the same keys again: %s", got)
	}
	damaged := bytes.Clone(all)
	damaged[len(damaged)/2] ^= 1
	put := func(b []byte) string {
		return s.raw(t, "PUT", fmt.Sprintf("/v1/keys/%x", sha(b)), nil, bytes.NewReader(b))
	}
	bad := bytes.Clone(all) // a residue that is not reduced, with the right checks
	var forged bytes.Buffer
	w := wire.Create(&forged, wire.Object{Kind: wire.EvaluationKeys, Spec: fakeHash, Key: key.id, Length: 8 * keyWords})
	words := make([]uint64, keyWords)
	words[keyWords/2] = 1 << 40
	w.Words64(words)
	if _, err := w.End(); err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]struct{ got, want string }{
		"damaged":     {put(damaged), "422 malformed"},
		"not reduced": {put(forged.Bytes()), "422 malformed"},
		"short":       {put(all[:len(all)-1]), "422 malformed"},
		"inputs":      {put(message(t, key, wire.Message{Samples: 1, Last: true})), "422 malformed"},
		"empty":       {put(nil), "422 malformed"},
		"too large":   {put(append(bad, 0)), "413 too-large"},
		"wrong hash":  {s.raw(t, "PUT", "/v1/keys/"+strings.Repeat("00", 32), nil, bytes.NewReader(all)), "422 malformed"},
		"no hash":     {s.raw(t, "PUT", "/v1/keys/..%2f..%2fetc", nil, bytes.NewReader(all)), "400 bad-request"},
		"bad range":   {s.raw(t, "PUT", path, map[string]string{"Content-Range": "bytes 5-4/3"}, bytes.NewReader(all)), "400 bad-request"},
	} {
		if step.got != step.want {
			t.Errorf("%s: %s, want %s", name, step.got, step.want)
		}
	}
	if left, err := s.Keys.List(LocalTenant); err != nil || len(left) != 1 {
		t.Errorf("%d sets of keys are left, %v", len(left), err)
	}
	for i := range 3 {
		var b bytes.Buffer // its own, as a request that was refused may be read still
		if err := tenantKey(i+10).WriteEvaluationKeys(t.Context(), &b, nil); err != nil {
			t.Fatal(err)
		}
		if got, want := put(b.Bytes()), []string{"201", "201", "507 quota"}[i]; got != want {
			t.Errorf("keys %d: %s, want %s", i+2, got, want)
		}
	}
}

func sha(b []byte) [32]byte { return sha256.Sum256(b) }

// A body that comes too slowly is given up, and takes no turn from others.
func TestSlowBody(t *testing.T) {
	s := start(t, Options{Idle: 50 * time.Millisecond}, keystore.Options{})
	key := tenantKey(1)
	upload(t, s.client(""), key)
	u := strings.TrimPrefix(s.url, "http://")
	var all []net.Conn
	for range 20 {
		c, err := net.Dial("tcp", u)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /v2/models/fake/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nx", wire.Size(16))
		all = append(all, c)
	}
	if err := ask(t.Context(), s.client(""), "fake", key, [2]int32{3, 4}); err != nil {
		t.Errorf("beside slow ones: %v", err)
	}
	for _, c := range all {
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(b), "HTTP/1.1 408 ") {
			t.Errorf("a slow body: %.60q", b)
		}
	}
}

// More messages than the queue holds are turned away with a time; deadlines and a stop
// are kept.
func TestBusyDeadlineDrain(t *testing.T) {
	s := start(t, Options{Queue: 2, Timeout: 100 * time.Millisecond}, keystore.Options{}, fakeModel(t, "slow", time.Hour), fakeModel(t, "quick", 30*time.Millisecond))
	c, key := s.client(""), tenantKey(1)
	upload(t, c, key)
	if err := ask(t.Context(), c, "slow", key, [2]int32{1, 2}); code(err) != "504 deadline" {
		t.Errorf("an evaluation without end: %v", err)
	}
	var wg sync.WaitGroup
	counts := map[string]int{}
	var mu sync.Mutex
	for range 12 {
		wg.Go(func() {
			err := ask(context.WithoutCancel(t.Context()), c, "quick", key, [2]int32{1, 2})
			mu.Lock()
			defer mu.Unlock()
			counts[code(err)]++
		})
	}
	wg.Wait()
	if counts["<nil>"] < 3 || counts["429 busy"] == 0 || counts["<nil>"]+counts["429 busy"] != 12 {
		t.Errorf("12 at once: %v", counts)
	}
	patient := s.client("")
	patient.Retry = 1
	done := make(chan error)
	go func() { done <- ask(t.Context(), patient, "quick", key, [2]int32{1, 2}, [2]int32{3, 4}) }()
	time.Sleep(10 * time.Millisecond)
	if err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	<-done // finished, or turned away: never half
	if got := s.raw(t, "GET", "/v2/health/ready", nil, nil); got != "503 draining" {
		t.Errorf("ready: %s", got)
	}
	if got := s.raw(t, "GET", "/v2/health/live", nil, nil); got != "200" {
		t.Errorf("live: %s", got)
	}
}

func TestMetrics(t *testing.T) {
	s := start(t, Options{}, keystore.Options{})
	c, key := s.client(""), tenantKey(1)
	upload(t, c, key)
	if err := ask(t.Context(), c, "fake", key, [2]int32{3, 4}, [2]int32{3, 5}); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Metrics().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`qtool_samples_total{model="fake"} 2`, `qtool_evaluation_seconds_count{model="fake"} 2`, "qtool_cached_keys 1",
		`qtool_requests_total{endpoint="POST /v2/models/{model}/infer",problem="",status="200"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// The heads of objects decide no memory.
func FuzzInfer(f *testing.F) {
	s := start(f, Options{}, keystore.Options{})
	key := tenantKey(1)
	upload(f, s.client(""), key)
	f.Add(message(f, key, wire.Message{Samples: 1, Last: true}))
	f.Add(append(message(f, key, wire.Message{Samples: 1}), message(f, key, wire.Message{Index: 1, Samples: 1, Last: true})...))
	long := message(f, key, wire.Message{Samples: 1, Last: true})
	binary.LittleEndian.PutUint64(long[84:], 1<<40)
	f.Add(long)
	f.Fuzz(func(t *testing.T, b []byte) {
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					panic(p)
				}
			}()
			s.ServeHTTP(w, httptest.NewRequest("POST", "/v2/models/fake/infer", bytes.NewReader(b)))
		}()
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s", w.Body)
		}
	})
}
