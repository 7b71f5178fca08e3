package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// Unfinished is how many uploads of a tenant may be unfinished. When another begins, the
// one that was continued longest ago gives way.
const Unfinished = 32

// abandoned is how long an unfinished upload is kept after its last byte.
const abandoned = 24 * time.Hour

// active are the uploads that requests of this process continue, or wait to.
type active struct {
	mu  sync.Mutex
	all map[cached]*upload
}

type upload struct {
	mu     sync.Mutex // held by the request that writes
	users  int        // requests that hold or wait for mu
	length int64      // bytes that are reserved within the quota; 0 before
}

// enter waits until no other request of this process writes the same keys.
func (a *active) enter(name cached) (leave func()) {
	a.mu.Lock()
	u := a.all[name]
	if u == nil {
		u = &upload{}
		a.all[name] = u
	}
	u.users++
	a.mu.Unlock()
	u.mu.Lock()
	return func() {
		u.mu.Unlock()
		a.mu.Lock()
		defer a.mu.Unlock()
		u.length = 0
		if u.users--; u.users == 0 {
			delete(a.all, name)
		}
	}
}

// room reserves length bytes for an upload that has been entered, or refuses them: with
// what the tenant has and what its other requests will bring they must be within the quota.
func (s *Store) room(name cached, length int64) error {
	s.active.mu.Lock()
	defer s.active.mu.Unlock()
	all, err := s.List(name.tenant)
	if err != nil {
		return err
	}
	used, idle, unfinished := int64(0), []Info{}, 0
	for _, i := range all {
		if i.Sum == name.sum {
			continue
		}
		u := s.active.all[cached{name.tenant, i.Sum}]
		if u == nil || u.length == 0 {
			used += i.Arrived
		}
		if !i.Complete() {
			unfinished++
			if u == nil {
				idle = append(idle, i)
			}
		}
	}
	for other, u := range s.active.all {
		if other.tenant == name.tenant && other != name {
			used += u.length
		}
	}
	if unfinished >= Unfinished {
		if len(idle) == 0 {
			return fmt.Errorf("keystore: %w: %d uploads are under way", ErrQuota, unfinished)
		}
		oldest := slices.MinFunc(idle, func(a, b Info) int { return a.Used.Compare(b.Used) })
		if err := os.Remove(s.part(name.tenant, oldest.Sum, oldest.Length)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keystore: %w", err)
		}
		used -= oldest.Arrived
	}
	if s.Quota > 0 && used+length > s.Quota {
		return fmt.Errorf("keystore: %w: %d bytes are kept or on their way and %d would come, the limit is %d", ErrQuota, used, length, s.Quota)
	}
	s.active.all[name].length = length
	return nil
}
