package main

import (
	"context"
	"iter"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/samples"
	"qtool/he"
	"qtool/he/roles"
	"qtool/serve/client"
)

// TestServeKilled kills a service with SIGKILL, again and again, while clients ask it and
// others bring keys, and starts it over the same store. Clients that ask again get the
// integer program's labels, of keys that were complete none is lost, and an upload that was
// cut goes on.
func TestServeKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills the command many times; left out with -short")
	}
	dir, qtool, _ := built(t, "")
	digits := absolute("he/choose/testdata/digits.qb")
	halves := exec.Command(qtool, "plan", "--bundle", digits, "--backend", "packed-ckks", "--client", "d.qbc", "--server", "d.qbs")
	halves.Dir = dir
	if out, err := halves.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // an address that stays the same
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	begin := func() *daemon {
		d, err := serveOn(qtool, dir, filepath.Join(dir, "serve.log"), "--server", "d.qbs", "--store", "keys", "--listen", address)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := begin()
	defer func() { _ = d.stop(os.Kill) }()

	const asked = 8
	inputs, want := digitInputs(t, digits, asked)
	c := &client.Client{URL: d.url}
	spec, err := c.Spec(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var stop atomic.Bool
	var right, broken, uploads atomic.Int64
	var sums sync.Map // of keys that the service has said to be complete
	var wg sync.WaitGroup
	bring := func() (he.Client, bool) {
		key, err := roles.NewClient(spec)
		if err != nil {
			t.Error(err)
			return nil, false
		}
		f, err := os.CreateTemp(dir, "keys-*")
		if err != nil {
			t.Error(err)
			return nil, false
		}
		defer f.Close()
		if err := key.WriteEvaluationKeys(ctx, f, nil); err != nil {
			t.Error(err)
			return nil, false
		}
		size, err := f.Seek(0, 2)
		if err != nil {
			t.Error(err)
			return nil, false
		}
		for ctx.Err() == nil {
			sum, err := c.UploadKeys(ctx, f, size, nil)
			if err == nil {
				sums.Store(sum, true)
				uploads.Add(1)
				return key, true
			}
		}
		return nil, false
	}
	for range 2 {
		wg.Go(func() {
			key, ok := bring()
			for n := 0; ok && !stop.Load() && ctx.Err() == nil; n++ {
				i := n % asked
				_, err := c.Ask(ctx, "d", key, spec.Samples(one(inputs[i])), func(_ int, d *he.Decrypted) error {
					if got := roles.Read(spec, d.Answers)[0]; !got.Undecided && got.Label != want[i] {
						t.Errorf("sample %d: label %v, want %s", i, got.Label, want[i])
					}
					return nil
				})
				if err == nil {
					right.Add(1)
				} else {
					broken.Add(1)
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() && ctx.Err() == nil {
			if _, ok := bring(); !ok {
				return
			}
		}
	})
	r := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		time.Sleep(time.Duration(200+r.IntN(1500)) * time.Millisecond)
		_ = d.stop(os.Kill)
		d = begin()
	}
	before := right.Load()
	for right.Load() < before+4 && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	if ctx.Err() != nil {
		t.Fatal("the clients did not come to an end")
	}
	there := map[string]bool{}
	all, err := c.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		there[k.SHA256] = k.Complete && k.KeyID != ""
	}
	sums.Range(func(sum, _ any) bool {
		if !there[sum.(string)] {
			t.Errorf("the keys %s are lost", sum)
		}
		return true
	})
	if right.Load() == 0 || broken.Load() == 0 {
		t.Errorf("%d answers, %d requests broken off: the service was not killed under load", right.Load(), broken.Load())
	}
	t.Logf("8 kills: %d answers right, %d requests broken off, %d sets of keys brought", right.Load(), broken.Load(), uploads.Load())
}

// digitInputs are the first test samples of digits as tensors, and the labels that the
// integer program of a bundle gives them.
func digitInputs(t *testing.T, path string, n int) (tensors [][]float32, labels []string) {
	t.Helper()
	f, err := bundle.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := samples.Test(t.Context(), "digits", f.Encoder, datasets.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	run, err := bundle.NewRunner(f.Program)
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range all.All {
		if err != nil {
			t.Fatal(err)
		}
		out, err := run.Run(f.Program.Input.Sample(x).Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, slices.Clone(x))
		labels = append(labels, f.Program.Labels[f.Program.Output().Argmax(out)])
		if len(tensors) == n {
			break
		}
	}
	return tensors, labels
}

// one is a stream of one tensor.
func one(x []float32) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) { yield(x, nil) }
}
