package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"qtool/he"
)

// cached names keys in memory.
type cached struct {
	tenant string
	sum    Sum
}

// cache keeps the keys that were used last. Those in use count, and are kept whatever
// the limit is.
type cache struct {
	mu    sync.Mutex
	limit int64
	bytes int64 // of all that are kept
	all   *simplelru.LRU[cached, *entry]
	load  singleflight.Group
}

type entry struct {
	keys he.Keys
	uses int // by evaluations
}

func newCache(limit int64) *cache {
	all, err := simplelru.NewLRU[cached, *entry](1<<30, nil) // bytes are what is limited
	if err != nil {
		panic(err) // the size is positive
	}
	return &cache{limit: limit, all: all}
}

// put keeps keys.
func (c *cache) put(name cached, keys he.Keys) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(name, &entry{keys: keys})
}

func (c *cache) add(name cached, e *entry) {
	if _, there := c.all.Peek(name); there {
		return
	}
	c.all.Add(name, e)
	c.bytes += e.keys.Bytes()
	c.shrink()
}

// shrink drops keys that nobody uses, the longest unused ones first, down to the limit.
func (c *cache) shrink() {
	for _, name := range c.all.Keys() { // from the oldest on
		if c.bytes <= c.limit {
			return
		}
		if e, _ := c.all.Peek(name); e.uses == 0 {
			c.remove(name, e)
		}
	}
}

func (c *cache) remove(name cached, e *entry) {
	c.all.Remove(name)
	c.bytes -= e.keys.Bytes()
}

// drop forgets keys; an evaluation that has them in use goes on.
func (c *cache) drop(name cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, there := c.all.Peek(name); there {
		c.remove(name, e)
	}
}

// use gives keys that are kept, in use until release is called.
func (c *cache) use(name cached) (keys he.Keys, release func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.all.Get(name)
	if !ok {
		return nil, nil, false
	}
	e.uses++
	return e.keys, sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.uses--
		c.shrink()
	}), true
}

// Cached is how many keys are in memory, and their bytes.
func (s *Store) Cached() (n int, bytes int64) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return s.cache.all.Len(), s.cache.bytes
}

// Acquire gives a tenant's newest keys of a name, read by load unless they are in memory.
// However many wait for the same keys, they are read once. release must be called when
// they are no longer used. The error wraps ErrUnknown where the tenant has no such keys.
func (s *Store) Acquire(ctx context.Context, tenant string, name Name, load func(context.Context, io.Reader) (he.Keys, error)) (keys he.Keys, release func(), err error) {
	sum, err := s.newest(tenant, name)
	if err != nil {
		return nil, nil, err
	}
	c := cached{tenant, sum}
	if keys, release, ok := s.cache.use(c); ok {
		s.touch(tenant, sum)
		return keys, release, nil
	}
	// The one who reads must not stop for all when its own client goes away.
	done := s.cache.load.DoChan(tenant+"/"+sum.String(), func() (any, error) {
		f, err := os.Open(s.path(tenant, sum))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("keystore: %w: %v", ErrUnknown, sum)
		} else if err != nil {
			return nil, fmt.Errorf("keystore: %w", err)
		}
		defer f.Close()
		keys, err := load(context.WithoutCancel(ctx), f)
		if err == nil {
			s.cache.put(c, keys)
		}
		return keys, err
	})
	select {
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case r := <-done:
		if r.Err != nil {
			return nil, nil, r.Err
		}
		s.touch(tenant, sum)
		if keys, release, ok := s.cache.use(c); ok {
			return keys, release, nil
		}
		// Dropped at once, as a limit below one set of keys does.
		return r.Val.(he.Keys), func() {}, nil
	}
}

// newest is the hash of the keys of a name that arrived last.
func (s *Store) newest(tenant string, name Name) (best Sum, err error) {
	if err := CheckTenant(tenant); err != nil {
		return best, err
	}
	var at time.Time
	named, err := list(filepath.Join(s.folder(tenant, "names"), name.file()), func(file string, st fs.FileInfo) (Info, bool) {
		sum, err := ParseSum(file)
		return Info{Sum: sum, Used: st.ModTime()}, err == nil
	})
	for _, i := range named {
		if !i.Used.Before(at) && exists(s.path(tenant, i.Sum)) {
			best, at = i.Sum, i.Used
		}
	}
	if err == nil && at.IsZero() {
		err = fmt.Errorf("keystore: %w: tenant %q has none for the client half %x and the key %x", ErrUnknown, tenant, name.Spec[:4], name.Key)
	}
	return best, err
}

// touch marks keys as used, once an hour.
func (s *Store) touch(tenant string, sum Sum) {
	path := s.path(tenant, sum)
	if st, err := os.Stat(path); err == nil && time.Since(st.ModTime()) > time.Hour {
		_ = os.Chtimes(path, time.Time{}, time.Now()) // the age is for sweeping alone
	}
}
