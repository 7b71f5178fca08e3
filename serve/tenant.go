package serve

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"qtool/internal/whole"
	"qtool/serve/keystore"
)

// LocalTenant is everybody, where there are no credentials.
const LocalTenant = "local"

// skew is how far a client's or an issuer's clock may be off.
const skew = time.Minute

// Tokens are the bearer tokens of a file, which has a line each:
//
//	TENANT sha256:HEX [from=TIME] [until=TIME]
//
// with times of RFC 3339. The file holds hashes alone; it is read again when it changes.
// Lines that are empty or begin with # are passed over.
type Tokens struct {
	path string
	mu   sync.Mutex
	read time.Time // of the file that was read
	size int64
	all  map[[32]byte]token
}

type token struct {
	tenant      string
	from, until time.Time // zero: always
}

// maxTokens bounds the file, in bytes.
const maxTokens = 16 << 20

// OpenTokens reads a file of tokens.
func OpenTokens(path string) (*Tokens, error) {
	t := &Tokens{path: path}
	return t, t.refresh()
}

// NewToken draws a token for a tenant and gives the line that lets it in.
func NewToken(tenant string, until time.Time) (secret, line string, err error) {
	if err := keystore.CheckTenant(tenant); err != nil {
		return "", "", err
	}
	var b [32]byte
	rand.Read(b[:]) // it gives no error: without randomness the program ends
	secret = "qt_" + base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(secret))
	line = fmt.Sprintf("%s sha256:%x", tenant, sum)
	if !until.IsZero() {
		line += " until=" + until.UTC().Format(time.RFC3339)
	}
	return secret, line, nil
}

// AddToken draws a token for a tenant, valid for so long or, for 0, without end, and adds
// its line to a file, which is made where it is not there.
func AddToken(path, tenant string, valid time.Duration) (secret string, err error) {
	until := time.Time{}
	if valid > 0 {
		until = time.Now().Add(valid)
	}
	secret, line, err := NewToken(tenant, until)
	if err != nil {
		return "", err
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if len(before) > 0 && before[len(before)-1] != '\n' {
		before = append(before, '\n')
	}
	return secret, whole.WriteFile(filepath.Clean(path), append(before, line+"\n"...))
}

func (t *Tokens) refresh() error {
	st, err := os.Stat(t.path)
	if err != nil {
		return fmt.Errorf("serve: tokens: %w", err)
	}
	if st.ModTime().Equal(t.read) && st.Size() == t.size {
		return nil
	}
	if !st.Mode().IsRegular() || st.Size() > maxTokens {
		return fmt.Errorf("serve: tokens: %s is no regular file of at most %d bytes", t.path, maxTokens)
	}
	f, err := os.Open(t.path)
	if err != nil {
		return fmt.Errorf("serve: tokens: %w", err)
	}
	defer f.Close()
	all := map[[32]byte]token{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if text := strings.TrimSpace(lines.Text()); text != "" && text[0] != '#' {
			sum, one, err := parseToken(text)
			if err != nil {
				return fmt.Errorf("serve: %s:%d: %w", t.path, n, err)
			}
			all[sum] = one
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("serve: %s: %w", t.path, err)
	}
	t.all, t.read, t.size = all, st.ModTime(), st.Size()
	return nil
}

func parseToken(line string) (sum [32]byte, t token, err error) {
	words := strings.Fields(line)
	t.tenant = words[0]
	if err := keystore.CheckTenant(t.tenant); err != nil {
		return sum, t, err
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch digest, ok := strings.CutPrefix(w, "sha256:"); {
		case ok:
			b, err := hex.DecodeString(digest)
			if err != nil || len(b) != len(sum) {
				return sum, t, fmt.Errorf("%q is no SHA-256 in hex", digest)
			}
			copy(sum[:], b)
		case key == "from":
			t.from, err = time.Parse(time.RFC3339, value)
		case key == "until":
			t.until, err = time.Parse(time.RFC3339, value)
		default:
			err = fmt.Errorf("%q is unknown, want sha256:HEX, from=TIME or until=TIME", w)
		}
		if err != nil {
			return sum, t, err
		}
	}
	if sum == ([32]byte{}) {
		return sum, t, fmt.Errorf("tenant %q has no sha256:HEX", t.tenant)
	}
	return sum, t, nil
}

// tenant is whose token a request has. A changed file that cannot be read leaves the
// tokens as they were.
func (t *Tokens) tenant(r *http.Request, now time.Time) (string, error) {
	kind, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") || secret == "" {
		return "", problem("unauthorized", "the request has no bearer token")
	}
	// The hash is what is compared, so that time says nothing of tokens.
	sum := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	t.mu.Lock()
	_ = t.refresh()
	one, ok := t.all[sum]
	t.mu.Unlock()
	switch {
	case !ok:
		return "", problem("unauthorized", "the bearer token is unknown")
	case !one.from.IsZero() && now.Add(skew).Before(one.from):
		return "", problem("unauthorized", "the bearer token holds from %s on; the service's clock says %s", one.from.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case !one.until.IsZero() && now.Add(-skew).After(one.until):
		return "", problem("unauthorized", "the bearer token held until %s; the service's clock says %s", one.until.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return one.tenant, nil
}

// tenant is who sends a request: the owner of its token; else the common name of its
// verified certificate; else, where neither is asked for, LocalTenant.
func (s *Service) tenant(r *http.Request) (string, error) {
	switch {
	case s.Tokens != nil:
		return s.Tokens.tenant(r, time.Now())
	case s.Certificates:
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return "", problem("unauthorized", "the request has no client certificate")
		}
		name := strings.ToLower(r.TLS.VerifiedChains[0][0].Subject.CommonName)
		if err := keystore.CheckTenant(name); err != nil {
			return "", problem("unauthorized", "the certificate's common name: %v", err)
		}
		return name, nil
	}
	return LocalTenant, nil
}
