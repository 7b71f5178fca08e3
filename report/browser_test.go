package report

import (
	"context"
	"fmt"
	"net/url"
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
)

// TestBrowser opens pages in headless Chromium, on a desk and on a phone, in
// both themes: nothing overflows, nothing is logged, nothing is loaded.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	whole := sample(t)
	float := sample(t)
	floatOnly(&float)
	part := sample(t)
	encryptFirst(&part, 20)
	for _, p := range []struct {
		name string
		in   Input
	}{{"whole", whole}, {"part", part}, {"float", float}, {"bare", Input{Report: whole.Report}}} {
		t.Run(p.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report.html")
			if err := os.WriteFile(path, []byte(build(t, p.in)), 0o600); err != nil {
				t.Fatal(err)
			}
			address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
			for _, width := range []int64{1280, 390} {
				for _, theme := range []string{"light", "dark"} {
					t.Run(fmt.Sprintf("%d-%s", width, theme), func(t *testing.T) { visit(t, ctx, address, width, theme) })
				}
			}
		})
	}
}

// facts is what a page says of itself.
type pageFacts struct {
	ScrollWidth, ClientWidth int64
	Broken                   int // pictures that did not decode
	Background               string
	Small                    float64 // font size of the smallest letters in charts, pixels
	Scripts                  int
}

const askPage = `(() => {
	const e = document.documentElement, smallest = [];
	for (const s of document.querySelectorAll("svg.chart")) {
		const scale = s.getBoundingClientRect().width / s.viewBox.baseVal.width;
		for (const t of s.querySelectorAll("text")) smallest.push(parseFloat(getComputedStyle(t).fontSize) * scale);
	}
	return {
		ScrollWidth: e.scrollWidth, ClientWidth: e.clientWidth,
		Broken: [...document.images].filter(i => !i.complete || i.naturalWidth == 0).length,
		Background: getComputedStyle(document.body).backgroundColor,
		Small: Math.min(...smallest), Scripts: document.scripts.length,
	};
})()`

func visit(t *testing.T, ctx context.Context, address string, width int64, theme string) {
	tab, cancel := chromedp.NewContext(ctx)
	defer cancel()
	var mu sync.Mutex
	var requests, complaints []string
	chromedp.ListenTarget(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			requests = append(requests, e.Request.URL)
		case *log.EventEntryAdded:
			complaints = append(complaints, string(e.Entry.Level)+": "+e.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			complaints = append(complaints, "console."+string(e.Type))
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Error())
		}
	})
	var f pageFacts
	err := chromedp.Run(tab,
		network.Enable(), log.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(width, 844, 1, width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}),
		chromedp.Navigate(address),
		chromedp.Evaluate(askPage, &f),
	)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if f.ClientWidth != width || f.ScrollWidth > f.ClientWidth {
		t.Errorf("the page is %d wide in a window of %d, want %d in %d", f.ScrollWidth, f.ClientWidth, width, width)
	}
	if want := map[string]string{"light": "rgb(251, 251, 250)", "dark": "rgb(18, 22, 27)"}[theme]; f.Background != want {
		t.Errorf("background %s, want %s: the style sheet is not in force", f.Background, want)
	}
	if f.Broken > 0 || f.Scripts > 0 {
		t.Errorf("%d broken pictures and %d scripts, want none", f.Broken, f.Scripts)
	}
	if f.Small < 7 { // raised exponents; other letters are larger
		t.Errorf("letters of %.1f pixels in a chart", f.Small)
	}
	for _, r := range requests {
		if r != address && !strings.HasPrefix(r, "data:") {
			t.Errorf("the page asked for %s", r)
		}
	}
	if len(requests) == 0 {
		t.Error("no request seen, not even that of the page")
	}
	for _, c := range complaints {
		t.Errorf("the browser says %s", c)
	}
}

// browser starts a headless browser that reaches no network. The test is skipped
// only where none is installed.
func browser(t *testing.T) context.Context {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no browser: none of chromium, chromium-browser and google-chrome is on the PATH")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.Flag("no-pings", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to run as root with one
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { chromedp.Cancel(ctx); cancel() })
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return ctx
}
