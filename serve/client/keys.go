package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"qtool/he"
	"qtool/serve/api"
)

// piece is how many bytes of keys one request brings.
const piece = 8 << 20

// tries is how often a piece is sent when the connection fails.
const tries = 4

// Keys lists the tenant's evaluation keys.
func (c *Client) Keys(ctx context.Context) ([]api.KeyInfo, error) {
	var all api.Keys
	err := c.get(ctx, "/v1/keys", &all)
	return all.Keys, err
}

// KeysOf is the SHA-256, in hex, of complete evaluation keys of a secret key that the
// service has; "" where it has none.
func (c *Client) KeysOf(ctx context.Context, key he.Client) (string, error) {
	hash, err := key.Spec().Hash()
	if err != nil {
		return "", err
	}
	id := key.KeyID()
	all, err := c.Keys(ctx)
	if err != nil {
		return "", err
	}
	for _, k := range all {
		if k.Complete && k.KeyID == hex.EncodeToString(id[:]) && k.ClientHalf == hex.EncodeToString(hash[:]) {
			return k.SHA256, nil
		}
	}
	return "", nil
}

// Arrived is how much of the keys with a SHA-256, in hex, the service has; 0 where it has
// nothing of them.
func (c *Client) Arrived(ctx context.Context, sum string) (arrived int64, err error) {
	r, err := c.request(ctx, http.MethodHead, "/v1/keys/"+sum, nil)
	if err != nil {
		return 0, err
	}
	a, err := c.do(r)
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := a.Body.Close(); err != nil {
		return 0, fmt.Errorf("client: %w", err)
	}
	n, err := strconv.ParseInt(a.Header.Get(api.HeaderArrived), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("client: the service says that %q bytes have arrived", a.Header.Get(api.HeaderArrived))
	}
	return n, nil
}

// UploadKeys brings an object of evaluation keys of so many bytes to the service, piece by
// piece, from where an earlier upload ended; nothing is sent of what is there. It returns
// the SHA-256, in hex, that names them. done, if not nil, is told how much is there.
func (c *Client) UploadKeys(ctx context.Context, keys io.ReaderAt, size int64, done func(bytes int64)) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(keys, 0, size)); err != nil {
		return "", fmt.Errorf("client: evaluation keys: %w", err)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	failed, before := 0, int64(0)
	for {
		at, err := c.Arrived(ctx, sum)
		if err == nil {
			if at > before { // others may send the same keys
				failed, before = 0, at
			}
			if done != nil {
				done(at)
			}
			if at == size {
				return sum, nil
			}
			if err = c.put(ctx, sum, keys, at, min(size, at+piece), size); err == nil {
				failed = 0
				continue
			}
		}
		// The service's word is final unless it asks for patience; a connection is not.
		var e *Error
		wait := time.Second << failed
		if errors.As(err, &e) {
			if e.Status != http.StatusTooManyRequests && e.Status != http.StatusServiceUnavailable && e.Status != http.StatusRequestedRangeNotSatisfiable {
				return "", err
			}
			wait = max(wait, e.RetryAfter)
		}
		if failed++; failed == tries || ctx.Err() != nil {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// put sends bytes from..to of an object.
func (c *Client) put(ctx context.Context, sum string, keys io.ReaderAt, from, to, size int64) error {
	r, err := c.request(ctx, http.MethodPut, "/v1/keys/"+sum, io.NewSectionReader(keys, from, to-from))
	if err != nil {
		return err
	}
	r.ContentLength = to - from
	r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
	a, err := c.do(r)
	if err != nil {
		return err
	}
	return a.Body.Close()
}

// DeleteKeys revokes keys: no evaluation uses them from now on.
func (c *Client) DeleteKeys(ctx context.Context, sum string) error {
	r, err := c.request(ctx, http.MethodDelete, "/v1/keys/"+sum, nil)
	if err != nil {
		return err
	}
	a, err := c.do(r)
	if err != nil {
		return err
	}
	return a.Body.Close()
}
