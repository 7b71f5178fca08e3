// Package keystore keeps the evaluation keys of a service's tenants: as files, which
// survive whatever ends the process and may stand on storage that several processes
// share, and in memory while they are used.
//
//	DIR/TENANT/keys/SHA256                 an object of evaluation keys, complete
//	DIR/TENANT/parts/SHA256.LENGTH         what has arrived of one
//	DIR/TENANT/names/SPEC-KEY/SHA256       an empty file: keys of that secret key
//
// A file in keys is never written to: it is there as a whole or not at all. There is no
// index besides the files, so that nothing can disagree with them.
package keystore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"qtool/he/wire"
)

// Name says what keys are good for: one client half and one secret key.
type Name struct {
	Spec [32]byte
	Key  wire.KeyID
}

func (n Name) file() string { return fmt.Sprintf("%x-%x", n.Spec, n.Key) }

// Sum is the SHA-256 of an object of evaluation keys.
type Sum [32]byte

// String is the hash in hex.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ParseSum reads a hash in lower case hex.
func ParseSum(text string) (s Sum, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) || strings.ToLower(text) != text {
		return s, fmt.Errorf("%q is no SHA-256 in lower case hex", text)
	}
	copy(s[:], b)
	return s, nil
}

// Options are the limits of a store.
type Options struct {
	// Dir is the folder; it is made, for its owner alone.
	Dir string
	// Quota is the bytes of a tenant's keys on disk, unfinished ones included.
	Quota int64
	// Cache is the bytes of keys in memory besides those in use.
	Cache int64
	// MaxAge is how long keys are kept after their last use; 0 is forever.
	MaxAge time.Duration
}

// Errors that callers branch on.
var (
	ErrUnknown  = errors.New("no such evaluation keys")
	ErrQuota    = errors.New("the quota of evaluation keys is used up")
	ErrDiskFull = errors.New("the disk is full")
	ErrOffset   = errors.New("the bytes do not follow what has arrived")
	ErrSum      = errors.New("the bytes have another SHA-256")
	ErrTenant   = errors.New("not a tenant's name")
)

// Store is safe for concurrent use, and several stores may have one folder.
type Store struct {
	Options
	active active
	cache  *cache
}

// Open makes the folder where it is not there.
func Open(o Options) (*Store, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	return &Store{Options: o, active: active{all: map[cached]*upload{}}, cache: newCache(o.Cache)}, nil
}

// CheckTenant wants 1 to 64 lower case letters, digits, dots, dashes and underscores, the
// first a letter or digit.
func CheckTenant(name string) error {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-", c)) {
			return fmt.Errorf("%w: %q has %q at byte %d", ErrTenant, name, c, i)
		}
	}
	if len(name) < 1 || len(name) > 64 {
		return fmt.Errorf("%w: %d bytes, want 1..64", ErrTenant, len(name))
	}
	return nil
}

func (s *Store) folder(tenant, kind string) string { return filepath.Join(s.Dir, tenant, kind) }

func (s *Store) path(tenant string, sum Sum) string {
	return filepath.Join(s.folder(tenant, "keys"), sum.String())
}

// Info is what is known of a tenant's keys. Arrived is below Length while they are being
// sent; Used is the time of the last use, to the hour.
type Info struct {
	Sum     Sum
	Length  int64
	Arrived int64
	Used    time.Time
	// Names is what complete keys are good for: one name.
	Names []Name
}

// Complete reports whether all has arrived.
func (i Info) Complete() bool { return i.Arrived == i.Length }

// Status is what has arrived of the keys with a hash; ErrUnknown where nothing has.
func (s *Store) Status(tenant string, sum Sum) (Info, error) {
	if err := CheckTenant(tenant); err != nil {
		return Info{}, err
	}
	if st, err := os.Stat(s.path(tenant, sum)); err == nil {
		return Info{Sum: sum, Length: st.Size(), Arrived: st.Size(), Used: st.ModTime()}, nil
	}
	parts, err := s.parts(tenant)
	if err != nil {
		return Info{}, err
	}
	for _, p := range parts {
		if p.Sum == sum {
			return p, nil
		}
	}
	return Info{}, fmt.Errorf("keystore: %w: %v", ErrUnknown, sum)
}

// List is all of a tenant's keys, complete ones first.
func (s *Store) List(tenant string) ([]Info, error) {
	if err := CheckTenant(tenant); err != nil {
		return nil, err
	}
	all, err := s.complete(tenant)
	if err != nil {
		return nil, err
	}
	names, err := s.named(tenant)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Names = names[all[i].Sum]
	}
	parts, err := s.parts(tenant)
	return append(all, parts...), err
}

func (s *Store) complete(tenant string) ([]Info, error) {
	return list(s.folder(tenant, "keys"), func(name string, st fs.FileInfo) (i Info, ok bool) {
		sum, err := ParseSum(name)
		return Info{Sum: sum, Length: st.Size(), Arrived: st.Size(), Used: st.ModTime()}, err == nil
	})
}

func (s *Store) parts(tenant string) ([]Info, error) {
	return list(s.folder(tenant, "parts"), func(name string, st fs.FileInfo) (i Info, ok bool) {
		of, length, _ := strings.Cut(name, ".")
		sum, err := ParseSum(of)
		total, wrong := strconv.ParseInt(length, 10, 64)
		return Info{Sum: sum, Length: total, Arrived: counted(st.Size(), total), Used: st.ModTime()}, err == nil && wrong == nil
	})
}

// counted is how many of the bytes of an unfinished upload count as arrived: not the last
// one, before the whole is checked and taken. A process that ends in between leaves an
// upload that goes on with that byte.
func counted(size, length int64) int64 { return max(0, min(size, length-1)) }

// named is what the tenant's keys are good for.
func (s *Store) named(tenant string) (map[Sum][]Name, error) {
	all := map[Sum][]Name{}
	dirs, err := os.ReadDir(s.folder(tenant, "names"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	for _, d := range dirs {
		var n Name
		spec, key, _ := strings.Cut(d.Name(), "-")
		a, err1 := hex.DecodeString(spec)
		b, err2 := hex.DecodeString(key)
		if err1 != nil || err2 != nil || copy(n.Spec[:], a) != len(n.Spec) || copy(n.Key[:], b) != len(n.Key) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(s.folder(tenant, "names"), d.Name()))
		if err != nil {
			continue // it was removed in between
		}
		for _, f := range files {
			if sum, err := ParseSum(f.Name()); err == nil {
				all[sum] = append(all[sum], n)
			}
		}
	}
	return all, nil
}

// list is what of makes of a folder's files; nothing where there is no folder.
func list(dir string, of func(name string, st fs.FileInfo) (Info, bool)) (all []Info, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	for _, e := range entries {
		st, err := e.Info()
		if err != nil {
			continue // it was removed in between
		}
		if i, ok := of(e.Name(), st); ok {
			all = append(all, i)
		}
	}
	return all, nil
}

// Delete removes keys, complete or not. What an evaluation has in use it keeps to its
// end; no later one finds them, in any process.
func (s *Store) Delete(tenant string, sum Sum) error {
	i, err := s.Status(tenant, sum)
	if err != nil {
		return err
	}
	if i.Complete() {
		err = os.Remove(s.path(tenant, sum))
		s.cache.drop(cached{tenant, sum})
		named, _ := filepath.Glob(filepath.Join(s.folder(tenant, "names"), "*", sum.String()))
		for _, n := range named {
			_ = os.Remove(n) // it names nothing any more
			_ = os.Remove(filepath.Dir(n))
		}
	} else {
		err = os.Remove(s.part(tenant, sum, i.Length))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keystore: %w", err)
	}
	return nil
}

// Sweep removes the keys, of all tenants, that were not used for MaxAge, and unfinished
// uploads to which nothing came for a day. It returns how many.
func (s *Store) Sweep(now time.Time) (n int, err error) {
	tenants, err := os.ReadDir(s.Dir)
	if err != nil {
		return 0, fmt.Errorf("keystore: %w", err)
	}
	for _, t := range tenants {
		all, err := s.List(t.Name())
		if err != nil {
			continue // a folder of somebody else
		}
		for _, i := range all {
			age := now.Sub(i.Used)
			old := s.MaxAge > 0 && age > s.MaxAge || !i.Complete() && age > abandoned
			if old && s.Delete(t.Name(), i.Sum) == nil {
				n++
			}
		}
	}
	return n, nil
}

// full makes ErrDiskFull of the operating system's error.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("keystore: %w: %w", ErrDiskFull, err)
	}
	return fmt.Errorf("keystore: %w", err)
}
