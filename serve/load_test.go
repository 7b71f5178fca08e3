package serve

import (
	"fmt"
	"iter"
	"os"
	"sync"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/roles"
	"qtool/serve/keystore"
)

// TestLoad has four clients, each with a key of its own, ask one service at once and wants
// every answer to be the integers' own, no error, and in the end the memory of the first
// fifth of the time. QTOOL_LOAD says how long, a second if it is not set, and
// QTOOL_LOAD_BUNDLE of which bundle, that of the digits if it is not set.
func TestLoad(t *testing.T) {
	lasts, path := time.Second, "../he/choose/testdata/digits.qb"
	if text := os.Getenv("QTOOL_LOAD"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil || lasts < time.Second {
			t.Fatalf("QTOOL_LOAD=%s, want a duration of at least 1s", text)
		}
	} else if testing.Short() {
		t.Skip("short: seconds of encrypted requests")
	}
	if text := os.Getenv("QTOOL_LOAD_BUNDLE"); text != "" {
		path = text
	}
	f, err := bundle.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, spec := benchModel(t, f)
	s := start(t, Options{}, keystore.Options{}, m)
	load := &load{running: s, program: f.Program, model: m.Name}
	runner, err := bundle.NewRunner(f.Program)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range f.Golden.Inputs {
		out, err := runner.Run(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		sample := make(bundle.Sample, in.Len())
		for i, x := range in.Small {
			sample[i] = int32(x)
		}
		load.samples, load.labels = append(load.samples, sample), append(load.labels, f.Program.Output().Argmax(out))
	}
	for range 4 {
		key, err := roles.NewClient(spec)
		if err != nil {
			t.Fatal(err)
		}
		upload(t, s.client(""), key)
		load.keys = append(load.keys, key)
	}
	load.until(t, time.Now().Add(lasts/5))
	before, first := inUse(), load.asked
	load.until(t, time.Now().Add(lasts-lasts/5))
	after := inUse()
	t.Logf("%d answers in %v, %d undecided; heap in use %d KiB, %d KiB after the first %d answers", load.asked, lasts, load.undecided, after>>10, before>>10, first)
	// Buckets of maps and buffers of connections are no leak: 1 MiB is allowed for them.
	if limit := max(before+before/20, before+1<<20); after > limit {
		t.Errorf("heap in use %d bytes after %d answers, %d after the first %d", after, load.asked, before, first)
	}
	if load.asked == 0 {
		t.Error("no answer")
	}
}

// load is clients of one model and what they were answered.
type load struct {
	*running
	program *bundle.Program
	model   string
	keys    []he.Client
	samples []bundle.Sample
	labels  []int // of the integers

	mu               sync.Mutex
	asked, undecided int
}

// until has every client ask, one request after the other, to a point in time.
func (l *load) until(t *testing.T, end time.Time) {
	t.Helper()
	var wg sync.WaitGroup
	for w, key := range l.keys {
		wg.Go(func() {
			for i := w; time.Now().Before(end); i++ {
				if err := l.one(t, key, i%len(l.samples)); err != nil {
					t.Errorf("client %d: %v", w, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// one asks for sample i and wants its label.
func (l *load) one(t *testing.T, key he.Client, i int) error {
	one := func(yield func(bundle.Sample, error) bool) { yield(l.samples[i], nil) }
	_, err := l.client("").Ask(t.Context(), l.model, key, iter.Seq2[bundle.Sample, error](one), func(_ int, d *he.Decrypted) error {
		a := d.Answers.(he.Approximate)
		undecided := a.Undecided(l.program.Output(), 0)
		if label := a.Label(l.program.Output(), 0); label != l.labels[i] && !undecided {
			return fmt.Errorf("sample %d: label %d, the integers' is %d", i, label, l.labels[i])
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.asked++
		if undecided {
			l.undecided++
		}
		return nil
	})
	return err
}
