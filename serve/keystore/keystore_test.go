package keystore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"qtool/he"
	"qtool/he/wire"
)

const tenant = "hospital-a"

// plain are keys that are their bytes.
type plain struct {
	name Name
	size int64
}

func (p plain) KeyID() wire.KeyID { return p.name.Key }
func (p plain) Bytes() int64      { return p.size }

// object is n bytes whose first says what they are good for, and their hash.
func object(first byte, n int) ([]byte, Sum) {
	b := bytes.Repeat([]byte{first}, n)
	return b, sha256.Sum256(b)
}

func nameOf(first byte) (n Name) {
	n.Spec[0], n.Key[0] = 1, first
	return n
}

// read is the Check and the load of plain keys; those that begin with '!' are refused.
func read(_ context.Context, r io.Reader) (Name, he.Keys, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return Name{}, nil, err
	}
	if b[0] == '!' {
		return Name{}, nil, errRefused
	}
	return nameOf(b[0]), plain{nameOf(b[0]), int64(len(b))}, nil
}

func load(ctx context.Context, r io.Reader) (he.Keys, error) {
	_, keys, err := read(ctx, r)
	return keys, err
}

var errRefused = errors.New("these keys are refused")

func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "keys")
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put sends all of an object at once.
func put(t *testing.T, s *Store, of string, b []byte) error {
	t.Helper()
	_, err := s.Put(t.Context(), of, sha256.Sum256(b), 0, int64(len(b)), bytes.NewReader(b), read)
	return err
}

// acquire reads the keys of a name and gives them back.
func acquire(t *testing.T, s *Store, of string, first byte) error {
	t.Helper()
	keys, release, err := s.Acquire(t.Context(), of, nameOf(first), load)
	if err != nil {
		return err
	}
	defer release()
	if keys.KeyID() != nameOf(first).Key {
		return fmt.Errorf("keys of %x for %x", keys.KeyID(), nameOf(first).Key)
	}
	return nil
}

// files are all in a store's folder, below it.
func files(t *testing.T, s *Store) (all []string) {
	t.Helper()
	err := filepath.WalkDir(s.Dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path, err = filepath.Rel(s.Dir, path)
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What two processes do with one folder: either goes on with the other's upload, both use
// the keys, and what one revokes the other no longer has, even in memory.
func TestTwoStores(t *testing.T) {
	a := open(t, Options{Cache: 1 << 20})
	b := open(t, Options{Cache: 1 << 20, Dir: a.Dir})
	all, sum := object('k', 1000)
	if i, err := a.Put(t.Context(), tenant, sum, 0, 1000, bytes.NewReader(all[:400]), read); err != nil || i.Arrived != 400 {
		t.Fatalf("%+v, %v", i, err)
	}
	if i, err := b.Status(tenant, sum); err != nil || i.Arrived != 400 || i.Length != 1000 {
		t.Fatalf("%+v, %v", i, err)
	}
	if _, err := a.Put(t.Context(), tenant, sum, 300, 1000, bytes.NewReader(all[300:]), read); !errors.Is(err, ErrOffset) {
		t.Errorf("bytes again: %v", err)
	}
	if _, err := a.Put(t.Context(), tenant, sum, 400, 2000, bytes.NewReader(all[400:]), read); !errors.Is(err, ErrOffset) {
		t.Errorf("another length: %v", err)
	}
	if i, err := b.Put(t.Context(), tenant, sum, 400, 1000, bytes.NewReader(all[400:]), read); err != nil || !i.Complete() {
		t.Fatalf("%+v, %v", i, err)
	}
	for _, s := range []*Store{a, b, open(t, Options{Dir: a.Dir})} {
		if err := acquire(t, s, tenant, 'k'); err != nil {
			t.Error(err)
		}
		if err := acquire(t, s, "hospital-b", 'k'); !errors.Is(err, ErrUnknown) {
			t.Errorf("another tenant: %v", err)
		}
	}
	if err := a.Delete(tenant, sum); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{a, b} {
		if err := acquire(t, s, tenant, 'k'); !errors.Is(err, ErrUnknown) {
			t.Errorf("after they were revoked: %v", err)
		}
	}
	if left := files(t, a); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

// Many requests of two processes send the same keys at once, each as a client does that
// goes on where the service is: the keys are there once, and right.
func TestConcurrentUploads(t *testing.T) {
	a := open(t, Options{Cache: 1 << 20})
	stores := []*Store{a, open(t, Options{Dir: a.Dir})}
	all, sum := object('k', 1<<16)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for s := stores[w%2]; t.Context().Err() == nil; {
				i, err := s.Status(tenant, sum)
				if err != nil && !errors.Is(err, ErrUnknown) {
					t.Error(err)
					return
				}
				if err == nil && i.Complete() {
					return
				}
				end := min(i.Arrived+5000, int64(len(all)))
				_, err = s.Put(t.Context(), tenant, sum, i.Arrived, int64(len(all)), bytes.NewReader(all[i.Arrived:end]), read)
				if err != nil && !errors.Is(err, ErrOffset) && !strings.Contains(err.Error(), "in use by another process") {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, s := range stores {
		if list, err := s.List(tenant); err != nil || len(list) != 1 || !list[0].Complete() || len(list[0].Names) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if err := acquire(t, s, tenant, 'k'); err != nil {
			t.Error(err)
		}
		if n := len(s.active.all); n != 0 {
			t.Errorf("%d uploads are active still", n)
		}
	}
}

// What is wrong leaves nothing; what is cut leaves what came; what did not come leaves no
// file.
func TestFailingBodies(t *testing.T) {
	s := open(t, Options{Quota: 2000})
	all, sum := object('k', 1000)
	cut := errors.New("the line is cut")
	body := func(n int, err error) io.Reader {
		return io.MultiReader(bytes.NewReader(all[:n]), iotest.ErrReader(err))
	}
	if i, err := s.Put(t.Context(), tenant, sum, 0, 1000, body(0, cut), read); !errors.Is(err, cut) || i.Arrived != 0 || len(files(t, s)) != 0 {
		t.Errorf("cut at once: %+v, %v, %v is left", i, err, files(t, s))
	}
	if i, err := s.Put(t.Context(), tenant, sum, 0, 1000, body(300, cut), read); !errors.Is(err, cut) || i.Arrived != 300 {
		t.Errorf("cut: %+v, %v", i, err)
	}
	if err := acquire(t, s, tenant, 'k'); !errors.Is(err, ErrUnknown) {
		t.Errorf("half of the keys: %v", err)
	}
	if err := s.Delete(tenant, sum); err != nil || len(files(t, s)) != 0 {
		t.Errorf("%v, %v is left", err, files(t, s))
	}
	if _, err := s.Put(t.Context(), tenant, Sum{}, 0, 1000, bytes.NewReader(all), read); !errors.Is(err, ErrSum) || len(files(t, s)) != 0 {
		t.Errorf("another hash: %v, %v is left", err, files(t, s))
	}
	refused, _ := object('!', 1000)
	if err := put(t, s, tenant, refused); !errors.Is(err, errRefused) || len(files(t, s)) != 0 {
		t.Errorf("refused: %v, %v is left", err, files(t, s))
	}
	if _, err := s.Put(t.Context(), tenant, sum, 0, 999, bytes.NewReader(all), read); !errors.Is(err, ErrOffset) {
		t.Errorf("more than was said: %v", err)
	}
	if err := put(t, s, "../"+tenant, all); !errors.Is(err, ErrTenant) {
		t.Errorf("a tenant above: %v", err)
	}
}

// A process that ends when all has arrived and nothing is checked yet leaves an upload that
// goes on.
func TestKilledBeforeCheck(t *testing.T) {
	s := open(t, Options{})
	all, sum := object('k', 1000)
	part := s.part(tenant, sum, 1000)
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, all, 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := s.Status(tenant, sum)
	if err != nil || i.Complete() || i.Arrived != 999 {
		t.Fatalf("%+v, %v", i, err)
	}
	if i, err = s.Put(t.Context(), tenant, sum, i.Arrived, 1000, bytes.NewReader(all[i.Arrived:]), read); err != nil || !i.Complete() {
		t.Fatalf("%+v, %v", i, err)
	}
	if err := acquire(t, s, tenant, 'k'); err != nil {
		t.Error(err)
	}
}

// The quota counts what is there and what other requests have announced.
func TestQuota(t *testing.T) {
	s := open(t, Options{Quota: 2500})
	a, sumA := object('a', 1000)
	b, _ := object('b', 1000)
	c, _ := object('c', 1000)
	if err := put(t, s, tenant, b); err != nil {
		t.Fatal(err)
	}
	body, to := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := s.Put(t.Context(), tenant, sumA, 0, 1000, body, read)
		done <- err
	}()
	if _, err := to.Write(a[:1]); err != nil { // it is under way now
		t.Fatal(err)
	}
	if err := put(t, s, tenant, c); !errors.Is(err, ErrQuota) {
		t.Errorf("beside an upload: %v", err)
	}
	if err := put(t, s, "hospital-b", c); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := to.Write(a[1:]); err != nil {
		t.Fatal(err)
	}
	to.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := put(t, s, tenant, c); !errors.Is(err, ErrQuota) {
		t.Errorf("behind an upload: %v", err)
	}
}

// Unfinished uploads are bounded in number, the oldest gives way.
func TestUnfinished(t *testing.T) {
	s := open(t, Options{})
	var first Sum
	for n := range Unfinished + 5 {
		sum := Sum(sha256.Sum256([]byte{byte(n)}))
		if _, err := s.Put(t.Context(), tenant, sum, 0, 1000, strings.NewReader("x"), read); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = sum
			old := time.Now().Add(-time.Hour)
			if err := os.Chtimes(s.part(tenant, sum, 1000), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(files(t, s)); n != Unfinished {
		t.Errorf("%d uploads are kept, want %d", n, Unfinished)
	}
	if _, err := s.Status(tenant, first); !errors.Is(err, ErrUnknown) {
		t.Errorf("the oldest: %v", err)
	}
}

// Keys that nobody used, and uploads that nobody continued, are swept; a use keeps them.
func TestSweep(t *testing.T) {
	s := open(t, Options{MaxAge: 100 * time.Hour})
	old, oldSum := object('o', 10)
	used, usedSum := object('u', 10)
	part, partSum := object('p', 10)
	for _, b := range [][]byte{old, used} {
		if err := put(t, s, tenant, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(t.Context(), tenant, partSum, 0, 10, bytes.NewReader(part[:5]), read); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-200 * time.Hour)
	for _, path := range []string{s.path(tenant, oldSum), s.path(tenant, usedSum)} {
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if err := acquire(t, s, tenant, 'u'); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "Not a tenant"), 0o700); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(time.Now()); err != nil || n != 1 {
		t.Errorf("%d swept, %v", n, err)
	}
	if err := acquire(t, s, tenant, 'o'); !errors.Is(err, ErrUnknown) {
		t.Errorf("the old ones: %v", err)
	}
	if err := acquire(t, s, tenant, 'u'); err != nil {
		t.Errorf("the used ones: %v", err)
	}
	s.MaxAge = 0
	if n, err := s.Sweep(time.Now().Add(25 * time.Hour)); err != nil || n != 1 {
		t.Errorf("%d abandoned, %v", n, err)
	}
}

// A cache smaller than one set of keys keeps none once they are given back, and everybody
// gets them all the same. Those who come together read them once.
func TestCache(t *testing.T) {
	for _, limit := range []int64{10, 1500} {
		s := open(t, Options{Cache: limit})
		for _, first := range []byte("ab") {
			b, _ := object(first, 1000)
			if err := put(t, s, tenant, b); err != nil {
				t.Fatal(err)
			}
		}
		var reads atomic.Int64
		var wg sync.WaitGroup
		together := make(chan struct{})
		for range 10 {
			wg.Go(func() {
				_, release, err := s.Acquire(t.Context(), tenant, nameOf('a'), func(ctx context.Context, r io.Reader) (he.Keys, error) {
					reads.Add(1)
					<-together
					return load(ctx, r)
				})
				if err != nil {
					t.Error(err)
					return
				}
				release()
				release() // twice is once
			})
		}
		time.AfterFunc(50*time.Millisecond, func() { close(together) })
		wg.Wait()
		if n := reads.Load(); limit > 1000 && n != 1 || n > 10 {
			t.Errorf("limit %d: read %d times", limit, n)
		}
		if n, bytes := s.Cached(); bytes > limit || int64(n)*1000 != bytes {
			t.Errorf("%d keys of %d bytes in memory, the limit is %d", n, bytes, limit)
		}
		if err := acquire(t, s, tenant, 'b'); err != nil {
			t.Error(err)
		}
	}
}

// A client that goes away does not take the keys from the others.
func TestAcquireCancelled(t *testing.T) {
	s := open(t, Options{})
	b, _ := object('a', 1000)
	if err := put(t, s, tenant, b); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	reading, goOn := make(chan struct{}), make(chan struct{})
	gone := make(chan error)
	go func() {
		_, _, err := s.Acquire(ctx, tenant, nameOf('a'), func(ctx context.Context, r io.Reader) (he.Keys, error) {
			close(reading)
			<-goOn
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return load(ctx, r)
		})
		gone <- err
	}()
	<-reading
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(goOn)
	if err := acquire(t, s, tenant, 'a'); err != nil {
		t.Error(err)
	}
}

func TestDiskFull(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		if err := full(&os.PathError{Op: "write", Path: "x", Err: cause}); !errors.Is(err, ErrDiskFull) {
			t.Errorf("%v", err)
		}
	}
	if err := full(os.ErrPermission); errors.Is(err, ErrDiskFull) {
		t.Errorf("%v", err)
	}
}
