package page_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/choose"
	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/serve"
	"qtool/serve/keystore"
	"qtool/serve/page"
)

// TestPage draws a digit in headless Chromium, with the keyboard and on a phone's width,
// and records all that leaves the page: it is the client half, evaluation keys and
// ciphertexts, of their exact sizes, and neither the sample nor the secret key. The label
// that the page shows is the integer reference's for the pixels that it encrypted.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it builds WebAssembly and starts a browser")
	}
	if browserPath() == "" {
		t.Skip("no browser: none of chromium, chromium-browser and google-chrome is on the PATH")
	}
	built, err := page.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	f, err := bundle.ReadFile("../../he/choose/testdata/digits.qb")
	if err != nil {
		t.Fatal(err)
	}
	url, spec := service(t, f, serve.Options{Page: built})
	tab, cancel := chromedp.NewContext(ctx)
	defer cancel()
	var mu sync.Mutex
	var complaints []string
	var requests []*network.Request
	chromedp.ListenTarget(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			requests = append(requests, e.Request)
		case *log.EventEntryAdded:
			complaints = append(complaints, string(e.Entry.Level)+": "+e.Entry.Text)
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Error())
		}
	})
	var label, pixels, status string
	var width, wide int64
	keys := kb.ArrowLeft + kb.ArrowUp + kb.ArrowUp + kb.ArrowUp + kb.ArrowUp + kb.ArrowUp + kb.ArrowUp + kb.ArrowUp + " " +
		strings.Repeat(kb.ArrowDown, 15) + " "
	err = chromedp.Run(tab,
		network.Enable().WithMaxPostDataSize(1<<30), log.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(390, 844, 1, true),
		chromedp.Navigate(url+"/"),
		chromedp.WaitVisible("#pad"),
		say(t, "the page is there"),
		chromedp.Poll(`!document.getElementById("go").disabled`, nil, chromedp.WithPollingTimeout(2*time.Minute)),
		say(t, "ready to ask"),
		chromedp.SendKeys("#pad", keys),
		chromedp.Evaluate(`btoa(String.fromCharCode(...pixels()))`, &pixels),
		chromedp.SendKeys("#go", kb.Enter),
		chromedp.Poll(`document.getElementById("label").textContent || !document.getElementById("error").hidden`, nil, chromedp.WithPollingTimeout(2*time.Minute)),
		say(t, "answered"),
		chromedp.Evaluate(`document.getElementById("status").textContent + document.getElementById("error").textContent`, &status),
		chromedp.Evaluate(`document.getElementById("label").textContent`, &label),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &width),
		chromedp.Evaluate(`document.documentElement.clientWidth`, &wide),
	)
	if err != nil {
		t.Fatalf("%v; status %q; the browser says %q", err, status, complaints)
	}
	sample, err := base64.StdEncoding.DecodeString(pixels)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := f.Sample(sample)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := bundle.NewRunner(f.Program)
	if err != nil {
		t.Fatal(err)
	}
	logits, err := runner.Run(codes.Vec(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := f.Program.Labels[f.Program.Output().Argmax(logits)]; strings.TrimSuffix(label, " (undecided: the two best are too close)") != want {
		t.Errorf("the page shows %q, the integer reference says %q; status %q", label, want, status)
	}
	if width > wide {
		t.Errorf("the page is %d wide in a window of %d", width, wide)
	}
	if dir := os.Getenv("QTOOL_SCREENSHOTS"); dir != "" {
		for name, wide := range map[string]int64{"phone": 390, "desktop": 1100} {
			var picture []byte
			if err := chromedp.Run(tab, emulation.SetDeviceMetricsOverride(wide, 844, 1, name == "phone"), chromedp.FullScreenshot(&picture, 100)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		t.Errorf("the browser says %s", c)
	}
	sent := map[string]int{}
	for _, r := range requests {
		if !strings.HasPrefix(r.URL, url) && !strings.HasPrefix(r.URL, "data:") {
			t.Errorf("the page asked for %s", r.URL)
		}
		var body []byte
		for _, e := range r.PostDataEntries {
			b, err := base64.StdEncoding.DecodeString(e.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			body = append(body, b...)
		}
		if len(body) == 0 {
			continue
		}
		sent[r.Method]++
		if bytes.Contains(body, sample) {
			t.Errorf("%s %s has the sample", r.Method, r.URL)
		}
		if r.Method == "POST" {
			in, err := wire.Open(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if o := in.Object(); o.Kind != wire.Inputs || int64(len(body)) != wire.Size(spec.Sizes.Inputs) {
				t.Errorf("the page sent a %v of %d bytes, want inputs of %d", o.Kind, len(body), wire.Size(spec.Sizes.Inputs))
			}
		}
	}
	if sent["POST"] != 1 {
		t.Errorf("bodies sent: %v, want one sample", sent)
	}
}

// say logs how far the browser is.
func say(t *testing.T, what string) chromedp.Action {
	return chromedp.ActionFunc(func(context.Context) error { t.Log(what); return nil })
}

// service serves a bundle by the packed back end.
func service(t *testing.T, f *bundle.File, o serve.Options) (string, *he.ClientSpec) {
	t.Helper()
	plan, err := choose.New(t.Context(), f.Program, choose.Options{Backend: "packed-ckks"})
	if err != nil {
		t.Fatal(err)
	}
	halves, ok := plan.Backend.(he.Halves)
	if !ok {
		t.Fatalf("a plan of type %T", plan.Backend)
	}
	spec, half, err := roles.Split(f, halves)
	if err != nil {
		t.Fatal(err)
	}
	m, err := serve.NewModel(t.Context(), "digits", half)
	if err != nil {
		t.Fatal(err)
	}
	if o.Keys, err = keystore.Open(keystore.Options{Dir: t.TempDir(), Cache: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	s, err := serve.New([]*serve.Model{m}, o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL, spec
}

// browserPath is a browser that is installed; "" for none.
func browserPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}

// browser starts a headless browser that reaches this machine alone.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := browserPath()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("no-pings", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root with one
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() { chromedp.Cancel(ctx); cancel() })
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(fmt.Errorf("%s does not start: %w", path, err))
	}
	return ctx
}
